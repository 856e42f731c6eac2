"""What a page says beside its reports: what is not there, how everything was made, and where it lies."""

import os
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from study.ledger import files
from study.ledger.uri import comparison_link, mask
from study.reporting import directories as gather
from study.reporting.directories import Source
from study.reporting.pictures import examples

PACKAGES = ("noise-study", "pandas", "numpy", "scipy", "matplotlib", "pyarrow")
"""What takes part in making a report."""


class Setting(NamedTuple):
    """Where a setting's runs and files are: its label, the link to its runs in MLflow ("" where it has no server), and
    (seed, link to the trial's folder) of each trial.
    """

    label: str
    runs: str
    trials: list[tuple[int, str]]


def about(sources: Sequence[Source], output: Path) -> dict[str, Any]:
    """Returns what a page in the folder `output` says beside the reports, as `reports.core.page.page` takes it."""
    several = len(sources) > 1
    named = list(zip(gather.names(sources), sources, strict=True))
    questions = dict.fromkeys(str(source.record["question"]) for source in sources)

    def put(name: str, text: str) -> str:
        return f"{name}: {text}" if several else text

    return {
        "title": _title(sources),
        "questions": list(questions),
        "finished": sum(s.finished for s in sources),
        "total": sum(len(s.trials) for s in sources),
        "missing": [put(name, trial) for name, source in named for trial in source.missing],
        "failed": [(put(name, trial), reason) for name, source in named for trial, reason in source.failed],
        "studies": {name: _facts(source) for name, source in named},
        "links": {name: link for name, source in named if (link := _link(source))},
        "examples": examples(sources),
        "settings": {name: _settings(source, output) for name, source in named},
        "made": {
            "Command": mask(shlex.join(["study", *sys.argv[1:]])),
            "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "Versions": ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES),
        },
    }


def _title(sources: Sequence[Source]) -> str:
    by_data: dict[str, list[str]] = {}
    for source in sources:
        by_data.setdefault(source.record["data"], []).append(source.record["name"])
    return "; ".join(f"{_and(list(dict.fromkeys(studies)))} on {data}" for data, studies in by_data.items())


def _and(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _facts(source: Source) -> dict[str, str]:
    record = source.record
    own = record["tracking_uri"].startswith("sqlite:") and "restored" not in record
    ui = f"; study ui {shlex.quote(str(source.folder.path))} opens it" if own else ""
    return {
        "Question": record["question"],
        "Command": record["command"],
        "Trials": f"{source.finished} finished of {len(source.trials)}",
        "Dataset": f"{record['data']}, fingerprint {record['fingerprint']}",
        "Identity": record["id"],
        "Code": record["commit"],
        "Versions": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        "MLflow": f"{record['tracking_uri']}{ui}",
    }


def _settings(source: Source, output: Path) -> list[Setting]:
    """Returns where the settings of a study are, in the order of its trials."""
    by_label: dict[str, list[tuple[int, str]]] = {}
    for trial in source.trials:
        path = os.path.relpath(source.folder.trial(trial.key).path, output)
        by_label.setdefault(trial.label, []).append((trial.seed, quote(Path(path).as_posix()) + "/"))
    return [Setting(label, _link(source, label) or "", trials) for label, trials in by_label.items()]


def _link(source: Source, setting: str | None = None) -> str | None:
    """Returns the comparison of the study's runs, or a setting's, on its MLflow server, where that has been reached."""
    uri, runs = source.record["tracking_uri"], source.folder.mlflow
    if not runs.exists() or not uri.startswith(("http://", "https://")):
        return None
    return comparison_link(uri, **files.read_json(runs), setting=setting)
