"""What ANT's generators learn (Rusak et al. 2020, figure 3): densities over time, samples, and images under them."""

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.core.looks import in_order
from reports.core.report import Report
from reports.core.style import text_width

EXTENT = 4.0
"""Densities are over values from -4 to 4, in units of the root mean square, in bins of equal width."""
LOUDEST = 2.5
"""Noise that is shown as white, in the same unit; black is its negative."""
PATCHES = ("clean", "noise", "noisy")


def points(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the arrays that one trial of each arm recorded: the lowest seed that has any, of its first setting.

    Columns: arm, label, seed, name, index, channel, y, x, value. name "density": index counts generators in time,
    y is the epoch after which a past one was stored, nan for the last one, x the centre of the bin. name "kurtosis":
    E[v^4] / E[v^2]^2 of that density. names "clean", "noise", "noisy": pixels of image number `index`.
    """
    rows = table[
        (table["benchmark"] == "record") & table["metric"].isin((*PATCHES, "density", "density_epoch", "patch"))
    ]
    frame = [part for _, arm in rows.groupby("arm", sort=False) for part in _trial(arm)]
    return pd.concat(frame, ignore_index=True) if frame else pd.DataFrame()


def _trial(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yields the parts of `points` for one arm."""
    first = rows[rows["config"] == in_order(rows).index[0]].sort_values("seed").iloc[0]
    rows = rows[rows["trial"] == first["trial"]]
    arrays = {
        name: part.pivot(index="epoch", columns="severity", values="value").to_numpy()
        for name, part in rows.groupby("metric")
    }
    about = {"arm": first["arm"], "label": first["label"], "seed": first["seed"]}
    if "density" in arrays:
        density = arrays["density"]
        count, bins = density.shape
        centres = (np.arange(bins) + 0.5) * (2 * EXTENT / bins) - EXTENT
        epochs = np.append(arrays.get("density_epoch", np.empty(0)).ravel(), np.nan)
        values = density.ravel()
        yield _frame(about, "density", np.repeat(np.arange(count), bins), 0, np.repeat(epochs, bins),
                     np.tile(centres, count), values)  # fmt: skip
        mass = density / density.sum(axis=1, keepdims=True)
        kurtosis = mass @ centres**4 / (mass @ centres**2) ** 2
        yield _frame(about, "kurtosis", np.arange(count), 0, epochs, 0.0, kurtosis)
    if "patch" in arrays:
        shape = tuple(int(side) for side in arrays["patch"][0])
        for name in (name for name in PATCHES if name in arrays):
            images = arrays[name].reshape(-1, *shape)
            index, channel, y, x = (axis.ravel() for axis in np.indices(images.shape))
            yield _frame(about, name, index, channel, y.astype(float), x.astype(float), images.ravel())


def _frame(about: dict[str, object], name: str, index: object, channel: object, y: object, x: object,
           value: object) -> pd.DataFrame:  # fmt: skip
    columns = {"name": name, "index": index, "channel": channel, "y": y, "x": x, "value": value}
    return pd.DataFrame({**about, **columns})


def table(points: pd.DataFrame) -> pd.DataFrame:
    """Returns a row an arm: seed, generators shown, and the kurtosis of the first and the last of them."""
    rows = []
    for _, group in points[points["name"] == "kurtosis"].groupby("arm", sort=False):
        values = group.sort_values("index")["value"]
        texts = [str(group["seed"].iloc[0]), str(len(values)), f"{values.iloc[0]:.2f}", f"{values.iloc[-1]:.2f}"]
        rows.append([group["label"].iloc[0], *texts])
    return pd.DataFrame(rows, columns=["Training", "Seed", "Generators shown", "First kurtosis", "Last kurtosis"])


def caption(points: pd.DataFrame) -> str:
    """Returns what the figure shows."""
    return (
        "Left: density of the noise of stored generators, from the first (light) to the last (dark), in units of its "
        "root mean square; dashed is Gaussian noise, of kurtosis 3 (values of one size: 1). Right: test images, "
        "samples of the last generator's noise, and both together at the norm of training; one trial each, of seed "
        f"{', '.join(map(str, sorted(points['seed'].unique())))}."
    )


def draw(points: pd.DataFrame) -> Figure:
    """Returns a row an arm: the densities, and the patches."""
    labels = points.drop_duplicates("arm").set_index("arm")["label"]
    figure = Figure(figsize=(text_width(), 0.3 + 2.0 * len(labels)), layout="constrained")
    axes = figure.subplots(len(labels), 2, squeeze=False, width_ratios=(1.15, 1))
    for (left, right), (arm, label) in zip(axes, labels.items(), strict=True):
        rows = points[points["arm"] == arm]
        _densities(left, rows[rows["name"] == "density"])
        left.set_title(label)
        _patches(right, rows[rows["name"].isin(PATCHES)])
    axes[-1, 0].set_xlabel("noise value / root mean square")
    return figure


def _densities(axis: Axes, rows: pd.DataFrame) -> None:
    last = rows["index"].max()
    for index, line in rows.sort_values(["index", "x"]).groupby("index"):
        colour = mpl.colormaps["viridis_r"](0.1 + 0.9 * index / max(last, 1))
        epoch = line["y"].iloc[0]
        name = "last" if pd.isna(epoch) else f"epoch {epoch:.0f}" if index == 0 else None
        axis.plot(line["x"], line["value"], color=colour, linewidth=1.8 if index == last else 0.9, label=name)
    x = np.linspace(-EXTENT, EXTENT, 200)
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    axis.plot(x, normal, color="0.35", linestyle="--", linewidth=0.9, label="Gaussian")
    axis.set(ylabel="density", xlim=(-EXTENT, EXTENT), ylim=(0, None))
    axis.legend(loc="upper right")


def _patches(axis: Axes, rows: pd.DataFrame) -> None:
    """Draws three rows of images, one a name, as one picture with gaps."""
    axis.axis("off")
    strips = []
    for name in (name for name in PATCHES if (rows["name"] == name).any()):
        part = rows[rows["name"] == name].sort_values(["index", "y", "x", "channel"])
        sides = [int(part[column].max()) + 1 for column in ("index", "y", "x", "channel")]
        images = part["value"].to_numpy().reshape(sides)
        images = (images / LOUDEST + 1) / 2 if name == "noise" else images
        gap = max(1, sides[2] // 14)
        framed = np.pad(np.clip(images, 0, 1), ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=1.0)
        strips.append(np.concatenate(list(framed), axis=1))
    if not strips:
        return
    picture = np.concatenate(strips)
    axis.imshow(picture if picture.shape[2] == 3 else picture[..., 0], cmap="gray", vmin=0, vmax=1)
    heights = (np.arange(len(strips)) + 0.5) * strips[0].shape[0]
    for name, height in zip(PATCHES, heights, strict=False):
        axis.text(-1, height, name, ha="right", va="center")


REPORT = Report(title="Learned noise", points=points, table=table, caption=caption, draw=draw)
