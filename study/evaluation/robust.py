"""Adversarial accuracy: the worst case over a family of attacks, and a flag for gradients that are merely hidden."""

import copy
import math
from pathlib import Path
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.attacks.pgd import ATTACK_BALLS
from study.evaluation.attacks.worst_case import Strength, Survivors, plain_pgd, resists, survivors
from study.evaluation.core.predict import device_of, front
from study.evaluation.rows import Row
from study.models.core.classifier import Classifier, initialise
from study.models.core.weights import load_into
from trainers.core.loop import Fit
from trainers.core.method import generator
from trainers.core.recipe import Recipe
from trainers.parts.attack import Norm
from trainers.parts.modes import evaluating
from trainers.standard import Standard

SOURCE_STREAM = 1_000_003
"""Keeps the start and the batches of the network that images are transferred from apart from every trial's."""
_VANILLA: dict[tuple[object, ...], nn.Module] = {}

GAP = 0.1
"""White-box accuracy may exceed the worst case by this much before it counts as masking."""


def measure(
    model: nn.Module,
    data: Data,
    *,
    norm: Norm = "linf",
    epsilons: tuple[Annotated[float, Gt(0)], ...] = (0.1,),
    images: Annotated[int, Ge(1)] = 250,
    steps: Annotated[int, Ge(1)] = 100,
    restarts: Annotated[int, Ge(1)] = 1,
    targets: Annotated[int, Ge(0)] = 9,
    queries: Annotated[int, Ge(0)] = 1000,
    source: str | Annotated[int, Ge(1)] | None = None,
    seed: Annotated[int, Ge(0)] = 0,
    batch: Annotated[int, Ge(1)] = 256,
) -> list[Row]:
    """Returns accuracies of the first test images under attack: plain, transferred, and the worst of a family.

    Rows: benchmark "linf" or "l2" (the norm), severity i for the i-th epsilon; metric "accuracy", a fraction in [0, 1],
    of corruption "clean" (severity 0), "pgd" (40 plain steps), "transfer" (with a source) and "worst" (an image counts
    only if no attack broke it); "worst", metric "epsilon", in pixel units; "masking", metrics "gap" (accuracy under
    "pgd" beyond "worst") and "flag" (0 or 1, see `masking`). Believe "worst", and no robustness where the flag is 1.

    norm, epsilons: the radii in pixel units of [0, 1] (Linf: 0.1, 0.15, 0.2 for MNIST, 8/255 for CIFAR-10; L2: 0.12
    for ImageNet). images: how many, from the front of the test split. steps, restarts, targets, queries, batch: see
    `Strength`. seed: of the attacks' draws.
    source: a vanilla network of the same architecture, to transfer from: a number trains one for so many
    epochs on the train split (see `vanilla`; from `seed`, so it is the same one for every model), a text is a
    file with its state dict; None leaves it out. The model is put into evaluation mode for the time of the
    measurement. Raises UserError for a file that does not fit.

    Example:
        >>> rows = measure(model, data, epsilons=(8 / 255,), images=10, steps=5, queries=10)
        >>> rows[2]
        Row(benchmark='linf', corruption='worst', severity=1, metric='accuracy', value=0...)
    """
    strength = Strength(steps, restarts, targets, queries, batch)
    x, y = (torch.cat(parts) for parts in zip(*front(data.test, images, batch), strict=True))
    other = _load(source, model) if isinstance(source, str) else vanilla(model, data, source, seed) if source else None
    with evaluating(model):
        return attack_rows(model, x, y, norm, epsilons, strength, seed, other)


def attack_rows(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    norm: Norm,
    epsilons: tuple[float, ...],
    strength: Strength,
    seed: int,
    source: nn.Module | None = None,
) -> list[Row]:
    """Returns the rows of `measure` for images x (N, C, H, W), labels y (N,), models in evaluation mode."""
    with torch.no_grad():
        classes = model(x[:1]).shape[1]
    rows: list[Row] = []
    huge = _large(model, x, y, norm, seed, strength)
    for severity, epsilon in enumerate(epsilons, start=1):
        left = survivors(model, x, y, ATTACK_BALLS[norm](epsilon), strength, seed=seed, source=source)
        signs = masking(left, huge, classes)
        if severity == 1:
            rows.append(Row(norm, "clean", 0, "accuracy", _share(left.clean)))
        named = [("pgd", left.pgd), ("transfer", left.transfer), ("worst", left.worst)]
        rows += [Row(norm, name, severity, "accuracy", _share(mask)) for name, mask in named if mask is not None]
        rows.append(Row(norm, "worst", severity, "epsilon", epsilon))
        rows.append(Row(norm, "masking", severity, "gap", _share(left.pgd) - _share(left.worst)))
        rows.append(Row(norm, "masking", severity, "flag", float(any(signs.values()))))
    return rows


def masking(left: Survivors, huge: float, classes: int) -> dict[str, bool]:
    """Returns three signs of masked gradients (Athalye et al. 2018); one is enough.

    gap: plain PGD's accuracy is more than 0.1 above the worst case. transfer: images from another network
    break more (by 0.02) than PGD on the network itself. large: PGD's accuracy `huge` in a ball that holds a
    grey image for every image is above chance, 1 / classes, though every network is at chance there.
    """
    white_box = _share(left.pgd)
    return {
        "gap": white_box - _share(left.worst) > GAP,
        "transfer": left.transfer is not None and white_box - _share(left.transfer) > 0.02,
        "large": huge > 1 / classes,
    }


def vanilla(model: nn.Module, data: Data, epochs: int, seed: int) -> nn.Module:
    """Returns a network of the model's architecture, trained on data.train by cross-entropy, in evaluation mode.

    Its start and the order of its batches come from `seed` and a stream of their own: the same arguments give
    the same network, and no model of a study shares its start. Adam at 1e-3, batches of 64. The last one is kept,
    so a process that measures one model after another trains it once.
    """
    device = device_of(model)
    wanted = (data.fingerprint, str(model), epochs, seed, str(device))
    if wanted not in _VANILLA:
        network = copy.deepcopy(model).cpu()
        rng = generator(torch.device("cpu"), seed, SOURCE_STREAM)
        if isinstance(network, Classifier):
            network.start_without_file(rng)
        else:
            initialise(network, rng)
        fit = Fit(
            network.to(device), Standard(), data.train, Recipe(epochs=epochs), seed=seed + SOURCE_STREAM, device=device
        )
        while not fit.done:
            fit.run_epoch()
        _VANILLA.clear()
        _VANILLA[wanted] = network.eval()
    return _VANILLA[wanted]


def _large(model: nn.Module, x: Tensor, y: Tensor, norm: Norm, seed: int, strength: Strength) -> float:
    """Plain PGD's accuracy at a radius of 1/2 a pixel, in L2 1/2 sqrt(d): the ball reaches the all-grey image."""
    ball = ATTACK_BALLS[norm](0.5 if norm == "linf" else 0.5 * math.sqrt(x[0].numel()))
    everyone = torch.arange(len(y), device=y.device)
    return _share(resists(model, plain_pgd(model, ball), x, y, everyone, batch=strength.batch, seeds=(seed, 0)))


def _share(mask: Tensor) -> float:
    return mask.double().mean().item()


def _load(path: str, model: nn.Module) -> nn.Module:
    if not Path(path).is_file():
        raise UserError(f"no file {path} (from robust's source); it takes a state dict saved by torch.save")
    source = copy.deepcopy(model)
    load_into(source, Path(path), f"a {type(model).__name__} like the model (from robust's source)")
    return source.eval()


METRIC = measure
