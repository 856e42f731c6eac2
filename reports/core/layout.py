"""The layout that most tables of papers have: a row a setting, its seeds, a column a number."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from reports.core.cells import cell
from reports.core.compare import SETTING, marks_note
from reports.core.families import named
from reports.core.stats import count_text, percent


def by_setting(
    points: pd.DataFrame, column: str, names: Mapping[str, str], cells: Sequence[str] | None = None
) -> pd.DataFrame:
    """Returns a row a setting: Training (its label), n, and the cells of its points, "" where there is none.

    points: rows with SETTING, n and `column`. names: values of `column` -> titles, in the order of the columns; values
    that do not occur have no column. cells: a text for each point; None for "mean ± std" in percent, marked as the best
    or as worse. Where points have `published` (`reports.core.published.beside`), a row with these numbers follows the
    setting's.
    """
    if cells is None:
        cells = [cell(percent(row.mean, row.std), row.best, row.worse) for row in points.itertuples()]
    shown = _pivoted(points, cells, column, names)
    if "published" not in points:
        return shown
    known = _pivoted(points, list(points["published"].fillna("")), column, names)
    known = known.assign(Training=known["Training"] + ", as published", n="")
    chosen = known[(known.drop(columns=["Training", "n"]) != "").any(axis=1)]
    return pd.concat([shown, chosen]).sort_index(kind="stable").reset_index(drop=True)


def by_benchmark(
    points: pd.DataFrame, column: str, first: Mapping[str, str], benchmarks: Mapping[str, str]
) -> pd.DataFrame:
    """Returns `by_setting` of each benchmark below the other, with a column that names it where there are several.

    first, and the columns: as in `titles`. benchmarks: benchmark -> in print.
    """
    parts = []
    for name, part in points.groupby("benchmark", sort=False):
        shown = by_setting(part, column, titles(part[column], first))
        if points["benchmark"].nunique() > 1:
            shown.insert(1, "Benchmark", benchmarks.get(str(name), str(name)))
        parts.append(shown)
    return pd.concat(parts).fillna("")


def titles(values: Iterable[str], first: Mapping[str, str]) -> dict[str, str]:
    """Returns value -> title of a column: those of `first`, then "gaussian_noise" -> "Gaussian noise" of the rest."""
    return {**first, **{value: _upper(named(value)) for value in values if value not in first}}


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def means_note(points: pd.DataFrame, main: pd.DataFrame, name: str) -> str:
    """Returns what captions say of cells with "mean ± std": over how many seeds, and `marks_note` of the others."""
    return f"Mean ± standard deviation over n = {count_text(points['n'])}. {marks_note(points, main, name)}"


def _pivoted(points: pd.DataFrame, cells: Sequence[str], column: str, names: Mapping[str, str]) -> pd.DataFrame:
    wide = points.assign(cell=list(cells)).pivot(index=SETTING, columns=column, values="cell")
    wide = wide.reindex(pd.MultiIndex.from_frame(points[SETTING].drop_duplicates()))
    wide = wide.reindex(columns=[c for c in names if c in wide]).rename(columns=names)
    wide.insert(0, "n", points.groupby(SETTING, sort=False)["n"].max().astype(str))
    wide = wide.droplevel([name for name in SETTING if name != "label"]).rename_axis(index="Training", columns=None)
    return wide.reset_index().fillna("")
