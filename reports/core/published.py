"""Numbers that papers published, beside the measured ones where dataset, model, method and its settings are theirs."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from reports.core.stats import corrupted

FILE = Path(__file__).parent / "published.csv"
"""A line a number. source, table: where it stands. data, model, method: names as rows have them. settings: what else
has to be equal, "name=JSON" with ";" between; "noise.sparse" is a field of "noise". number: clean, corruption (the mean
over the benchmark's 15) or a corruption. value: in percent, as printed."""
BENCHMARKS = {"cifar10": "cifar-10-c", "cifar100": "cifar-100-c", "mnist": "mnist-c"}
"""Dataset -> the benchmark, as rows name it, whose numbers under corruption the file has."""


@cache
def numbers() -> pd.DataFrame:
    """Returns the file's lines as text, "" where there is nothing."""
    return pd.read_csv(FILE, dtype=str, keep_default_na=False)


def beside(points: pd.DataFrame, table: pd.DataFrame, number: str) -> pd.DataFrame:
    """Returns the points with columns published (the number as printed) and source; as they are if none is known.

    points: rows with config and the column `number`, as `FILE` names numbers; of their column `benchmark`, without
    one of the headline benchmark of the setting's trials. table: the tidy rows. A number under corruption stands only
    beside one on the same benchmark: corruptions made here are others.
    """
    settings = table.drop_duplicates("config").set_index("config").to_dict("index")
    lines = numbers()
    known = [
        {"config": config, number: line["number"], "published": line["value"], "source": f"{source}, {place}"}
        for config, setting in settings.items()
        for (source, place, *what, conditions), part in lines.groupby(list(lines.columns[:6]), sort=False)
        if what == [setting["data"], setting["model"], setting["method"]] and _meets(setting, conditions)
        for line in part.to_dict("records")
    ]
    frame = pd.DataFrame(known, columns=["config", number, "published", "source"])
    joined = points.merge(frame, on=["config", number], how="left")
    data = joined["config"].map({config: setting["data"] for config, setting in settings.items()})
    measured = joined["benchmark"] if "benchmark" in joined else joined["config"].map(_benchmarks(table))
    apart = (joined[number] != "clean") & (measured != data.map(BENCHMARKS))
    joined.loc[apart, ["published", "source"]] = None
    return joined if joined["published"].notna().any() else points


def _benchmarks(table: pd.DataFrame) -> "pd.Series[str]":
    """Returns config -> the headline benchmark of all its trials; settings whose trials differ are absent."""
    pairs = corrupted(table)[["config", "benchmark"]].drop_duplicates()
    return pairs.drop_duplicates("config", keep=False).set_index("config")["benchmark"]


def note(points: pd.DataFrame) -> str:
    """Returns what a caption says of published numbers; "" where there are none."""
    if "published" not in points:
        return ""
    sources = "; ".join(sorted(points["source"].dropna().unique()))
    return f' Rows "as published": {sources}, by the paper\'s own recipe and benchmark files.'


def _meets(setting: dict[str, Any], conditions: str) -> bool:
    """Returns whether a setting has every value that a line asks for."""
    return all(_value(setting, name) == json.loads(value) for name, value in map(_split, conditions.split(";")) if name)


def _split(condition: str) -> tuple[str, str]:
    name, _, value = condition.partition("=")
    return name, value


def _value(setting: dict[str, Any], name: str) -> Any:
    """Returns a parameter, or the field of one, None where there is none; tables hold all but numbers as JSON text."""
    if name in setting:
        cell = setting[name]
        return json.loads(cell) if isinstance(cell, str) else cell
    first, _, field = name.partition(".")
    whole = setting.get(first)
    parsed = json.loads(whole) if isinstance(whole, str) else None
    return parsed.get(field) if isinstance(parsed, dict) else None
