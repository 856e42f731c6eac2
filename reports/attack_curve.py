"""Clean and adversarial accuracy against sigma (the figure of Arous et al. 2023), by the worst case of all attacks."""

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.core.cells import bold
from reports.core.paired import compare, lead_note
from reports.core.report import Report
from reports.core.stats import by_trial, count_text, percent
from reports.core.style import PALETTE, TWO_COLUMNS

KEYS = ["arm", "label", "config"]
ATTACKS = {"pgd": "PGD", "worst": "Worst case"}
NORMS = ("linf", "l2")


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting, attack and radius: arm, label, config, sigma, learned, attack, epsilon, n, mean, std,
    masked, leads (of the worst case alone).

    sigma: the method's own after the last epoch, over seeds (for a fixed one its value); nan where it reports none.
    learned: whether it is trained. attack: clean (epsilon 0, the whole test split), pgd, transfer, worst. epsilon:
    radius in pixel units. masked: share of seeds whose gradients are flagged as masked at that radius; nan for clean.
    """
    rows = table[table["benchmark"].isin(NORMS)]
    worst = rows[rows["corruption"] == "worst"]
    if worst.empty:
        return pd.DataFrame()
    place = [*KEYS, "trial", "seed", "severity"]
    radius = worst[worst["metric"] == "epsilon"].set_index(place)["value"].rename("epsilon")
    flags = rows[rows["metric"] == "flag"].set_index(place)["value"].rename("masked")
    attacked = rows[(rows["metric"] == "accuracy") & rows["corruption"].isin(["pgd", "transfer", "worst"])]
    attacked = attacked.rename(columns={"corruption": "attack", "value": "accuracy"})
    attacked = attacked[[*place, "attack", "accuracy"]].join(radius, on=place).join(flags, on=place)
    clean = by_trial(table[table["trial"].isin(worst["trial"])]).rename(columns={"clean": "accuracy"})
    clean = clean.assign(attack="clean", epsilon=0.0)
    both = pd.concat([clean[[*KEYS, "attack", "epsilon", "seed", "accuracy"]], attacked])
    both = both.dropna(subset=["accuracy", "epsilon"])
    groups = both.groupby([*KEYS, "attack", "epsilon"], sort=False)
    found = groups["accuracy"].agg(n="count", mean="mean", std="std").join(groups["masked"].mean()).reset_index()
    attacks = both[both["attack"] == "worst"].rename(columns={"accuracy": "value"})
    lead = compare(attacks, "epsilon").assign(attack="worst")[["config", "attack", "epsilon", "leads"]]
    found = found.merge(lead, on=["config", "attack", "epsilon"], how="left")
    found["leads"] = found["leads"].eq(True)
    return found.merge(_sigmas(table), on="config", how="left").assign(learned=lambda p: p["learned"].eq(True))


def _sigmas(table: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a setting that reports a sigma: config, sigma (mean over seeds, last epoch), learned."""
    watched = table[(table["benchmark"] == "training") & (table["metric"] == "sigma")]
    last = watched.sort_values("epoch", kind="stable").groupby(["config", "trial"])["value"].last()
    sigmas = last.groupby("config").mean().rename("sigma").reset_index()
    learn = table.drop_duplicates("config").set_index("config").get("learn", pd.Series(dtype=object))
    return sigmas.assign(learned=sigmas["config"].map(learn.eq("true")).astype(object))


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a setting: sigma, n, clean, PGD and worst case at each radius in percent, seeds that are masked."""
    worst = points[points["attack"] == "worst"]
    rows = []
    for _, group in points.groupby("config", sort=False):
        first = group.iloc[0]
        cells = {"Training": first["label"], "sigma": "" if pd.isna(first["sigma"]) else f"{first['sigma']:.2f}"}
        cells["n"] = str(group["n"].max())
        clean = group[group["attack"] == "clean"]
        cells["Clean"] = percent(clean["mean"].iloc[0], clean["std"].iloc[0]) if len(clean) else ""
        for radius in sorted(worst["epsilon"].unique()):
            for attack, name in ATTACKS.items():
                for row in group[(group["attack"] == attack) & (group["epsilon"] == radius)].itertuples():
                    cells[f"{name} {radius:.3g}"] = bold(percent(row.mean, row.std), row.leads)
        flagged = group[group["attack"] == "worst"]
        share = (flagged["masked"] * flagged["n"]).max()
        cells["Masked"] = f"{share:.0f} of {flagged['n'].max()}"
        rows.append(cells)
    return pd.DataFrame(rows).fillna("")


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure and the table show."""
    return (
        "Top-1 accuracy in percent on the clean test split, and on its first images under attack, at each radius in "
        "pixel units of [0, 1]: plain PGD, and the worst case, where an image counts only if no attack breaks it. "
        f"Mean ± standard deviation over n = {count_text(points['n'])}; bands show one "
        "standard deviation. Sigma is the method's own after training, so that a learned one (a diamond) stands where "
        "it settled; trainings without one are dashed lines, of the worst case. Of the worst case alone: "
        f"{lead_note(points[points['attack'] == 'worst'])} Masked: seeds whose gradients are flagged as hidden at some "
        "radius; there PGD is not to be believed."
    )


def summary(points: pd.DataFrame) -> dict[str, float]:
    """Returns for each radius the best worst-case accuracy of all settings."""
    best = points[points["attack"] == "worst"].groupby("epsilon")["mean"].max()
    return {f"worst_accuracy.{radius:.3g}": float(value) for radius, value in best.items()}


def draw(points: pd.DataFrame) -> Figure:
    """Returns a panel for clean accuracy and one a radius: the worst case solid, plain PGD dotted."""
    radii = [0.0, *sorted(points.loc[points["attack"] == "worst", "epsilon"].unique())]
    columns = 2 if len(radii) > 1 else 1
    deep = -(-len(radii) // columns)
    figure = Figure(figsize=(TWO_COLUMNS, 0.6 + 2.3 * deep), layout="constrained")
    axes = figure.subplots(deep, columns, squeeze=False).ravel()
    colours = {arm: PALETTE[i % len(PALETTE)] for i, arm in enumerate(points["arm"].unique())}
    for axis, radius in zip(axes, radii, strict=False):
        here = points[points["epsilon"] == radius]
        for arm, colour in colours.items():
            _draw_arm(axis, here[here["arm"] == arm], arm, colour)
        title = f"under attack, radius {radius:.3g}" if radius else "clean"
        axis.set(title=title, xlabel="training noise sigma", ylabel="top-1 accuracy (%)")
    for axis in axes[len(radii) :]:
        axis.set_visible(False)
    named: dict[str, Artist] = {}
    for axis in axes[: len(radii)]:
        named |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=3)
    return figure


def _draw_arm(axis: Axes, rows: pd.DataFrame, arm: str, colour: str) -> None:
    for attack, line in (("clean", "-"), ("worst", "-"), ("pgd", ":")):
        group = rows[rows["attack"] == attack].sort_values("sigma", kind="stable")
        if group.empty:
            continue
        mean, std = 100 * group["mean"], 100 * group["std"].fillna(0)
        label = None if attack == "pgd" else arm
        if group["sigma"].isna().all():
            if attack != "pgd":
                axis.axhline(mean.iloc[0], color=colour, linestyle="--", label=label)
            continue
        if group["learned"].any() or len(group) == 1:
            if attack != "pgd":
                form = "D" if group["learned"].any() else "s"
                axis.errorbar(group["sigma"], mean, std, fmt=form, color=colour, label=label, capsize=2, linewidth=1)
            continue
        axis.plot(group["sigma"], mean, line, marker="o" if label else None, color=colour, label=label)
        if label:
            axis.fill_between(group["sigma"], mean - std, mean + std, color=colour, alpha=0.2, linewidth=0)


REPORT = Report(
    title="Accuracy under attack versus sigma", points=points, table=table, caption=caption, draw=draw, summary=summary
)
