"""What the reports of searches share: from validation rows to candidates and the values of their parameters."""

import json
from functools import partial
from typing import Any

import pandas as pd

from reports.core.report import Report
from reports.core.settings import ROW
from reports.core.stats import by_trial

ADDED = {"candidate", "chosen"}
"""Columns of validation rows that trials' tables have not: the candidate's number, and whether it was chosen."""

search_report = partial(Report, reads="validation", headline=True)
"""A report of a search's candidates; takes what `Report` takes."""


def candidates(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting: config, label, number, n seeds, clean and corruption (means over seeds), chosen.

    number: in which order the search came to it; rows of no search are numbered by their setting's identity. objective:
    the mean accuracy under corruptions, of clean images where there are none.
    """
    trials = by_trial(table)
    if trials.empty:
        return pd.DataFrame()
    grouped = trials.groupby("config", sort=True)
    frame = grouped.agg(
        label=("label", "min"), n=("clean", "count"), clean=("clean", "mean"), corruption=("corruption", "mean")
    ).reset_index()
    about = table.drop_duplicates("config").set_index("config")
    frame["number"] = frame["config"].map(about["candidate"]) if "candidate" in about else range(len(frame))
    frame["chosen"] = frame["config"].map(about["chosen"]).astype(bool) if "chosen" in about else False
    frame["objective"] = frame["corruption"].fillna(frame["clean"])
    return frame.sort_values("number", ignore_index=True)


def parameters(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting (index: config) and a column for each parameter that differs: numbers, or else text.

    Fields of dictionaries are columns of their own, "noise.additive"; what a setting's method lacks is missing.
    """
    settings = table.drop_duplicates("config").set_index("config").sort_index()
    plain = settings.drop(columns=[c for c in settings if c in ROW | ADDED]).assign(arm=settings["arm"])
    columns: dict[str, dict[str, Any]] = {}
    for name in plain:
        for config, value in plain[name].dropna().items():
            for part, field in _fields(str(name), value):
                columns.setdefault(part, {})[str(config)] = field
    frame = pd.DataFrame(columns, index=settings.index)
    frame = frame[[name for name in frame if frame[name].dropna().nunique() > 1]]
    return frame.apply(lambda column: column if _numeric(column) else column.map(_text, na_action="ignore"))


def _fields(name: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, str) and value.startswith("{"):
        return [(f"{name}.{field}", _plain(inner)) for field, inner in json.loads(value).items()]
    return [(name, value)]


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else json.dumps(value)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).strip('"')


def _numeric(column: "pd.Series[Any]") -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in column.dropna())
