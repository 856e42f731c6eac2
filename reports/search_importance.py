"""Which parameters of a search matter: functional analysis of variance of a random forest (Hutter et al. 2014)."""

import logging
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from reports.core.looks import signs
from reports.core.search import candidates, parameters, search_report
from reports.core.settings import in_print
from reports.core.style import PALETTE, text_width

NAMES = {"clean": "Clean", "corruption": "All corruptions"}


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a parameter and objective: its share of the variance that Optuna's forest explains, in [0, 1].

    Parameters that every candidate has are compared. Empty below four candidates, and where nothing varies.
    """
    frame = candidates(table)
    if len(frame) < 4:
        return pd.DataFrame()
    values, rows = parameters(table).reindex(frame["config"]), []
    values = values[[name for name in values if values[name].notna().all() and values[name].nunique() > 1]]
    for objective in NAMES:
        scores = frame.set_index("config")[objective]
        if values.shape[1] and scores.notna().all() and scores.nunique() > 1:
            shares = _shares(values, [round(float(score), 9) for score in scores])
            # Rounded, so that the order in which means were summed decides no split of the forest.
            rows += [{"objective": objective, "parameter": name, "share": s, "n": len(frame)} for name, s in shares]
    return pd.DataFrame(rows)


def _shares(values: pd.DataFrame, scores: list[float]) -> list[tuple[str, float]]:
    import optuna  # noqa: PLC0415  other reports do without

    optuna.logging.set_verbosity(logging.ERROR)
    study, spaces = optuna.create_study(direction="maximize"), {}
    for name in values:
        column = values[name]
        spaces[str(name)] = (
            optuna.distributions.FloatDistribution(float(column.min()), float(column.max()))
            if pd.api.types.is_numeric_dtype(column)
            else optuna.distributions.CategoricalDistribution(sorted(set(column)))
        )
    for (_, row), score in zip(values.iterrows(), scores, strict=True):
        supplied: dict[str, Any] = {
            name: float(row[name]) if isinstance(space, optuna.distributions.FloatDistribution) else row[name]
            for name, space in spaces.items()
        }
        study.add_trial(optuna.trial.create_trial(params=supplied, distributions=spaces, value=score))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    frame = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return [(name, float(share)) for name, share in sorted(frame.items())]


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a parameter, the most important first, and a column an objective."""
    wide = points.pivot(index="parameter", columns="objective", values="share")
    wide = wide.loc[wide.mean(axis=1).sort_values(ascending=False, kind="stable").index, list(_objectives(points))]
    shown = wide.map("{:.2f}".format).rename(columns=NAMES)
    return shown.rename_axis(index="Parameter", columns=None).reset_index()


def caption(points: pd.DataFrame) -> str:
    """Returns what figure and table show."""
    return (
        "Importance of each parameter by functional ANOVA: the share of the variance of validation accuracy that it "
        f"explains alone, in a random forest over n = {points['n'].iloc[0]} candidates; few candidates make it rough."
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns bars, one panel an objective."""
    objectives = _objectives(points)
    count = points["parameter"].nunique()
    figure = Figure(figsize=(text_width(), 0.8 + 0.2 * count), layout="constrained")
    axes = figure.subplots(1, len(objectives), sharey=True, squeeze=False)[0]
    order = points.groupby("parameter")["share"].mean().sort_values(kind="stable").index
    for axis, objective, colour in zip(axes, objectives, PALETTE, strict=False):
        shares = points[points["objective"] == objective].set_index("parameter")["share"].reindex(order)
        axis.barh([signs(in_print(name)) for name in order], shares, color=colour)
        axis.set(title=NAMES[objective], xlabel="share of variance", xlim=(0, 1))
    return figure


def _objectives(points: pd.DataFrame) -> list[str]:
    return [name for name in NAMES if name in set(points["objective"])]


REPORT = search_report(title="Importance of parameters", points=points, table=table, caption=caption, draw=draw)
