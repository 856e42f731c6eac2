"""A prepared comparison in MLflow's interface: settings averaged over seeds, in charts, in a link of its own.

MLflow keeps what its "share" button stores as an experiment's tag: the state of the page as JSON, deflated. The same
form is written here, for exactly one study's runs.
"""

import base64
import json
import uuid
import zlib
from collections.abc import Sequence
from typing import Any

from study.ledger.trial import Trial
from study.ledger.uri import PARENT, SETTING, SORTED_BY

SHARED = "mlflow.sharedViewState"
METRICS = (SORTED_BY, "corruption_no_noise", "clean")
"""The metrics that the page shows."""
SHOWN = 100
"""Most runs that a chart takes."""


def view_tag(home: str) -> tuple[str, str]:
    """Returns the tag of a study's view, and the key that the page's address has for it. home: the study's."""
    key = f"study-{home}"
    return f"{SHARED}.{key}", key


def view_state(parent: str, trials: Sequence[Trial]) -> str:
    """Returns the content of the tag: the page that compares the runs below a parent run.

    The axis is the first parameter with numbers that varies.
    """
    labels = list(dict.fromkeys(trial.label for trial in trials))
    varied = list(dict.fromkeys(name for trial in trials for name in trial.label_values))
    section = str(uuid.uuid4())
    state = {
        "searchFilter": f"tags.`{PARENT}` = '{parent}'",
        "orderByKey": f"metrics.`{SORTED_BY}`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [*(f"params.`{name}`" for name in varied), *(f"metrics.`{name}`" for name in METRICS)],
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOWALL",
        "viewMaximized": False,
        "runListHidden": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "isAccordionReordered": True,  # else MLflow sorts its own sections in between, by name
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": SETTING}]},
        "groupsExpanded": {f"tag.{SETTING}.{label}": False for label in labels},
        "compareRunSections": [
            {
                "uuid": section,
                "name": "Settings, means over seeds",
                "display": True,
                "isReordered": False,
                "columns": 2,
                "cardHeight": 360,
            }
        ],
        "compareRunCharts": [
            {"uuid": str(uuid.uuid4()), "deleted": False, "isGenerated": False, "metricSectionId": section}
            | {"runsCountToCompare": SHOWN, **chart}
            for chart in _charts(_axis(trials, varied), _numeric(trials, varied))
        ],
    }
    packed = zlib.compress(json.dumps(state).encode())
    return f"deflate;{base64.b64encode(packed).decode()}"


def _axis(trials: Sequence[Trial], varied: Sequence[str]) -> str | None:
    """Returns the first parameter that varies and has numbers, None where none has."""
    for name in varied:
        values = {value for trial in trials if isinstance(value := trial.label_values.get(name), int | float)}
        if len(values) > 1:
            return name
    return None


def _numeric(trials: Sequence[Trial], varied: Sequence[str]) -> list[str]:
    """Returns the parameters that vary and are a number in every trial that has them."""
    values = {name: [v for t in trials if (v := {**t.params, **t.recipe}.get(name)) is not None] for name in varied}
    return [name for name, each in values.items() if each and all(isinstance(v, int | float) for v in each)]


def _charts(axis: str | None, numeric: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the charts: what varies against robustness, clean against robustness, parallel coordinates, bars."""
    robustness = {"key": SORTED_BY, "type": "METRIC"}
    charts: list[dict[str, Any]] = []
    if axis is not None:
        charts.append({"type": "SCATTER", "xaxis": {"key": axis, "type": "PARAM"}, "yaxis": robustness})
    return [
        *charts,
        {"type": "SCATTER", "xaxis": {"key": "clean", "type": "METRIC"}, "yaxis": robustness},
        # Parallel coordinates take no texts, such as a set of sigmas.
        {"type": "PARALLEL", "selectedParams": list(numeric), "selectedMetrics": list(METRICS)},
        {"type": "BAR", "metricKey": SORTED_BY},
    ]
