"""A client of an MLflow store: how to reach one, make one, and look things up in it."""

import logging
import os
import posixpath
import re
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import LifecycleStage, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

from study.ledger.uri import sqlite_path  # noqa: E402

for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.ERROR)

LONGEST = 250
"""Most characters of a metric's name."""
TRACKING_ERRORS = (MlflowException, sqlite3.Error, OSError)
"""What is raised when a store does not answer, refuses or cannot be written."""


def connect(uri: str) -> MlflowClient:
    """Returns a client of a store; an SQLite store is created where there is none."""
    database = sqlite_path(uri)
    if database:
        _prepare(database)
    return MlflowClient(uri)


def metric_name(name: str) -> str:
    """Returns a name that MLflow takes for a metric: what it refuses becomes "_", and a path is one of its own."""
    cleaned = re.sub(r"[^/\w.\- :]", "_", name)[:LONGEST]
    if posixpath.normpath(cleaned) != cleaned or cleaned.startswith(("/", "..")) or cleaned == ".":
        cleaned = cleaned.replace("/", "_").replace("..", "__").strip(".") or "_"
    return cleaned


def search(client: MlflowClient, experiment: str, where: str) -> list[Any]:
    """Returns all runs of an experiment that a filter finds."""
    runs: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], where, ViewType.ACTIVE_ONLY, 1000, page_token=token)
        runs, token = [*runs, *page], page.token
        if not token:
            return runs


def experiment_id(client: MlflowClient, uri: str, name: str) -> str:
    """Returns the identity of an experiment; creates it where there is none."""
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        if experiment.lifecycle_stage == LifecycleStage.DELETED:
            client.restore_experiment(experiment.experiment_id)  # somebody removed it, and the study goes on
        return str(experiment.experiment_id)
    database = sqlite_path(uri)
    artifacts = (database.parent / "mlartifacts" / name).as_uri() if database else None
    try:
        return str(client.create_experiment(name, artifact_location=artifacts))
    except MlflowException:
        experiment = client.get_experiment_by_name(name)  # somebody else was faster
        if experiment is None:
            raise
        return str(experiment.experiment_id)


def _prepare(path: Path) -> None:
    """Makes an SQLite store's file if there is none; readers and a writer then do not block one another.

    It takes seconds, and a database that is half made is of no use to anyone: the file appears whole or not at all,
    and of several launches that make it at once one wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh, whole = (path.with_name(f".{path.name}.{os.getpid()}.{part}") for part in ("made", "whole"))
        try:
            MlflowClient(f"sqlite:///{fresh}").search_experiments(max_results=1)
            shutil.copyfile(fresh, whole)  # a file that MLflow has not open
            with suppress(FileExistsError):
                path.hardlink_to(whole)
        finally:
            fresh.unlink(missing_ok=True)
            whole.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
