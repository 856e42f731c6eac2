"""Reports and studies, each wrong in one way: (check that catches it, object, what it says)."""

from dataclasses import replace

import pandas as pd
from matplotlib.figure import Figure

from reports.core.report import Report
from search_spaces.core.space import Arm, Grid, Range, Study


def _points(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[(table["benchmark"] == "clean") & (table["metric"] == "accuracy")]
    return rows.groupby(["label", "seed"], sort=False)["value"].mean().reset_index()


def _shown(points: pd.DataFrame) -> pd.DataFrame:
    return points[["label"]]


def _written(table: pd.DataFrame) -> pd.DataFrame:
    table["value"] = 0.0
    return _points(table)


RIGHT = Report(title="Clean", points=_points, table=_shown, caption=lambda _: "A caption.")
REPORTS = [
    ("form", 3, "it is of type int; Report"),
    ("form", replace(RIGHT, reads="everything"), "it reads 'everything'; one of results"),
    ("points", replace(RIGHT, points=_written), "points writes the rows that it is given"),
    (
        "points",
        replace(RIGHT, points=lambda table: []),
        "points returns an object of type list; a pandas.DataFrame is right",
    ),
    (
        "table_of_text",
        replace(RIGHT, table=lambda points: points[["value"]]),
        "table has a float.* in a cell; text is right",
    ),
    ("table_of_text", replace(RIGHT, table=lambda points: points[["label"]].assign(x="nan")), "table shows 'nan'"),
    ("caption", replace(RIGHT, caption=lambda points: "No stop"), "'No stop' does not end with a full stop"),
    ("caption", replace(RIGHT, caption=lambda points: "It is nan."), "the caption shows nan"),
    (
        "summary",
        replace(RIGHT, summary=lambda points: {"best": "high"}),
        "summary\\['best'\\] is 'high' .* a float is right",
    ),
    (
        "figure",
        replace(RIGHT, draw=lambda points: points),
        "draw returns an object of type DataFrame; a matplotlib Figure is right",
    ),
    (
        "figure",
        replace(RIGHT, draw=lambda points: Figure() if points.pop("value") is not None else None),
        "draw writes the points",
    ),
    (
        "nothing_of_no_rows",
        replace(RIGHT, points=lambda table: pd.DataFrame({"x": [1.0]})),
        "points has rows where nothing",
    ),
    (
        "order_of_rows",
        replace(RIGHT, points=lambda table: _points(table).assign(first=table["value"].iloc[0])),
        "points of rows in another order have other values",
    ),
]

STUDY = Study(question="?", arms=(Arm(method="standard", label="Vanilla"),), reports=())
STUDIES = [
    ("form", 3, "it is of type int; Study"),
    ("question", replace(STUDY, question=" "), "its question is ' '; one line is right"),
    ("arms", replace(STUDY, arms=()), "it has no arm"),
    ("names_exist", replace(STUDY, reports=("accuracy_curv",)), "there is no report 'accuracy_curv'"),
    ("names_exist", replace(STUDY, data="my_dataset.py"), "there is no file 'my_dataset.py'"),
    ("values", replace(STUDY, recipe={"epochs": -1}), "training.epochs is -1"),
    (
        "values",
        replace(STUDY, arms=(Arm(method="gnt", label="GNT", space={"sigma": Range(0.1, 0.5)}),)),
        "Add --search",
    ),
    (
        "values",
        replace(STUDY, arms=(Arm(method="gnt", label="GNT", space={"sigma": Grid(0.1, -0.5)}),)),
        "gnt.sigma is -0.5",
    ),
    ("tries", replace(STUDY, model="lenet5"), "lenet5 takes images of 28 x 28 or 32 x 32"),
    ("tries", replace(STUDY, evaluate={"boundary": {}}), "needs points in the plane"),
]
