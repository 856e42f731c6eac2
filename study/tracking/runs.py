"""MLflow's side of a study: one parent run a study, one child run a trial.

Everything here is idempotent: a run is found by the identity in its tags, and a metric that is logged again with the
same step, time and value is kept once. So what a server missed can always be delivered again from the directory.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlflow.entities import Metric, Param, RunTag

from study.ledger.folder import RECORD, Folder, write_json
from study.ledger.headline import headline
from study.ledger.state import State
from study.ledger.trial import Point, Trial
from study.ledger.uri import PARENT, sqlite_path
from study.tracking import child
from study.tracking.child import KEY, MODEL, NOTE, STATE, Child
from study.tracking.client import connect, experiment_id, metric_name, search
from study.tracking.contents import log_model, log_weights, metric
from study.tracking.view import view_state, view_tag

ID, HOME = "study.id", "study.home"
DECIDED = (State.VALIDATED, State.STOPPED)
"""Where a search's run of a trial is complete; a validated one may yet be measured on test data."""
TRIALS = "trials.json"
"""Artifact of a study's run: key -> trial."""
CLOCK = "train_loss"
"""The metric whose history says which epochs a run has."""
BATCH = 900
"""Metrics in one request; servers take 1,000."""
WRITERS = 8
"""Threads that a server or a database hears at a time, each of its own trial; SQLite has one writer."""


class Store:
    """The runs of one study in one MLflow store. Creates the store, the experiment and the parent run as needed."""

    def __init__(self, uri: str, folder: Folder) -> None:
        self.folder, self.study = folder, folder.read()
        self.client = connect(uri)
        self.experiment = experiment_id(self.client, uri, self.study["name"])
        self.parent = self._parent()
        self.uri, self.writers = uri, 1 if sqlite_path(uri) else WRITERS
        self.children: dict[str, Child] = {}
        """Key -> the trial's run. Threads may work on different trials."""
        children = search(self.client, self.experiment, f"tags.`{PARENT}` = '{self.parent}'")
        for run in sorted(children, key=lambda run: run.info.start_time):
            key = run.data.tags[KEY]
            if key in self.children:
                self.client.delete_run(run.info.run_id)  # made twice, by a request whose answer was lost
            else:
                self.children[key] = Child.of(run)
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
            run = self.children[trial.key]
            self.client.update_run(run.id, status="RUNNING")
            run.status = "RUNNING"
        # Again each time: whoever created the run may not have got this far.
        self._describe(trial)

    def _run(self, trial: Trial) -> Child:
        """Returns the trial's run; creates it if there is none."""
        if trial.key not in self.children:
            commit = self.study["commit"]
            self.children[trial.key] = child.create(self.client, self.experiment, self.parent, commit, trial)
        return self.children[trial.key]

    def log(self, trial: Trial, points: Iterable[Point]) -> None:
        """Logs the epochs of a trial that its run lacks; opens the run if the store has missed its start."""
        if trial.key not in self.children:
            self.start(trial)
        run, points = self.children[trial.key], list(points)
        self._log(run, child.epochs(points, self._epochs(run)))
        self._epochs(run).update(int(point["epoch"]) for point in points)

    def _describe(self, trial: Trial, *tags: RunTag, metrics: Sequence[Metric] = ()) -> Child:
        """Logs metrics, tags, and the parameters and the label that the trial's run lacks; returns the run."""
        run = self._run(trial)
        settings = child.settings(run, trial)
        self._log(run, metrics, {**settings, "tags": [*settings["tags"], *tags]})
        child.update(run, trial)
        return run

    def _log(self, run: Child, metrics: Sequence[Metric], last: Mapping[str, Sequence[Any]] | None = None) -> None:
        """Logs metrics in as few requests as may be; `last`: parameters and tags that go with the last of them."""
        *full, rest = [metrics[start : start + BATCH] for start in range(0, len(metrics), BATCH)] or [[]]
        for part in full:
            self.client.log_batch(run.id, metrics=part)
        self.client.log_batch(run.id, metrics=rest, **(last or {}))

    def _epochs(self, run: Child) -> set[int]:
        if run.epochs is None:
            run.epochs = {metric.step for metric in self.client.get_metric_history(run.id, CLOCK)}
        return run.epochs

    def finish(self, trial: Trial) -> None:
        """Completes the run of a trial from its folder: all epochs, final metrics, the files themselves, status.

        Few requests, for a study may end with thousands of trials to deliver. The tag that says which tables the run
        has, and the status, come after all that they speak for.
        """
        run, place = self._run(trial), self.folder.trial(trial.key)
        child.upload(run, self.uri, place)
        points, final = child.measured(place)
        model = run.model or log_model(self.client, self.experiment, run.id, trial)
        metrics = [
            *child.epochs(points, self._epochs(run)),
            *(metric(name, value, end, trial, model) for name, value, end in final),
        ]
        tables = child.names(place)
        self._describe(trial, RunTag(STATE, tables), RunTag(MODEL, model), metrics=metrics)
        run.tables, run.model = tables, model
        log_weights(self.client, model, place.checkpoint)
        self._end(run, "FINISHED")

    def fail(self, trial: Trial, reason: str) -> None:
        """Ends the run of a failed trial, with its reason as a tag."""
        self._end(self._describe(trial, RunTag("failure", reason)), "FAILED")

    def deliver(self, trial: Trial) -> bool:
        """Brings a trial's run in line with its folder; returns whether it is complete."""
        place = self.folder.trial(trial.key)
        run = self.children.get(trial.key)
        status = run.status if run else None
        complete = place.test is State.FINISHED or (self.folder.selects and place.selection in DECIDED)
        if place.test is State.FAILED:
            if status != "FAILED":
                self.fail(trial, place.failure_reason())
        elif complete:
            said = (run.status, run.tables, run.label) if run else None
            if said != ("FINISHED", child.names(place), trial.label):
                self.finish(trial)
        elif run and status == "RUNNING":
            self._end(run, "KILLED")
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

    def _end(self, run: Child, status: str) -> None:
        self.client.set_terminated(run.id, status)
        run.status = status

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
