"""Two sources of error: intervals of a gain over training runs (seeds), over test images, and over both.

Which test images a network classifies correctly is one bit an image and condition (a corruption at a severity, say),
packed eight to a byte: 75 conditions of 10,000 images are 94 kB a trial.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

Interval = tuple[float, float]
UNKNOWN: Interval = (float("nan"), float("nan"))


class Intervals(NamedTuple):
    """A gain and its intervals: for other seeds on the same images, other images with the same networks, and both."""

    gain: float
    seeds: Interval
    images: Interval
    both: Interval


def pack(correct: np.ndarray) -> np.ndarray:
    """Returns booleans (..., images) as bytes (..., ceil(images / 8)), the first image in the highest bit."""
    return np.packbits(np.asarray(correct, bool), axis=-1)


def unpack(packed: np.ndarray, images: int) -> np.ndarray:
    """Returns the booleans (..., images) that `pack` took."""
    return np.unpackbits(packed, axis=-1, count=images).astype(bool)


def gains(first: np.ndarray, second: np.ndarray, images: int | None = None) -> np.ndarray:
    """Returns the gain of the first setting over the second for each seed and image, (seeds, images).

    first, second: (seeds, images) or (seeds, conditions, images) booleans of the same seeds and images, in the same
    order; bytes of `pack` where `images` is their number. It is the mean over conditions of correct - correct: all
    versions of an image are one cluster, since an image that is hard clean is hard under fog. One seed is unpacked at
    a time.
    """
    rows = []
    for one, other in zip(first, second, strict=True):
        a, b = (one, other) if images is None else (unpack(one, images), unpack(other, images))
        shape = (-1, a.shape[-1])
        rows.append(a.reshape(shape).mean(axis=0) - b.reshape(shape).mean(axis=0))
    return np.stack(rows)


def intervals(gains: np.ndarray, level: float = 0.95, moderated: tuple[float, float] | None = None) -> Intervals:
    """Returns the mean of gains (seeds, images) and its intervals of coverage `level`.

    The model is two-way with random effects, gain[s, i] = mu + a_s + b_i + e. With V_a = var(means of seeds) / S, V_b =
    var(means of images) / N and V_e = var(e) / (S N), the variance of the mean is V_a over seeds, V_b over images
    (paired, clustered), and V_a + V_b - V_e over both, since each of the two holds V_e. Intervals are Student's, with
    S - 1, N - 1, and Satterthwaite's V^2 / (V_a^2 / (S - 1) + V_b^2 / (N - 1)) degrees of freedom. The percentile
    bootstrap that resamples seeds and images covers too little with few seeds (0.78 of 0.95 with three, simulated in
    benchmarks/statistics.py), and too much where V_e is large.

    moderated: (variance of the gain at one seed, its degrees of freedom) as `reports.core.significance` has them, in
    place of the sample's. Unknown are the intervals over seeds and both with one seed, those over images with one.
    """
    seeds, images = gains.shape
    gain = float(gains.mean())
    by_seed, by_image = gains.mean(axis=1), gains.mean(axis=0)
    over_images, image_df = _variance(by_image), images - 1.0
    over_seeds, seed_df = _variance(by_seed), seeds - 1.0
    if moderated is not None:
        over_seeds, seed_df = moderated[0] / seeds, moderated[1]
    noise = gains - by_seed[:, None] - by_image + gain
    rest = float((noise**2).sum()) / max((seeds - 1) * (images - 1), 1) / (seeds * images)
    variance = max(over_seeds + over_images - rest, over_seeds, over_images)
    parts = over_seeds**2 / max(seed_df, 1) + over_images**2 / max(image_df, 1)
    df = variance**2 / parts if parts > 0 else 1.0
    return Intervals(
        gain,
        _student(gain, over_seeds, seed_df, level) if seeds > 1 else UNKNOWN,
        _student(gain, over_images, image_df, level) if images > 1 else UNKNOWN,
        _student(gain, variance, df, level) if seeds > 1 and images > 1 else UNKNOWN,
    )


def _variance(means: np.ndarray) -> float:
    """Returns the variance of the mean of values; 0 of one."""
    return float(means.var(ddof=1)) / len(means) if len(means) > 1 else 0.0


def _student(mean: float, variance: float, df: float, level: float) -> Interval:
    """Returns Student's interval of a mean of this variance."""
    half = float(stats.t.ppf((1 + level) / 2, df)) * variance**0.5
    return mean - half, mean + half
