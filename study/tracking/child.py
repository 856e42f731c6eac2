"""A trial's run below that of its study: what it has by now, how it is created, and what goes into it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from study.ledger import results
from study.ledger.headline import by_corruption, details, headline
from study.ledger.state import State
from study.ledger.trial import Point, Trial, short
from study.ledger.trial_folder import TrialFolder
from study.ledger.uri import PARENT, SETTING
from study.tracking.client import metric_name
from study.tracking.contents import log_dataset

KEY, CONFIG, STATE = "study.trial", "study.config", "study.state"
MODEL = "study.model"
"""Tag of a trial's run: the identity of its logged model."""
NOTE = "mlflow.note.content"
"""MLflow's tag of a run's description."""


@dataclass
class Child:
    """A trial's run, as MLflow has it."""

    id: str
    artifacts: str
    """URI of its artifacts."""
    status: str
    tables: str | None = None
    """The names of the tables that it has, as its tag says them."""
    model: str | None = None
    """The identity of its logged model."""
    label: str | None = None
    """The label of its setting."""
    params: set[str] = field(default_factory=set)
    """The names of the parameters that it has: MLflow never changes their values."""
    epochs: set[int] | None = None
    """The epochs that it has; None where only MLflow can say."""

    @classmethod
    def of(cls, run: Any) -> "Child":
        """Returns what MLflow's run has; it is asked for the epochs when they are needed."""
        info, tags = run.info, run.data.tags
        label, names = tags.get(SETTING), set(run.data.params)
        return cls(info.run_id, info.artifact_uri, info.status, tags.get(STATE), tags.get(MODEL), label, names)


def create(client: MlflowClient, experiment: str, parent: str, commit: str, trial: Trial) -> Child:
    """Creates a trial's run, with its dataset as an input."""
    tags = {
        **_named(trial),
        PARENT: parent,
        KEY: trial.key,
        CONFIG: trial.config_id,
        "mlflow.source.git.commit": commit,
    }
    run = client.create_run(experiment, tags=tags)
    log_dataset(client, run.info.run_id, trial)
    child = Child.of(run)
    child.epochs = set()
    return child


def settings(child: Child, trial: Trial) -> dict[str, list[Any]]:
    """Returns the parameters that a trial's run lacks, and the tags of a label that has changed, as a batch has them.

    The label decides no number: one trial may get another, as the member of a population that comes to be the best.
    MLflow refuses another value of a parameter, so the run's `arm` stays what it was, and the tag says what it is now.
    """
    tags = [RunTag(key, value) for key, value in _named(trial).items()] if child.label != trial.label else []
    return {"params": [each for each in _params(trial) if each.key not in child.params], "tags": tags}


def update(child: Child, trial: Trial) -> None:
    """Notes that the run has taken a trial's `settings`."""
    child.label = trial.label
    child.params.update(each.key for each in _params(trial))


def _named(trial: Trial) -> dict[str, str]:
    """Returns the tags that hold the trial's label."""
    what = f"{trial.label}, seed {trial.seed}"
    note = f"{what}: {short(trial.model)} trained by {short(trial.method)} on {short(trial.data)}."
    return {"mlflow.runName": what, SETTING: trial.label, NOTE: note}


def _params(trial: Trial) -> list[Param]:
    names = {"method": trial.method, "data": trial.data, "model": trial.model}
    settings = {"arm": trial.arm, **{kind: short(name) for kind, name in names.items()}}
    options = {f"model.{k}": v for k, v in trial.model_params.items()}
    options |= {f"data.{k}": v for k, v in trial.data_params.items()}
    values = {**settings, "seed": trial.seed, **trial.params, **trial.recipe, **options, **trial.label_values}
    return [Param(k, str(v)) for k, v in values.items()]


def epochs(points: Iterable[Point], logged: set[int]) -> list[Metric]:
    """Returns the metrics of the epochs that are not logged."""
    return [
        Metric(metric_name(name), value, int(point["time"] * 1000), int(point["epoch"]))
        for point in points
        if int(point["epoch"]) not in logged
        for name, value in point.items()
        if name not in ("time", "epoch")
    ]


def measured(place: TrialFolder) -> tuple[list[Point], list[tuple[str, float, int]]]:
    """Returns what a trial's tables say: its epochs, and (name, value, time in ms since 1970) of its final numbers.

    What a search measured on the validation split is named so: "validation.corruption".
    """
    points: dict[float, Point] = {}
    final: list[tuple[str, float, int]] = []
    for table in place.tables:
        prefix = "validation." if table == place.mark(State.VALIDATED) else ""
        rows = results.rows(table)
        history = _history(rows)
        points = {**{point["epoch"]: point for point in history}, **points}
        facts = results.facts(table)
        # Of a table that was made anew it is another one: MLflow takes one value of a metric for each time.
        end = int(facts.get("time", history[-1]["time"] if history else 0) * 1000)
        numbers = {**by_corruption(rows), **details(rows), **headline(rows), "seconds": facts["seconds"]}
        final += [(f"{prefix}{name}", value, end) for name, value in numbers.items()]
    return list(points.values()), final


def upload(child: Child, uri: str, place: TrialFolder) -> None:
    """Uploads the files of a finished trial, and the versions that it ran with, to its run."""
    artifacts = get_artifact_repository(child.artifacts, tracking_uri=uri)
    for path in (place.trial_file, *place.tables, place.correct, place.best):
        if path.exists():
            artifacts.log_artifact(str(path))
    if place.tables:
        with TemporaryDirectory() as scratch:
            versions = Path(scratch) / "versions.json"
            versions.write_text(json.dumps(results.facts(place.tables[-1])["versions"], indent=1), encoding="utf-8")
            artifacts.log_artifact(str(versions))


def names(place: TrialFolder) -> str:
    """Returns the names of a trial's tables, as a run's tag says which of them it has."""
    return " ".join(table.stem for table in place.tables)


def _history(rows: Iterable[Mapping[str, Any]]) -> list[Point]:
    points: dict[int, Point] = {}
    for row in rows:
        if row["benchmark"] == results.TRAINING:
            point = points.setdefault(int(row["epoch"]), {"epoch": int(row["epoch"])})
            point[row["metric"]] = row["value"]
    return list(points.values())
