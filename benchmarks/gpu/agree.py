"""Whether methods, models, corruptions and metrics compute on a device what they compute on the CPU.

The two have the same weights, images and draws (`shared_draws`); what is left is the rounding of float32, which sums in
another order. Each check returns name -> {"value": the largest deviation, "limit": what is allowed, "unit": of what}.
"""

import copy
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.gpu.shared_draws import shared_draws
from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.corruptions.catalog import CATALOG, corrupt
from study.evaluation.rows import Row
from study.models.core.classifier import Classifier
from study.models.toy_mlp import ToyMLP
from study.plan.contracts.core.fresh import CPU, digits, first, new_fit, small_cnn
from study.registry import signature
from study.registry.lookup import find, names
from trainers.core.global_draws import GlobalDraws
from trainers.core.loop import Fit
from trainers.core.method import Method, generator
from trainers.core.recipe import Recipe

BATCH, STEPS = 48, 3
IMAGES = 100
"""Test images of a metric."""
SHAPES = ((3, 32, 32), (1, 28, 28), (3, 224, 224), (2, 1, 1))
SIDES = (32, 224)
"""Of the images that are corrupted."""
OPTIONS: dict[str, dict[str, Any]] = {
    "ant": {"restart_steps": 20},
    "noise_distance": {"generators": 1, "max_steps": 100},
    "certified": {"images": 50, "samples": 100},
}
"""Of methods and metrics that otherwise take minutes."""
COUNTED = ("accuracy", "top5", "flip_probability")
"""Metrics that are shares of images, where one image near the boundary may go another way."""
Result = dict[str, Any]


def methods(device: torch.device) -> Iterator[tuple[str, Result]]:
    """Compares three steps of SGD by each method: how far apart the weights are, in parts of the way they went."""
    for name in names("method"):
        with shared_draws():
            here, there = (_weights(name, at) for at in (CPU, device))
        start = _flat(small_cnn())
        apart = (here - there).norm() / (here - start).norm()
        yield name, result(apart.item(), 1e-4, "of the way that the weights went in 3 steps")


def models(device: torch.device) -> Iterator[tuple[str, Result]]:
    """Compares logits and gradients of each model, in training mode, on the first size of image that it takes.

    In float64: normalisation over a few pixels of four images amplifies the rounding of float32 beyond any limit.
    """
    for name in names("model"):
        model, shape = _first_size(name)
        x = torch.rand(4, *shape, generator=generator(CPU, 1), dtype=torch.float64)
        pairs = [_forward(copy.deepcopy(model).double().to(at), x.to(at)) for at in (CPU, device)]
        apart = max(_relative(a, b) for a, b in zip(*pairs, strict=True))
        yield name, result(apart, 1e-9, "of the norm of logits or of the gradient")


def corruptions(device: torch.device) -> Iterator[tuple[str, Result]]:
    """Compares every corruption at severities 1 and 5 at two sizes: the mean change of a pixel."""
    for name in CATALOG:
        worst = 0.0
        for side in SIDES:
            x = _images(side)
            for severity in (1, 5):
                with shared_draws():
                    here, there = (corrupt(x.to(at), name, severity, generator(at, 7)) for at in (CPU, device))
                worst = max(worst, (here - there.cpu()).abs().mean().item())
        yield name, result(worst, 1e-4, "of the range of a pixel, on average")


def metrics(device: torch.device) -> Iterator[tuple[str, Result]]:
    """Compares the rows of every metric that needs no files, of a network that has learned the digits."""
    for name in names("metric"):
        measure, options = find("metric", name), OPTIONS.get(name, {})
        missing = [n for n, d in signature.options_of(measure).items() if d is inspect.Parameter.empty]
        if missing:
            yield name, {"skipped": f"needs {', '.join(missing)}"}
            continue
        with shared_draws():
            try:
                here, there = (_rows(measure, options, *_digits_subject(at)) for at in (CPU, device))
            except UserError:
                here, there = (_rows(measure, options, *_plane_subject(at)) for at in (CPU, device))
        yield name, _compared(name, here, there)


def _compared(name: str, here: list[Row], there: list[Row]) -> Result:
    if [row[:4] for row in here] != [row[:4] for row in there]:
        return {"value": math.inf, "limit": 0.0, "unit": "other rows"}
    if name == "step_cost":
        return {"skipped": f"{len(there)} rows; times are no part of a comparison"}
    counted = [abs(a.value - b.value) for a, b in zip(here, there, strict=True) if a.metric in COUNTED]
    others = [_near(a.value, b.value) for a, b in zip(here, there, strict=True) if a.metric not in COUNTED]
    if counted and (not others or max(counted) > 2 / IMAGES):
        return result(max(counted), 2 / IMAGES, f"of {IMAGES} images")
    return result(sorted(others)[len(others) * 9 // 10], 0.01, "relative, of nine values in ten")


def method(name: str, device: torch.device) -> Method:
    """Returns a method with its defaults, but for OPTIONS, on the device."""
    built: Method = find("method", name)(**OPTIONS.get(name, {}))
    return built.to(device)


def result(value: float, limit: float, unit: str) -> Result:
    """Returns what a check says: `value` should be at most `limit`."""
    return {"value": value, "limit": limit, "unit": unit}


def digits_fit(name: str, device: torch.device, batches: int, **recipe: Any) -> Fit:
    """Returns a fit of a small network by a method on the first batches of the digits, on the device."""
    some = first(digits().train, batches * BATCH).to(device)
    options = Recipe(batch_size=BATCH, **recipe)
    return Fit(small_cnn().to(device), method(name, device), some, options, seed=0, device=device)


def _weights(name: str, device: torch.device) -> Tensor:
    """Returns the weights after three steps on the digits, on the CPU."""
    trained = digits_fit(name, device, STEPS, epochs=1, optimizer="sgd", lr=0.05)
    trained.dropout = GlobalDraws(CPU, 0)  # the GPU's own global generator takes no state of a stand-in
    trained.run_epoch()
    return _flat(trained.model)


def _flat(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().cpu().reshape(-1) for p in model.parameters()])


def _first_size(name: str) -> tuple[Classifier, tuple[int, int, int]]:
    """Returns a model, and the first of SHAPES that it takes."""
    for shape in SHAPES:
        try:
            network: Classifier = signature.build(find("model", name), {}, shape=shape, classes=10)
        except UserError:
            continue
        network.initialise(generator(CPU, 0))
        return network, shape
    raise UserError(f"the model {name} takes none of {SHAPES}")


def _forward(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns logits and all gradients, on the CPU; layers that drop at random are in evaluation mode."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    logits = model(x)
    nn.functional.cross_entropy(logits, torch.arange(len(x), device=x.device)).backward()
    gradients = torch.cat([p.grad.reshape(-1).cpu() for p in model.parameters() if p.grad is not None])
    return logits.detach().cpu(), gradients


def _relative(a: Tensor, b: Tensor) -> float:
    return ((a - b).norm() / a.norm()).item()


def _images(side: int) -> Tensor:
    """Returns a few smooth images (B, 3, side, side)."""
    coarse = torch.rand(4, 3, 8, 8, generator=generator(CPU, 3))
    return nn.functional.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False).clamp(0, 1)


@cache
def _trained() -> nn.Module:
    fit = new_fit(find("method", "gnt")(), epochs=6, lr=3e-3)
    while not fit.done:
        fit.run_epoch()
    return fit.model.eval()


def _digits_subject(device: torch.device) -> tuple[nn.Module, Data]:
    """Returns a network that has learned the digits, and the first test images."""
    few = replace(digits(), test=first(digits().test, IMAGES), fingerprint="few")
    return copy.deepcopy(_trained()).to(device), few.to(device)


def _plane_subject(device: torch.device) -> tuple[nn.Module, Data]:
    """Returns a network and points in the plane, for metrics that take nothing else."""
    points = find("dataset", "toy")(device=CPU)
    model = ToyMLP(shape=points.shape, classes=points.classes)
    model.initialise(generator(CPU, 0))
    return model.to(device), points.to(device)


def _rows(measure: Callable[..., list[Row]], options: dict[str, Any], model: nn.Module, data: Data) -> list[Row]:
    rows = measure(model, data, **options)
    return sorted(rows, key=lambda row: tuple(map(str, row[:4])))


def _near(a: float, b: float) -> float:
    if a == b:
        return 0.0
    return abs(a - b) / max(abs(a), abs(b), 1e-3) if math.isfinite(a) and math.isfinite(b) else math.inf
