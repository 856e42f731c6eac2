"""Accuracy under small adversarial perturbations, by foolbox's attacks."""

import math
from typing import Annotated

import foolbox
import torch
from annotated_types import Ge, Gt
from torch import nn

from study.datasets.core.data import Data
from study.evaluation.core.predict import device_of, front
from study.evaluation.rows import Row
from trainers.parts.modes import evaluating

IMAGENET = 3 * 224 * 224


def measure(
    model: nn.Module,
    data: Data,
    *,
    images: Annotated[int, Ge(1)] | None = None,
    epsilon_l2: Annotated[float, Gt(0)] | None = None,
    epsilon_linf: Annotated[float, Gt(0)] = 0.001,
    steps: Annotated[int, Ge(1)] = 50,
    batch: Annotated[int, Ge(1)] = 250,
) -> list[Row]:
    """Returns the accuracy under small perturbations that foolbox's attacks search, each image on its own.

    Rows: benchmark "adversarial", severity 0; corruption "pgd_l2" and "pgd_linf" (projected gradient descent), "ddn_l2"
    (decoupled direction and norm) and "worst_l2" (right under both attacks in L2); metric "accuracy", a fraction in
    [0, 1]. Source: Rusak et al. 2020, table 4. Nothing is random: PGD starts at the image.

    images: how many test images, the first ones; None: all. steps: of each attack.
    epsilon_l2: budget in pixel units; None: 0.12 at 224 x 224 x 3, scaled by the root of its values.
    epsilon_linf: budget a pixel value. batch: images at a time; no result depends on it.
    The model is in eval mode meanwhile and otherwise unchanged. Raises UserError where an image file cannot be read.

    Example:
        >>> rows = measure(model, data, images=10, steps=5)
        >>> rows[0]
        Row(benchmark='adversarial', corruption='pgd_l2', severity=0, metric='accuracy', value=0...)
    """
    if epsilon_l2 is None:
        epsilon_l2 = 0.12 * math.sqrt(math.prod(data.shape) / IMAGENET)
    attacks = {
        "pgd_l2": (foolbox.attacks.L2PGD(steps=steps, random_start=False), epsilon_l2),
        "ddn_l2": (foolbox.attacks.DDNAttack(init_epsilon=epsilon_l2, steps=steps), epsilon_l2),
        "pgd_linf": (foolbox.attacks.LinfPGD(steps=steps, random_start=False), epsilon_linf),
    }
    survived: dict[str, list[torch.Tensor]] = {name: [] for name in (*attacks, "worst_l2")}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    # foolbox draws from the global generator even where nothing is random; the fork gives it back as it was.
    with evaluating(model), torch.random.fork_rng():
        bounded = foolbox.PyTorchModel(model, bounds=(0, 1), device=device_of(model))
        try:
            for parameter in trained:  # the attacks need gradients of images alone
                parameter.requires_grad_(False)
            for x, y in front(data.test, images, batch):
                for name, (attack, epsilon) in attacks.items():
                    _, _, broken = attack(bounded, x, y, epsilons=epsilon)
                    survived[name].append(~broken)
                survived["worst_l2"].append(survived["pgd_l2"][-1] & survived["ddn_l2"][-1])
        finally:
            for parameter in trained:
                parameter.requires_grad_(True)
    return [
        Row("adversarial", name, 0, "accuracy", float(torch.cat(masks).float().mean()))
        for name, masks in survived.items()
    ]


METRIC = measure
