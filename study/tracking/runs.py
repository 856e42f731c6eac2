"""MLflow's side of a study: one parent run a study, one child run a trial. The only place that imports mlflow.

Everything here is idempotent: a run is found by the identity in its tags, and a metric that is logged again with the
same step, time and value is kept once. So what a server missed can always be delivered again from the directory.
"""

import logging
import os
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

from study.ledger import results  # noqa: E402
from study.ledger.folder import RECORD, Folder, write_json  # noqa: E402
from study.ledger.headline import details, headline  # noqa: E402
from study.ledger.trial import Point, Trial  # noqa: E402
from study.ledger.uri import PARENT, sqlite_path  # noqa: E402

for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)

TRACKING_ERRORS = (MlflowException, sqlite3.Error, OSError)
"""What is raised when a store does not answer, refuses or cannot be written."""

ID, HOME, KEY, CONFIG, STATE = "study.id", "study.home", "study.trial", "study.config", "study.state"
DONE = {"finished", "validated", "stopped"}
"""States of trials whose run is complete; a validated one may yet be measured on test data."""
BATCH = 900
"""Metrics in one request; servers take 1,000."""


class Store:
    """The runs of one study in one MLflow store. Creates the store, the experiment and the parent run as needed."""

    def __init__(self, uri: str, folder: Folder) -> None:
        self.folder, self.study = folder, folder.read()
        self.client = connect(uri)
        self.experiment = _experiment(self.client, uri, self.study["name"])
        self.parent = self._parent()
        self.children: dict[str, Any] = {}
        self.told: dict[str, Any] = {}
        children = search(self.client, self.experiment, f"tags.`{PARENT}` = '{self.parent}'")
        for run in sorted(children, key=lambda run: run.info.start_time):
            key = run.data.tags[KEY]
            if key in self.children:
                self.client.delete_run(run.info.run_id)  # made twice, by a request whose answer was lost
            else:
                self.children[key], self.told[key] = run.info, run.data.tags.get(STATE)
        self.client.log_artifact(self.parent, str(folder.path / RECORD))
        write_json(folder.mlflow, {"experiment": self.experiment, "parent": self.parent})

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
        self.client.set_terminated(self.parent, "FINISHED" if complete else "FAILED")

    def start(self, trial: Trial) -> None:
        """Makes the trial's run RUNNING; creates it if there is none."""
        if trial.key in self.children:
            self.client.update_run(self.children[trial.key].run_id, status="RUNNING")
        else:
            self._create(trial)
        # Again each time: whoever created the run may not have got this far, and the same parameters may be repeated.
        settings = {"arm": trial.arm, "method": trial.method, "data": trial.data, "model": trial.model}
        options = {f"model.{k}": v for k, v in trial.model_params.items()}
        options |= {f"data.{k}": v for k, v in trial.data_params.items()}
        values = {**settings, "seed": trial.seed, **trial.params, **trial.recipe, **options}
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
            "method": trial.method,
            "dataset": trial.data,
            "data.fingerprint": trial.fingerprint,
            "seed": str(trial.seed),
            "mlflow.source.git.commit": self.study["commit"],
        }
        run = self.client.create_run(self.experiment, tags={k: str(v) for k, v in tags.items()})
        self.children[trial.key] = run.info

    def log(self, trial: Trial, points: Iterable[Point]) -> None:
        """Logs epochs of a trial; opens its run if the store has missed its start."""
        if trial.key not in self.children:
            self.start(trial)
        metrics = [
            Metric(name, value, int(point["time"] * 1000), int(point["epoch"]))
            for point in points
            for name, value in point.items()
            if name not in ("time", "epoch")
        ]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(self.children[trial.key].run_id, metrics=metrics[start : start + BATCH])

    def finish(self, trial: Trial) -> None:
        """Completes the run of a finished trial from its tables: all epochs, final metrics, artifacts, status.

        What a search measured on the validation split is named so: "validation.corruption".
        """
        self.start(trial)
        run, key = self.children[trial.key].run_id, trial.key
        self._log_table(trial, self.folder.stopped(key), "")
        self._log_table(trial, self.folder.validation(key), "validation.")
        self._log_table(trial, self.folder.result(key), "")
        self.client.log_text(run, trial.to_json(), "trial.json")
        for name in ("checkpoint.pt", "best.pt"):
            if (self.folder.trial(key) / name).exists():
                self.client.log_artifact(run, str(self.folder.trial(key) / name))
        self.told[key] = self.folder.state(key)
        self.client.set_tag(run, STATE, self.told[key])
        self._end(trial, "FINISHED")

    def _log_table(self, trial: Trial, table: Path, prefix: str) -> None:
        if not table.exists():
            return
        run, facts = self.children[trial.key].run_id, results.facts(table)
        rows = results.read([table]).to_dict("records")
        history = _history(rows)
        self.log(trial, history)
        end = int((history[-1]["time"] if history else 0) * 1000)
        final = {f"{prefix}{name}": value for name, value in {**details(rows), **headline(rows)}.items()}
        final["seconds"] = facts["seconds"]
        # Step 0 throughout is what MLflow draws as bars to compare; any other step makes a line of one point.
        versions = [RunTag(f"version.{k}", v) for k, v in facts["versions"].items()]
        self.client.log_batch(run, metrics=[Metric(k, v, end, 0) for k, v in final.items()], tags=versions)
        self.client.log_artifact(run, str(table), table.parent.name)

    def fail(self, trial: Trial, reason: str) -> None:
        """Ends the run of a failed trial, with its reason as a tag."""
        self.start(trial)
        self.client.set_tag(self.children[trial.key].run_id, "failure", reason)
        self._end(trial, "FAILED")

    def deliver(self, trial: Trial) -> bool:
        """Brings a trial's run in line with the directory; returns whether it is complete."""
        state = self.folder.state(trial.key)
        status = self.children[trial.key].status if trial.key in self.children else None
        if state in DONE and (status != "FINISHED" or self.told.get(trial.key) != state):
            self.finish(trial)
        elif state == "failed" and status != "FAILED":
            self.fail(trial, self.folder.failure_reason(trial.key))
        elif state in ("started", "pending") and status == "RUNNING":
            self._end(trial, "KILLED")
        return state in DONE

    def report(self, metrics: Mapping[str, float]) -> None:
        """Puts the report's files and the study's summary on the parent run."""
        for name, value in metrics.items():
            self.client.log_metric(self.parent, name, value)
        if self.folder.report.exists():
            self.client.log_artifacts(self.parent, str(self.folder.report), "report")

    def _end(self, trial: Trial, status: str) -> None:
        self.client.set_terminated(self.children[trial.key].run_id, status)
        self.children[trial.key] = self.client.get_run(self.children[trial.key].run_id).info

    def _parent(self) -> str:
        found = search(self.client, self.experiment, f"tags.`{HOME}` = '{self.study['home']}'")
        if found:
            return str(min(found, key=lambda run: run.info.start_time).info.run_id)
        tags = {
            ID: self.study["id"],
            HOME: self.study["home"],
            "mlflow.runName": f"{self.study['name']} on {self.study['data']} ({self.study['id'][:6]})",
            "mlflow.note.content": f"{self.study['question']}\n\n`{self.study['command']}`",
            "mlflow.source.git.commit": self.study["commit"],
            "study": self.study["name"],
            "dataset": self.study["data"],
        }
        return str(self.client.create_run(self.experiment, tags=tags).info.run_id)


def connect(uri: str) -> MlflowClient:
    """Returns a client of a store; an SQLite store is created where there is none."""
    database = sqlite_path(uri)
    if database:
        _prepare(database)
    return MlflowClient(uri)


def search(client: MlflowClient, experiment: str, where: str) -> list[Any]:
    """Returns all runs of an experiment that a filter finds."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], where, ViewType.ACTIVE_ONLY, 1000, page_token=token)
        found, token = [*found, *page], page.token
        if not token:
            return found


def log_evaluation(uri: str, name: str, settings: Mapping[str, Any], rows: list[dict[str, Any]]) -> str:
    """Logs a measured model as a run of the experiment "evaluations": settings, headline, all rows. Returns its id."""
    client = connect(uri)
    experiment = _experiment(client, uri, "evaluations")
    run = client.create_run(experiment, run_name=name).info.run_id
    client.log_batch(run, params=[Param(k, str(v)) for k, v in settings.items()])
    for key, value in headline(rows).items():
        client.log_metric(run, key, value)
    client.log_table(run, {k: [row[k] for row in rows] for k in rows[0]}, "rows.json")
    client.set_terminated(run)
    return str(run)


def _experiment(client: MlflowClient, uri: str, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    database = sqlite_path(uri)
    artifacts = (database.parent / "mlartifacts" / name).as_uri() if database else None
    try:
        return str(client.create_experiment(name, artifact_location=artifacts))
    except MlflowException:
        found = client.get_experiment_by_name(name)  # somebody else was faster
        if found is None:
            raise
        return str(found.experiment_id)


def _history(rows: list[dict[str, Any]]) -> list[Point]:
    points: dict[int, Point] = {}
    for row in rows:
        if row["benchmark"] == results.TRAINING:
            point = points.setdefault(int(row["epoch"]), {"epoch": int(row["epoch"])})
            point[row["metric"]] = row["value"]
    return list(points.values())


def _prepare(path: Path) -> None:
    """Makes an SQLite store's file if there is none; readers and a writer then do not block one another.

    It takes seconds, and a database that is half made is of no use to anyone: the file appears whole or not at all,
    and of several launches that make it at once one wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        made, whole = (path.with_name(f".{path.name}.{os.getpid()}.{part}") for part in ("made", "whole"))
        try:
            MlflowClient(f"sqlite:///{made}").search_experiments(max_results=1)
            shutil.copyfile(made, whole)  # a file that MLflow has not open
            with suppress(FileExistsError):
                path.hardlink_to(whole)
        finally:
            made.unlink(missing_ok=True)
            whole.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
