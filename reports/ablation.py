"""Ablation: which components a setting has, how accurate it is, and what it gains over the base (Erichson et al. 2022,
table 4). From any study whose settings differ in what is on or off, or in categories."""

import pandas as pd
from matplotlib.figure import Figure

from reports.core.cells import bold
from reports.core.paired import Difference, difference, gain_text, holm, lead_note, leaders, p_text
from reports.core.report import Report
from reports.core.settings import OFF, ON, bases, components, in_print
from reports.core.stats import MEASURES, by_trial, count_text, percent
from reports.core.style import PALETTE, TWO_COLUMNS

PREFIX = "component."
MARKS = {ON: "✓", OFF: "✗"}
SHOWN = ("clean", "corruption")


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting and measure: component.NAME (its level), n, mean, std, gain, ..., best, leads.

    gain, gain_std: over the base setting (`base`, everything off), mean and deviation of the differences at the gain_n
    seeds both have. p: of Student's paired test; p_adjusted: Holm-corrected over the gains of the measure. nan where
    they are unknown. best, leads: the mean is the measure's highest; no other is significantly better
    (`reports.core.paired.leaders`). Empty where no two settings differ.
    """
    levels = components(table)
    trials = by_trial(table)
    if not levels.shape[1] or trials.empty:
        return pd.DataFrame()
    over = bases(levels)
    parts = []
    for measure in MEASURES:
        known = trials.dropna(subset=measure)
        if known.empty:
            continue
        seeds = known.pivot(index="config", columns="seed", values=measure)
        part = seeds.agg(["count", "mean", "std"], axis=1).set_axis(["n", "mean", "std"], axis=1)
        gains = [_gain(seeds, config, over.get(config)) for config in seeds.index]
        part[["gain_n", "gain", "gain_std", "p"]] = pd.DataFrame(gains, index=part.index)
        part["p_adjusted"] = holm(part["p"].tolist())
        part["base"] = [over.get(config) == config for config in part.index]
        part[["best", "leads"]] = leaders(seeds)[["best", "leads"]]
        parts.append(part.assign(measure=measure))
    named = levels.add_prefix(PREFIX).assign(label=table.drop_duplicates("config").set_index("config")["label"])
    found = named.join(pd.concat(parts), how="inner").rename_axis("config").reset_index()
    found[["n", "gain_n"]] = found[["n", "gain_n"]].astype(int)
    order = {measure: place for place, measure in enumerate(MEASURES)}
    return found.sort_values("measure", key=lambda m: m.map(order), kind="stable", ignore_index=True)


def _gain(seeds: pd.DataFrame, config: str, base: str | None) -> Difference:
    """Returns the gain of a setting over its base; nothing for the base itself, nor where there is none."""
    if base is None or base == config or base not in seeds.index:
        return difference([])
    return difference((seeds.loc[config] - seeds.loc[base]).to_numpy())


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: its marks, n, accuracies and gain in percent, the gain's p; what leads in bold."""
    rows = []
    for _, group in points.groupby("config", sort=False):
        cells = {title(name): MARKS.get(group[name].iloc[0], group[name].iloc[0]) for name in _names(points)}
        cells["n"] = str(group["n"].max())
        by_measure = {row.measure: row for row in group.itertuples()}
        for measure, row in by_measure.items():
            if measure in SHOWN:
                cells[MEASURES[measure]] = bold(percent(row.mean, row.std), row.leads)
        if (row := by_measure.get(_main(points))) is not None:
            cells["Gain"] = "-" if row.base else gain_text(row.gain, row.gain_std)
            cells["p (Holm)"] = p_text(row.p_adjusted)
        rows.append(cells)
    frame = pd.DataFrame(rows).fillna("")
    return frame if points["base"].any() else frame.drop(columns=["Gain", "p (Holm)"])


def caption(points: pd.DataFrame) -> str:
    """Returns what the table shows, and what could not be computed."""
    measure = _main(points)
    main = points[points["measure"] == measure]
    text = (
        f"Top-1 accuracy in percent, mean ± standard deviation over n = {count_text(points['n'])}. "
        f"{lead_note(points[points['measure'].isin(SHOWN)])} "
    )
    if not main["base"].any():
        return text + "No finished setting has everything off, so there is no base and no gain."
    text += (
        f"Gain: {MEASURES[measure].lower()}, over the setting with everything off, mean ± standard deviation of the "
        "differences at the seeds both settings have; p: Student's paired test over these seeds, Holm-corrected for "
        f"{main['p'].notna().sum()} tests."
    )
    if (main["gain_n"] < 2)[~main["base"]].any():
        text += " No p where settings share fewer than two seeds."
    return text


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns the highest accuracy of each measure, and the gain there."""
    found = points[points["best"]].drop_duplicates("measure").set_index("measure")
    numbers = {f"best_accuracy.{measure}": float(found.loc[measure, "mean"]) for measure in found.index}
    return numbers | {f"best_gain.{m}": float(found.loc[m, "gain"]) for m in found.index if found.loc[m, "gain_n"]}


def draw(points: pd.DataFrame) -> Figure:
    """Returns the marks of each setting beside its accuracies, with standard deviations; the base as a line."""
    configs = list(dict.fromkeys(points["config"]))
    names = _names(points)
    measures = [m for m in SHOWN if m in points["measure"].to_numpy()]
    figure = Figure(figsize=(TWO_COLUMNS, 1.0 + 0.24 * len(configs)), layout="constrained")
    share = min(0.5, 0.07 * len(names) + 0.04)
    left, *right = figure.subplots(
        1, 1 + len(measures), sharey=True, width_ratios=[share, *[(1 - share) / len(measures)] * len(measures)]
    )
    _marks(left, points.drop_duplicates("config"), names)
    for axis, measure, colour in zip(right, measures, PALETTE, strict=False):
        rows = points[points["measure"] == measure].set_index("config").reindex(configs)
        mean, std = 100 * rows["mean"], 100 * rows["std"].fillna(0)
        axis.errorbar(mean, range(len(configs)), xerr=std, fmt="o", color=colour, capsize=2, linewidth=1)
        for place in (i for i, best in enumerate(rows["leads"].eq(True)) if best):
            axis.plot(mean.iloc[place], place, "*", markersize=11, color=colour, markeredgecolor="white", zorder=5)
        for value in mean[rows["base"].eq(True)]:
            axis.axvline(value, color="0.5", linestyle="--", linewidth=0.9, zorder=0)
        axis.set(xlabel="top-1 accuracy (%)", title=MEASURES[measure])
        axis.tick_params(left=False, labelleft=False)
    return figure


def _marks(axis, settings: pd.DataFrame, names: list[str]) -> None:  # type: ignore[no-untyped-def]
    """Draws the components as columns of marks, the first setting on top."""
    for row, setting in enumerate(settings[names].to_numpy().tolist()):
        for column, level in enumerate(setting):
            faint = level not in MARKS or level == OFF
            colour = "0.65" if level == OFF else "black"
            size = 7 if level not in MARKS else 10
            axis.text(column, row, MARKS.get(level, level), ha="center", va="center", color=colour, fontsize=size,
                      fontweight="normal" if faint else "bold")  # fmt: skip
    axis.set(xlim=(-0.6, len(names) - 0.4), ylim=(len(settings) - 0.4, -0.6), yticks=[])
    axis.set_xticks(range(len(names)), [title(name) for name in names], rotation=40, ha="left")
    axis.grid(False)
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.xaxis.tick_top()
    axis.tick_params(top=False)


def title(name: str) -> str:
    """Returns a component's column name as print shows it."""
    return in_print(name.removeprefix(PREFIX)).capitalize()


def _names(points: pd.DataFrame) -> list[str]:
    return [name for name in points if name.startswith(PREFIX)]


def _main(points: pd.DataFrame) -> str:
    """Returns the measure that gains are shown of: accuracy under corruption where it was measured."""
    return SHOWN[1] if SHOWN[1] in points["measure"].to_numpy() else SHOWN[0]


REPORT = Report(
    title="Ablation", points=points, table=table, caption=caption, headline=True, draw=draw, summary=summary
)
