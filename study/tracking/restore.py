"""Brings a study back from MLflow when its directory is gone: its record, its tables, why trials failed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.ledger.folder import RECORD, Folder, write_json
from study.ledger.state import State
from study.ledger.trial import Trial
from study.ledger.uri import PARENT, mask, sqlite_path
from study.registry.lookup import suggest
from study.tracking.child import KEY
from study.tracking.client import TRACKING_ERRORS, connect, search
from study.tracking.runs import HOME, ID, TRIALS

DOWNLOADS = 8
"""Tables that are fetched at a time."""


def restore(uri: str, experiment: str, chosen: str | None, path: Path) -> Folder:
    """Brings a study's record, tables and failures back from a store into the empty folder `path`.

    chosen: the start of the study's identity or of its run's ID; the study launched last where several fit. Raises
    UserError where the store, the experiment or such a study is not there.
    """
    database = sqlite_path(uri)
    if database and not database.is_file():
        raise UserError(f"--from-mlflow: there is no store {database}")
    folder = Folder(path)
    try:
        client = connect(uri)
        parent = _choose(client, mask(uri), experiment, chosen)
        artifacts = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
        own = {part.name for part in (*folder.selection, folder.code)}
        for name in (RECORD, TRIALS, *(artifacts & own)):
            client.download_artifacts(parent.info.run_id, name, str(path))
        children = search(client, parent.info.experiment_id, f"tags.`{PARENT}` = '{parent.info.run_id}'")
        trials = json.loads((path / TRIALS).read_text(encoding="utf-8"))
        folder.add([Trial.from_json(json.dumps(fields)) for fields in trials.values()])
        (path / TRIALS).unlink()
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            list(pool.map(lambda child: _bring(client, child, folder), children))
    except TRACKING_ERRORS as error:
        raise UserError(f"--from-mlflow: {mask(uri)}: {' '.join(str(error).split())}") from error
    write_json(path / RECORD, {**folder.read(), "tracking_uri": mask(uri), "restored": True})
    write_json(folder.mlflow, {"experiment": parent.info.experiment_id, "parent": parent.info.run_id})
    return folder


def _choose(client: Any, uri: str, experiment: str, chosen: str | None) -> Any:
    """Returns the parent run of the study that was launched last of those that fit."""
    own = client.get_experiment_by_name(experiment)
    if own is None:
        present = [e.name for e in client.search_experiments()]
        raise UserError(f"--from-mlflow: there is no experiment {experiment!r} in {uri}.{suggest(experiment, present)}")
    parents = search(client, own.experiment_id, f"tags.`{HOME}` != ''")
    parents.sort(key=lambda run: run.info.start_time, reverse=True)
    fitting = [
        run for run in parents if run.info.run_id.startswith(chosen or "") or run.data.tags[ID].startswith(chosen or "")
    ]
    if not fitting:
        present = [
            f"{run.data.tags[ID]} (run {run.info.run_id}, launched {_date(run)}, {run.info.status})" for run in parents
        ]
        wanted = f"no study {chosen!r}" if chosen else "no study"
        raise UserError(
            f"--from-mlflow: {wanted} in the experiment {experiment!r} of {uri}. There: {'; '.join(present) or 'none'}"
        )
    return fitting[0]


def _bring(client: Any, child: Any, folder: Folder) -> None:
    """Writes what a child run says of its trial into the trial's folder: its tables, or why it failed."""
    tags = child.data.tags
    place = folder.trial(tags[KEY])
    stored = {artifact.path for artifact in client.list_artifacts(child.info.run_id)}
    place.path.mkdir(parents=True, exist_ok=True)
    tables = [place.mark(state) for state in (State.STOPPED, State.VALIDATED, State.FINISHED)]
    for path in (place.correct, *tables):
        if path.name in stored:
            client.download_artifacts(child.info.run_id, path.name, str(place.path))
    if child.info.status == "FAILED" and "failure" in tags:
        write_json(place.mark(State.FAILED), {"reason": tags["failure"]})


def _date(run: Any) -> str:
    return datetime.fromtimestamp(run.info.start_time / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
