"""The layout that most tables of papers have: a row a setting, its seeds, a column a number."""

from collections.abc import Mapping, Sequence

import pandas as pd

from reports.core.paired import SETTING


def by_setting(points: pd.DataFrame, cells: Sequence[str], column: str, names: Mapping[str, str]) -> pd.DataFrame:
    """Returns a row a setting: Training (its label), n, and the cells of its points, "" where there is none.

    points: rows with SETTING, n and `column`; cells: one text for each. names: values of `column` -> titles, in the
    order of the columns; values that do not occur have no column. Where points have `published`
    (`reports.core.published.beside`), a row with these numbers follows the setting's.
    """
    shown = _pivoted(points, cells, column, names)
    if "published" not in points:
        return shown
    known = _pivoted(points, list(points["published"].fillna("")), column, names)
    known = known.assign(Training=known["Training"] + ", as published", n="")
    kept = known[(known.drop(columns=["Training", "n"]) != "").any(axis=1)]
    return pd.concat([shown, kept]).sort_index(kind="stable").reset_index(drop=True)


def _pivoted(points: pd.DataFrame, cells: Sequence[str], column: str, names: Mapping[str, str]) -> pd.DataFrame:
    wide = points.assign(cell=list(cells)).pivot(index=SETTING, columns=column, values="cell")
    wide = wide.reindex(pd.MultiIndex.from_frame(points[SETTING].drop_duplicates()))
    wide = wide.reindex(columns=[c for c in names if c in wide]).rename(columns=names)
    wide.insert(0, "n", points.groupby(SETTING, sort=False)["n"].max().astype(str))
    wide = wide.reset_index(["arm", "config"], drop=True).rename_axis(index="Training", columns=None)
    return wide.reset_index().fillna("")
