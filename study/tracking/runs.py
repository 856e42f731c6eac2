"""MLflow's side of a study: one parent run a study, one child run a trial.

Everything here is idempotent: a run is found by the identity in its tags, and a metric that is logged again with the
same step, time and value is kept once. So what a server missed can always be delivered again from the directory.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param

from study.ledger import results
from study.ledger.folder import RECORD, Folder, write_json
from study.ledger.headline import by_corruption, details, headline
from study.ledger.state import State
from study.ledger.trial import Point, Trial, short
from study.ledger.trial_folder import TrialFolder
from study.ledger.uri import PARENT, SETTING
from study.tracking.client import connect, experiment_id, metric_name, search
from study.tracking.contents import log_dataset, log_model, metric
from study.tracking.view import view_state, view_tag

ID, HOME, KEY, CONFIG, STATE = "study.id", "study.home", "study.trial", "study.config", "study.state"
MODEL = "study.model"
"""Tag of a trial's run: the identity of its logged model."""
DECIDED = (State.VALIDATED, State.STOPPED)
"""Where a search's run of a trial is complete; a validated one may yet be measured on test data."""
TRIALS = "trials.json"
"""Artifact of a study's run: key -> trial."""
CLOCK = "train_loss"
"""The metric whose history says which epochs a run has."""
NOTE = "mlflow.note.content"
"""MLflow's tag of a run's description."""
BATCH = 900
"""Metrics in one request; servers take 1,000."""


class Store:
    """The runs of one study in one MLflow store. Creates the store, the experiment and the parent run as needed."""

    def __init__(self, uri: str, folder: Folder) -> None:
        self.folder, self.study = folder, folder.read()
        self.client = connect(uri)
        self.experiment = experiment_id(self.client, uri, self.study["name"])
        self.parent = self._parent()
        self.children: dict[str, Any] = {}
        self.delivered: dict[str, Any] = {}
        """Key -> the names of the tables that a run has, as its tag says them."""
        self.models: dict[str, str] = {}
        """Key -> the identity of the trial's logged model."""
        self.logged: dict[str, set[int]] = {}
        """Key -> the epochs that a run has; one that is trained again after a fault is logged once."""
        children = search(self.client, self.experiment, f"tags.`{PARENT}` = '{self.parent}'")
        for run in sorted(children, key=lambda run: run.info.start_time):
            key = run.data.tags[KEY]
            if key in self.children:
                self.client.delete_run(run.info.run_id)  # made twice, by a request whose answer was lost
            else:
                self.children[key], self.delivered[key] = run.info, run.data.tags.get(STATE)
                if MODEL in run.data.tags:
                    self.models[key] = run.data.tags[MODEL]
        self.client.log_artifact(self.parent, str(folder.path / RECORD))
        trials = folder.trials()
        self._log_trials(trials)
        view = self._share_view(trials)
        write_json(folder.mlflow, {"experiment": self.experiment, "parent": self.parent, "view": view})

    def open(self) -> None:
        """Makes the study's run RUNNING."""
        self.client.update_run(self.parent, status="RUNNING")

    def close(self, *, complete: bool) -> None:
        """Ends the study's run, as finished if all its trials are."""
        for path in self.folder.selection:
            if path.is_dir():
                self.client.log_artifacts(self.parent, str(path), path.name)
            elif path.exists():
                self.client.log_artifact(self.parent, str(path))
        if self.folder.code.exists():
            self.client.log_artifacts(self.parent, str(self.folder.code), self.folder.code.name)
        self._log_trials(self.folder.trials())
        self.client.set_terminated(self.parent, "FINISHED" if complete else "FAILED")

    def _share_view(self, trials: Sequence[Trial]) -> str:
        """Stores the prepared page of the study's runs with the experiment; returns its key."""
        name, key = view_tag(self.study["home"])
        self.client.set_experiment_tag(self.experiment, name, view_state(self.parent, trials))
        return key

    def _log_trials(self, trials: Sequence[Trial]) -> None:
        """Puts what the trials are on the study's run, those that nobody has begun included."""
        self.client.log_dict(self.parent, {trial.key: json.loads(trial.to_json()) for trial in trials}, TRIALS)

    def start(self, trial: Trial) -> None:
        """Makes the trial's run RUNNING; creates it if there is none."""
        if trial.key in self.children:
            self.client.update_run(self.children[trial.key].run_id, status="RUNNING")
        else:
            self._create(trial)
        # Again each time: whoever created the run may not have got this far, and the same parameters may be repeated.
        names = {"method": trial.method, "data": trial.data, "model": trial.model}
        settings = {"arm": trial.arm, **{kind: short(name) for kind, name in names.items()}}
        options = {f"model.{k}": v for k, v in trial.model_params.items()}
        options |= {f"data.{k}": v for k, v in trial.data_params.items()}
        values = {**settings, "seed": trial.seed, **trial.params, **trial.recipe, **options, **trial.label_values}
        params = [Param(k, str(v)) for k, v in values.items()]
        self.client.log_batch(self.children[trial.key].run_id, params=params)

    def _create(self, trial: Trial) -> None:
        tags = {
            "mlflow.runName": f"{trial.label}, seed {trial.seed}",
            PARENT: self.parent,
            KEY: trial.key,
            CONFIG: trial.config_id,
            "study": self.study["name"],
            "arm": trial.arm,
            "method": short(trial.method),
            "dataset": short(trial.data),
            "data.fingerprint": trial.fingerprint,
            "seed": str(trial.seed),
            SETTING: trial.label,
            "mlflow.source.git.commit": self.study["commit"],
        }
        tags[NOTE] = (
            f"{trial.label}, seed {trial.seed}: {short(trial.model)} trained by {tags['method']} on {tags['dataset']}."
        )
        run = self.client.create_run(self.experiment, tags={k: str(v) for k, v in tags.items()})
        self.children[trial.key], self.logged[trial.key] = run.info, set()
        log_dataset(self.client, run.info.run_id, trial)

    def log(self, trial: Trial, points: Iterable[Point]) -> None:
        """Logs the epochs of a trial that its run lacks; opens the run if the store has missed its start."""
        if trial.key not in self.children:
            self.start(trial)
        logged = self._epochs(trial)
        new = [point for point in points if int(point["epoch"]) not in logged]
        metrics = [
            Metric(metric_name(name), value, int(point["time"] * 1000), int(point["epoch"]))
            for point in new
            for name, value in point.items()
            if name not in ("time", "epoch")
        ]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(self.children[trial.key].run_id, metrics=metrics[start : start + BATCH])
        logged |= {int(point["epoch"]) for point in new}

    def _epochs(self, trial: Trial) -> set[int]:
        if trial.key not in self.logged:
            history = self.client.get_metric_history(self.children[trial.key].run_id, CLOCK)
            self.logged[trial.key] = {metric.step for metric in history}
        return self.logged[trial.key]

    def finish(self, trial: Trial) -> None:
        """Completes the run of a trial from its folder: all epochs, final metrics, the files themselves, status.

        What a search measured on the validation split is named so: "validation.corruption".
        """
        self.start(trial)
        run, place = self.children[trial.key].run_id, self.folder.trial(trial.key)
        if trial.key not in self.models:
            model = log_model(self.client, self.experiment, run, trial, place.checkpoint)
            self.models[trial.key] = model
            self.client.set_tag(run, MODEL, model)
        for table in place.tables:
            self._log_table(trial, table, "validation." if table == place.mark(State.VALIDATED) else "")
        if place.tables:
            self.client.log_dict(run, results.facts(place.tables[-1])["versions"], "versions.json")
        for path in (place.trial_file, *place.tables, place.correct, place.best):
            if path.exists():
                self.client.log_artifact(run, str(path))
        self.delivered[trial.key] = _names(place)
        self.client.set_tag(run, STATE, self.delivered[trial.key])
        self._end(trial, "FINISHED")

    def _log_table(self, trial: Trial, table: Path, prefix: str) -> None:
        run, facts = self.children[trial.key].run_id, results.facts(table)
        rows = results.read([table]).to_dict("records")
        history = _history(rows)
        self.log(trial, history)
        end = int((history[-1]["time"] if history else 0) * 1000)
        final = {
            f"{prefix}{name}": value
            for name, value in {**by_corruption(rows), **details(rows), **headline(rows)}.items()
        }
        final[f"{prefix}seconds"] = facts["seconds"]
        model = self.models.get(trial.key)
        self.client.log_batch(run, metrics=[metric(k, v, end, trial, model) for k, v in final.items()])

    def fail(self, trial: Trial, reason: str) -> None:
        """Ends the run of a failed trial, with its reason as a tag."""
        self.start(trial)
        self.client.set_tag(self.children[trial.key].run_id, "failure", reason)
        self._end(trial, "FAILED")

    def deliver(self, trial: Trial) -> bool:
        """Brings a trial's run in line with its folder; returns whether it is complete."""
        place = self.folder.trial(trial.key)
        status = self.children[trial.key].status if trial.key in self.children else None
        complete = place.test is State.FINISHED or (self.folder.selects and place.selection in DECIDED)
        if place.test is State.FAILED:
            if status != "FAILED":
                self.fail(trial, place.failure_reason())
        elif complete:
            if status != "FINISHED" or self.delivered.get(trial.key) != _names(place):
                self.finish(trial)
        elif status == "RUNNING":
            self._end(trial, "KILLED")
        return complete

    def report(self, metrics: Mapping[str, float], findings: Mapping[str, Sequence[str]] | None = None) -> None:
        """Puts the report's files and the study's summary on the parent run, and what it says into its description.

        findings: dataset -> sentences.
        """
        if findings:
            said = "\n\n".join(" ".join(sentences) for sentences in findings.values())
            self.client.set_tag(self.parent, NOTE, f"{said}\n\n{_note(self.study)}")
        for name, value in metrics.items():
            self.client.log_metric(self.parent, metric_name(name), value)
        if self.folder.report.exists():
            self.client.log_artifacts(self.parent, str(self.folder.report), "report")

    def _end(self, trial: Trial, status: str) -> None:
        self.client.set_terminated(self.children[trial.key].run_id, status)
        self.children[trial.key] = self.client.get_run(self.children[trial.key].run_id).info

    def _parent(self) -> str:
        runs = search(self.client, self.experiment, f"tags.`{HOME}` = '{self.study['home']}'")
        if runs:
            return str(min(runs, key=lambda run: run.info.start_time).info.run_id)
        tags = {
            ID: self.study["id"],
            HOME: self.study["home"],
            "mlflow.runName": f"{self.study['name']} on {self.study['data']} ({self.study['id'][:6]})",
            NOTE: _note(self.study),
            "mlflow.source.git.commit": self.study["commit"],
            "study": self.study["name"],
            "dataset": self.study["data"],
        }
        return str(self.client.create_run(self.experiment, tags=tags).info.run_id)


def log_evaluation(uri: str, name: str, settings: Mapping[str, Any], rows: list[dict[str, Any]]) -> str:
    """Logs a measured model as a run of the experiment "evaluations": settings, headline, all rows. Returns its id."""
    client = connect(uri)
    experiment = experiment_id(client, uri, "evaluations")
    run = client.create_run(experiment, run_name=name).info.run_id
    client.log_batch(run, params=[Param(k, str(v)) for k, v in settings.items()])
    for key, value in headline(rows).items():
        client.log_metric(run, metric_name(key), value)
    client.log_table(run, {k: [row[k] for row in rows] for k in rows[0]}, "rows.json")
    client.set_terminated(run)
    return str(run)


def _note(study: Mapping[str, Any]) -> str:
    """Returns what a study asks and how it was launched, as its run's description."""
    return f"{study['question']}\n\n`{study['command']}`"


def _names(place: TrialFolder) -> str:
    """Returns the names of a trial's tables, as a run's tag says which of them it has."""
    return " ".join(table.stem for table in place.tables)


def _history(rows: list[dict[str, Any]]) -> list[Point]:
    points: dict[int, Point] = {}
    for row in rows:
        if row["benchmark"] == results.TRAINING:
            point = points.setdefault(int(row["epoch"]), {"epoch": int(row["epoch"])})
            point[row["metric"]] = row["value"]
    return list(points.values())
