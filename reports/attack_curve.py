"""Clean and adversarial accuracy against sigma (the figure of Arous et al. 2023), by the worst case of all attacks."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.core.cells import cell
from reports.core.compare import MARKS, SETTING, compare, marks_note
from reports.core.curves import curve_names
from reports.core.lines import curve_looks
from reports.core.looks import signs
from reports.core.panels import Panels
from reports.core.report import Report
from reports.core.stats import by_trial, count_text, percent

RADIUS = ["attack", "norm", "epsilon"]
ATTACKS = {"pgd": "PGD", "worst": "Worst case"}
NORMS = {"linf": "Linf", "l2": "L2"}
"""Benchmark -> its norm in print; radii of different norms are not to be compared."""


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting, attack, norm and radius: SETTING, sigma, learned, attack, norm, epsilon, n, mean, std,
    masked, flagged, attacked, MARKS (of the worst case alone, within its norm and radius).

    arm: the curve along sigma that the setting lies on (`reports.core.curves.curve_names`). sigma: the method's own
    after the last epoch, over seeds (for a fixed one its value); nan where it reports none. learned: whether it is
    trained. attack: clean (epsilon 0, no norm, the whole test split), pgd, transfer, worst. epsilon: radius in pixel
    units. masked: share of seeds whose gradients are flagged as masked at that radius; nan for clean. flagged: number
    of the setting's seeds that are flagged at any radius, of `attacked`.
    """
    rows = table[table["benchmark"].isin(NORMS)].assign(norm=lambda r: r["benchmark"])
    worst = rows[rows["corruption"] == "worst"]
    if worst.empty:
        return pd.DataFrame()
    place = [*SETTING, "trial", "seed", "norm", "severity"]
    radius = worst[worst["metric"] == "epsilon"].set_index(place)["value"].rename("epsilon")
    flags = rows[rows["metric"] == "flag"].set_index(place)["value"].rename("masked")
    attacked = rows[(rows["metric"] == "accuracy") & rows["corruption"].isin(["pgd", "transfer", "worst"])]
    attacked = attacked.rename(columns={"corruption": "attack", "value": "accuracy"})
    attacked = attacked[[*place, "attack", "accuracy"]].join(radius, on=place).join(flags, on=place)
    clean = by_trial(table[table["trial"].isin(worst["trial"])]).rename(columns={"clean": "accuracy"})
    clean = clean.assign(attack="clean", norm="", epsilon=0.0)
    both = pd.concat([clean[[*SETTING, "attack", "norm", "epsilon", "seed", "accuracy"]], attacked])
    both = both.dropna(subset=["accuracy", "epsilon"])
    groups = both.groupby([*SETTING, *RADIUS], sort=False)
    frame = groups["accuracy"].agg(n="count", mean="mean", std="std").join(groups["masked"].mean()).reset_index()
    attacks = both[both["attack"] == "worst"].rename(columns={"accuracy": "value"})
    lead = pd.concat(compare(part, "epsilon").assign(attack="worst", norm=n) for n, part in attacks.groupby("norm"))
    frame = frame.merge(lead[["config", *RADIUS, *MARKS]], on=["config", *RADIUS], how="left")
    frame[["best", "worse"]] = frame[["best", "worse"]].eq(True)
    frame = frame.merge(_flagged(both), on="config", how="left").fillna({"flagged": 0, "attacked": 0})
    frame = frame.astype({"flagged": int, "attacked": int})
    frame = frame.merge(_sigmas(table), on="config", how="left")
    curve = frame["config"].map(curve_names(table, "sigma"))
    return frame.assign(arm=curve, learned=frame["learned"].eq(True))


def _flagged(both: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting under attack: config, flagged (seeds flagged at any radius), attacked (seeds)."""
    seeds = both[both["attack"] == "worst"].groupby(["config", "seed"])["masked"].max()
    return seeds.gt(0).groupby("config").agg(flagged="sum", attacked="count").reset_index()


def _radii(points: pd.DataFrame) -> list[tuple[str, float, str]]:
    """Returns norm, radius, and what titles call them, of all that is attacked; the norm is named where there are two.

    Norms come in the order of NORMS, radii by size.
    """
    frame = points.loc[points["attack"] == "worst", ["norm", "epsilon"]].drop_duplicates()
    pairs = sorted(frame.itertuples(index=False, name=None), key=lambda pair: (list(NORMS).index(pair[0]), pair[1]))
    several = frame["norm"].nunique() > 1
    return [(norm, radius, f"{NORMS[norm]} " if several else "") for norm, radius in pairs]


def _sigmas(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting that reports a sigma: config, sigma (mean over seeds, last epoch), learned."""
    watched = table[(table["benchmark"] == "training") & (table["metric"] == "sigma")]
    last = watched.sort_values("epoch", kind="stable").groupby(["config", "trial"])["value"].last()
    sigmas = last.groupby("config").mean().rename("sigma").reset_index()
    learn = table.drop_duplicates("config").set_index("config").get("learn", pd.Series(dtype=object))
    return sigmas.assign(learned=sigmas["config"].map(learn.eq("true")).astype(object))


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: sigma, n, clean, PGD and worst case at each radius in percent, seeds that are masked."""
    rows = []
    for _, group in points.groupby("config", sort=False):
        first = group.iloc[0]
        cells = {"Training": first["label"], "sigma": "" if pd.isna(first["sigma"]) else f"{first['sigma']:.2f}"}
        cells["n"] = str(group["n"].max())
        clean = group[group["attack"] == "clean"]
        cells["Clean"] = percent(clean["mean"].iloc[0], clean["std"].iloc[0]) if len(clean) else ""
        for norm, radius, text in _radii(points):
            here = group[(group["norm"] == norm) & (group["epsilon"] == radius)]
            for attack, name in ATTACKS.items():
                for row in here[here["attack"] == attack].itertuples():
                    cells[f"{name} {text}{radius:.3g}"] = cell(percent(row.mean, row.std), row.best, row.worse)
        cells["Masked"] = f"{first['flagged']} of {first['attacked']}"
        rows.append(cells)
    return pd.DataFrame(rows).fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    norms = [name for norm, name in NORMS.items() if norm in set(points["norm"])]
    worst, (norm, radius, text) = points[points["attack"] == "worst"], _radii(points)[-1]
    main = worst[(worst["norm"] == norm) & (worst["epsilon"] == radius)]
    return (
        f"Top-1 accuracy in percent on clean images and under attack at radii of the {' and '.join(norms)} "
        f"norm{'s' * (len(norms) > 1)} (plain PGD; worst case: an image counts only if no attack breaks it), mean ± "
        f"standard deviation (bands, bars) over n = {count_text(points['n'])}, against sigma after training (diamond: "
        "learned; dashed: trainings without sigma, worst case; dotted: plain PGD). "
        "Masked: seeds whose gradients are flagged as hidden at "
        "some radius, where PGD is not to be believed. "
        f"{marks_note(worst, main, f'worst case {text}{radius:.3g}')}"
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns for each radius the best worst-case accuracy of all settings."""
    best = points[points["attack"] == "worst"].groupby(["norm", "epsilon"])["mean"].max()
    return {
        f"worst_accuracy.{f'{norm}.' if text else ''}{radius:.3g}": float(best[norm, radius])
        for norm, radius, text in _radii(points)
    }


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel for clean accuracy and one a radius, of one scale: the worst case solid, plain PGD dotted."""
    radii = [("", 0.0, ""), *_radii(points)]
    panels = Panels(len(radii), 2, 1.8, sharex=True, sharey=True)
    appearance = curve_looks(points.assign(x=points["sigma"].where(_curved(points))))
    for axis, (norm, radius, text) in zip(panels.axes, radii, strict=True):
        here = points[(points["norm"] == norm) & (points["epsilon"] == radius)]
        for arm, look in appearance.items():
            _draw_arm(axis, here[here["arm"] == arm], signs(arm), look.color)
        axis.set_title(f"under attack, {text}radius {radius:.3g}" if radius else "clean")
        axis.set_ylim(bottom=0)
    dotted = points[_curved(points) & (points["attack"] == "pgd")]
    if len(dotted):
        panels.axes[0].plot([], [], ":", color="0.3", label="plain PGD")
    panels.label("training noise σ", "top-1 accuracy (%)")
    return panels.figure


def _curved(points: pd.DataFrame) -> "pd.Series[bool]":
    """Returns of each row whether its arm is drawn as a curve: several fixed sigmas."""
    values = points.groupby("arm")["sigma"].transform("nunique")
    return (values > 1) & ~points.groupby("arm")["learned"].transform("any")


def _draw_arm(axis: Axes, rows: pd.DataFrame, arm: str, colour: str) -> None:
    for attack, line in (("clean", "-"), ("worst", "-"), ("pgd", ":")):
        group = rows[rows["attack"] == attack].sort_values("sigma", kind="stable")
        if group.empty:
            continue
        mean, std = 100 * group["mean"], 100 * group["std"].fillna(0)
        if group["sigma"].isna().all():
            if attack != "pgd":
                axis.axhline(mean.iloc[0], color=colour, linestyle="--", label=arm)
        elif group["learned"].any() or len(group) == 1:
            if attack != "pgd":
                form = "D" if group["learned"].any() else "s"
                axis.errorbar(group["sigma"], mean, std, fmt=form, color=colour, label=arm, capsize=2, linewidth=1)
        elif attack == "pgd":
            axis.plot(group["sigma"], mean, line, color=colour)
        else:
            axis.plot(group["sigma"], mean, line, marker="o", color=colour, label=arm)
            axis.fill_between(group["sigma"], mean - std, mean + std, color=colour, alpha=0.2, linewidth=0)


REPORT = Report(
    title="Accuracy under attack versus sigma", points=points, table=table, caption=caption, draw=draw, summary=summary
)
