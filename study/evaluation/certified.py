"""Certified accuracy by randomised smoothing: what no perturbation below a radius in L2 can change."""

from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from scipy import stats
from torch import Generator, Tensor, nn

from study.datasets.core.data import Data
from study.evaluation.core.binomial_bounds import clopper_pearson, sequence_lower
from study.evaluation.core.predict import device_of, front, inference
from study.evaluation.rows import Row
from trainers.core.method import generator

NAME = "certified"
RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Those of Cohen et al.'s table for CIFAR-10."""
IMAGES = 250
"""Images whose draws are counted together."""
FIRST = 50
"""Draws after which a sequence looks at its bounds first; after each look it draws as many again as it has."""
Procedure = Literal["clopper_pearson", "sequential"]


def measure(
    model: nn.Module,
    data: Data,
    *,
    sigmas: tuple[Annotated[float, Gt(0)], ...] = (0.25, 0.5),
    radii: tuple[Annotated[float, Ge(0)], ...] = RADII,
    images: Annotated[int, Ge(1)] | None = 500,
    selection: Annotated[int, Ge(1)] = 100,
    samples: Annotated[int, Ge(1)] = 1000,
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.001,
    procedure: Procedure = "clopper_pearson",
    clip: bool = True,
    seed: Annotated[int, Ge(0)] = 0,
    batch: Annotated[int, Ge(1)] = 1024,
) -> list[Row]:
    """Returns the share of images whose class is right and certified at each radius, for the smoothed classifier.

    The smoothed classifier is g(x) = argmax_c P(f(x + sigma n) = c), n ~ N(0, I); if that probability is at least
    p > 1/2, no perturbation of an L2 norm below sigma Phi^-1(p) changes g(x). The class is the most frequent of
    `selection` draws, p a lower bound from `samples` further ones; below 1/2 the image abstains. Source: Cohen et al.
    2019 (CERTIFY). Each image's certificate holds with probability 1 - alpha, up to floating-point effects.

    Rows: benchmark "certified", corruption "sigma S" for each S of `sigmas`. Severity k for the k-th radius, from 1:
    "accuracy" (share of all images that are right and certified at the radius) and "radius". Severity 0: "abstained"
    (a share), "average_radius" (0 where wrong or abstained) and "draws" (mean number an image).

    sigmas: std of the noise in pixel units; it need not be the training sigma, but that is best. radii: L2 norms in
    pixel units. images: how many test images, the first ones; None: all.
    alpha: how often a certificate may be wrong. procedure: "clopper_pearson" takes all
    `samples`; with 1,000 no radius exceeds 2.46 sigma, with 10,000 3.20. "sequential" stops at an image once a
    confidence sequence (Voracek 2024), which is valid at every number of draws, has each radius above or below its
    bounds, and takes at most `samples`; its average_radius is that of the bounds where it stopped.
    clip: whether f clips its input to [0, 1] first, as noise in training is clipped here; the theorem holds either
    way, Cohen et al. clip nowhere. seed: of the noise. batch: images a forward pass; it is part of the result.
    The model's mode is restored. Raises UserError where an image file cannot be read.

    Example:
        >>> rows = measure(model, data, sigmas=(0.5,), images=5, selection=10, samples=50)
        >>> rows[0]
        Row(benchmark='certified', corruption='sigma 0.5', severity=1, metric='accuracy', value=...)
    """
    rows: list[Row] = []
    for number, sigma in enumerate(sigmas, start=1):
        draw = Draws(model, sigma, data.classes, clip, generator(device_of(model), seed, number), batch)
        parts = []
        with inference(model):
            for x, y in front(data.test, images, IMAGES):
                chosen, radius, drawn = certify(draw, x, selection, samples, alpha, procedure, radii)
                parts.append((chosen == y.cpu().numpy(), radius, drawn))
        right, radius, drawn = (np.concatenate(each) for each in zip(*parts, strict=True))
        rows += _rows(f"sigma {sigma:g}", right, radius, drawn, radii)
    return rows


class Draws:
    """Counts of the classes of f(x + sigma n) for images x."""

    def __init__(self, model: nn.Module, sigma: float, classes: int, clip: bool, rng: Generator, batch: int) -> None:
        self.model, self.sigma, self.classes = model, sigma, classes
        self.clip, self.rng, self.batch = clip, rng, batch

    def count(self, x: Tensor, samples: int) -> np.ndarray:
        """Returns how often each class comes (N, classes) in `samples` draws for each of the images x (N, C, H, W)."""
        counts = torch.zeros(len(x) * self.classes, dtype=torch.int64, device=x.device)
        for places in torch.split(torch.arange(len(x) * samples, device=x.device), self.batch):
            image = places // samples
            noisy = torch.empty(len(image), *x.shape[1:], device=x.device).normal_(generator=self.rng)
            noisy = noisy.mul_(self.sigma).add_(x[image])
            predicted = self.model(noisy.clamp_(0, 1) if self.clip else noisy).argmax(1)
            counts += torch.bincount(image * self.classes + predicted, minlength=len(counts))
        return counts.view(len(x), self.classes).cpu().numpy()


def certify(
    draw: Draws,
    x: Tensor,
    selection: int,
    samples: int,
    alpha: float,
    procedure: Procedure = "clopper_pearson",
    radii: tuple[float, ...] = RADII,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the class, the certified radius (-inf: abstains) and the number of draws of each image x (N, C, H, W)."""
    chosen = draw.count(x, selection).argmax(1)
    if procedure == "sequential":
        p, drawn = _sequence(draw, x, chosen, samples, alpha, radii)
    else:
        p = clopper_pearson(draw.count(x, samples)[np.arange(len(x)), chosen], samples, alpha)
        drawn = np.full(len(x), samples)
    radius = np.where(p >= 0.5, draw.sigma * stats.norm.ppf(p), -np.inf)
    return chosen, radius, drawn + selection


def _sequence(
    draw: Draws, x: Tensor, chosen: np.ndarray, samples: int, alpha: float, radii: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns lower bounds (N,) and numbers of draws (N,); an image is left once its bounds settle every radius."""
    targets = stats.norm.cdf(np.array([0.0, *radii]) / draw.sigma)  # radius 0: whether it abstains
    hits, drawn = np.zeros(len(x), int), np.zeros(len(x), int)
    left, step = np.arange(len(x)), min(FIRST, samples)
    while len(left) and step:
        counts = draw.count(x[torch.from_numpy(left).to(x.device)], step)
        hits[left] += counts[np.arange(len(left)), chosen[left]]
        drawn[left] += step
        low = sequence_lower(hits[left], drawn[left], alpha)
        high = 1 - sequence_lower(drawn[left] - hits[left], drawn[left], alpha)
        open_ = ((low[:, None] < targets) & (targets <= high[:, None])).any(1)
        reached, left = int(drawn[left[0]]), left[open_]
        step = min(reached, samples - reached)
    return sequence_lower(hits, drawn, alpha), drawn


def _rows(name: str, right: np.ndarray, radius: np.ndarray, drawn: np.ndarray, radii: tuple[float, ...]) -> list[Row]:
    rows = []
    for k, at_least in enumerate(radii, start=1):
        accuracy = float((right & (radius >= at_least)).mean())
        rows += [Row(NAME, name, k, "accuracy", accuracy), Row(NAME, name, k, "radius", float(at_least))]
    whole = {
        "abstained": float(np.isneginf(radius).mean()),
        "average_radius": float(np.where(right & (radius > 0), radius, 0).mean()),
        "draws": float(drawn.mean()),
    }
    return rows + [Row(NAME, name, 0, metric, value) for metric, value in whole.items()]


METRIC = measure
