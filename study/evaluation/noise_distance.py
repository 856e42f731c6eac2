"""Robustness to noise as a distance: how far along a noise direction a prediction holds."""

import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor, nn

from study.datasets.core.data import Data, Split
from study.evaluation.core.predict import device_of, front
from study.evaluation.core.rays import Rays, middle
from study.evaluation.rows import Row
from trainers.core.method import generator
from trainers.parts.generator import NoiseGenerator, generator_step
from trainers.parts.modes import evaluating
from trainers.parts.projection import per_pixel_rms

Draw = Callable[[Tensor, Generator], Tensor]
"""Noise of any scale, of the images' shape (B, C, H, W)."""
HELD = 2**28
"""Most numbers of images and noise that are held to find a median; of more images all distances are computed."""
WINDOW, PATIENCE, GAIN = 100, 5, 0.01
"""A generator has converged when its mean loss over WINDOW steps gained no share GAIN in PATIENCE windows."""


@torch.no_grad()
def distances(model: nn.Module, x: Tensor, y: Tensor, delta: Tensor) -> Tensor:
    """Returns (B,) min_t || clip(x + t * delta / ||delta||, 0, 1) - x ||_2 with a wrong prediction.

    Source: Rusak et al. 2020, section 3.3, equation 4. Images already wrong have 0, images that no t flips
    infinity. A coarse geometric search in t for the first wrong prediction, then bisection (`rays`). The model must be
    in eval mode. x: (B, C, H, W) in [0, 1], y: (B,), delta: x's shape, not 0.
    """
    return Rays(model, x, y, delta).distances()


def measure(
    model: nn.Module,
    data: Data,
    *,
    images: Annotated[int, Ge(1)] | None = None,
    seed: Annotated[int, Ge(0)] = 0,
    generators: Annotated[int, Ge(0)] = 4,
    rms: Annotated[float, Gt(0), Le(1)] = 0.348,
    correlation: Annotated[int, Ge(1)] = 1,
    lr: Annotated[float, Gt(0)] = 5e-4,
    max_steps: Annotated[int, Ge(1)] = 3000,
    batch: Annotated[int, Ge(1)] = 250,
) -> list[Row]:
    """Returns epsilon*, the median distance of test images to a wrong prediction along noise.

    Rows: benchmark "noise_distance"; corruption "gaussian" and "uniform", severity 0, and "adversarial", the number of
    the noise generator, from 1, as severity; metric "epsilon_median", an L2 length in pixel units, infinite where half
    the images are never flipped. More is better. Source: Rusak et al. 2020, section 3.3 and table 2.
    For adversarial noise fresh generators are trained against the model, on the training images, until they converge.

    images: how many test images, the first ones; None: all. seed: of all draws. generators: how many; 0: no adversarial
    noise. rms, correlation, lr, max_steps: norm and kernel of the generators, Adam's learning rate, and when to stop
    whatever happens. batch: images at a time, part of the result (it is the order of random numbers).
    The model is in eval mode meanwhile and otherwise unchanged. Raises UserError where an image file cannot be read.

    Example:
        >>> rows = measure(model, data, images=10, generators=0)
        >>> rows[0]
        Row(benchmark='noise_distance', corruption='gaussian', severity=0, metric='epsilon_median', value=...)
    """
    device = device_of(model)
    with evaluating(model):
        medians = {
            name: _median(model, data.test, draw, generator(device, seed, stream), images, batch)
            for stream, (name, draw) in enumerate((("gaussian", _gaussian), ("uniform", _uniform)))
        }
        rows = [Row("noise_distance", name, 0, "epsilon_median", value) for name, value in medians.items()]
        for player in range(generators):
            rng = generator(device, seed, 2, player)
            noise = NoiseGenerator(data.shape[0], correlation=correlation, rng=rng)
            train_generator(noise, model, data.train, rng, rms=rms, lr=lr, max_steps=max_steps, batch=batch)
            median = _median(model, data.test, _drawing(noise), rng, images, batch)
            rows.append(Row("noise_distance", "adversarial", player + 1, "epsilon_median", median))
    return rows


def train_generator(
    noise: NoiseGenerator,
    model: nn.Module,
    data: Split,
    rng: Generator,
    *,
    rms: float,
    lr: float,
    max_steps: int,
    batch: int,
) -> int:
    """Trains the generator against the model until it converges, and returns the number of steps.

    Converged: over PATIENCE windows of WINDOW steps the mean loss was never GAIN (relative) above the best.
    """
    optimizer = torch.optim.Adam(noise.parameters(), lr=lr, fused=True)
    best, waited, losses = -math.inf, 0, []
    for step, (x, y) in zip(range(1, max_steps + 1), _endless(data, batch, rng), strict=False):
        losses.append(generator_step(noise, optimizer, model, x, y, rng, epsilon=per_pixel_rms(rms, x)))
        if step % WINDOW == 0:
            mean = float(torch.stack(losses).mean())
            losses.clear()
            best, waited = (mean, 0) if mean > best * (1 + GAIN) else (best, waited + 1)
            if waited == PATIENCE:
                return step
    return max_steps


def _median(model: nn.Module, split: Split, draw: Draw, rng: Generator, images: int | None, batch: int) -> float:
    parts = ((x, y, draw(x, rng)) for x, y in front(split, images, batch))
    count = len(split) if images is None else min(images, len(split))
    with torch.no_grad():
        first = next(parts)
        if count * first[0][0].numel() <= HELD:
            return Rays(model, *map(torch.cat, zip(first, *parts, strict=True))).median()
        return middle(torch.cat([distances(model, *part) for part in chain([first], parts)]))


def _gaussian(x: Tensor, rng: Generator) -> Tensor:
    return torch.empty_like(x).normal_(generator=rng)


def _uniform(x: Tensor, rng: Generator) -> Tensor:
    return torch.empty_like(x).uniform_(-1, 1, generator=rng)


def _drawing(noise: NoiseGenerator) -> Draw:
    def draw(x: Tensor, rng: Generator) -> Tensor:
        delta: Tensor = noise(noise.draw(x, rng))
        return delta

    return draw


def _endless(data: Split, batch: int, rng: Generator) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from data.batches(batch, rng)


METRIC = measure
