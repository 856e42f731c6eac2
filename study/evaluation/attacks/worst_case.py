"""Which images survive every attack: an evaluation that a network which merely hides its gradients does not pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from study.evaluation.attacks.objectives import Objective, margin, scaled_cross_entropy, towards
from study.evaluation.attacks.pgd import pgd_until_wrong
from study.evaluation.attacks.square import square
from trainers.core.method import generator
from trainers.parts.attack import Ball

Attack = Callable[[Tensor, Tensor, Generator], Tensor]
PLAIN_STEPS = 40


@dataclass(frozen=True)
class Strength:
    """How hard the worst case is searched. steps: gradients of each run. restarts: random starts of the
    untargeted runs.

    targets: wrong classes tried, the likeliest first (at most K - 1). queries: of the square search. batch:
    images at once.
    """

    steps: int = 100
    restarts: int = 1
    targets: int = 9
    queries: int = 1000
    batch: int = 256


@dataclass(frozen=True)
class Survivors:
    """Masks (N,), on the images' device: right on clean images, after plain PGD, after transfer (None without
    a source), after everything.
    """

    clean: Tensor
    pgd: Tensor
    transfer: Tensor | None
    worst: Tensor


def plain_pgd(model: nn.Module, ball: Ball) -> Attack:
    """Returns the usual attack: 40 constant steps of 2.5 epsilon / 40 on the margin, from one random start."""
    return lambda x, y, rng: pgd_until_wrong(
        model, x, y, ball, margin, steps=PLAIN_STEPS, step=2.5 / PLAIN_STEPS, rng=rng
    )


def resists(
    model: nn.Module,
    attack: Attack,
    x: Tensor,
    y: Tensor,
    chosen: Tensor,
    *,
    batch: int,
    seeds: tuple[int, ...],
) -> Tensor:
    """Returns a mask (N,) that is False where the model errs on what the attack makes of the chosen images
    (indices).

    Batch j draws from a stream of its own, generator(seeds, j).
    """
    mask = torch.ones_like(y, dtype=torch.bool)
    for number, first in enumerate(range(0, len(chosen), batch)):
        part = chosen[first : first + batch]
        moved = attack(x[part], y[part], generator(x.device, *seeds, number))
        with torch.no_grad():
            mask[part] = model(moved).argmax(1) == y[part]
    return mask


def survivors(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    ball: Ball,
    strength: Strength,
    *,
    seed: int,
    source: nn.Module | None = None,
) -> Survivors:
    """Attacks images x (N, C, H, W) in [0, 1] with labels y (N,) and returns which ones survive what.

    Plain PGD and transfer (plain PGD on `source`, another network trained on the same task) see every image,
    so that they can be set against each other. Each attack of the worst case, in the order of their cost,
    sees only images that survived all before it: momentum PGD with a falling step on the margin and on the
    scaled cross-entropy; from the transferred images; towards each target; the square search.

    model, source: in evaluation mode, and left as they are. The same arguments give the same masks: attack i
    on batch j draws from a stream of its own.
    """

    everyone = torch.arange(len(y), device=y.device)

    def after(attack: Attack, chosen: Tensor, stream: int) -> Tensor:
        return resists(model, attack, x, y, chosen, batch=strength.batch, seeds=(seed, stream))

    clean = after(lambda images, labels, rng: images, everyone, 0)  # noqa: ARG005
    after_pgd = clean & after(plain_pgd(model, ball), everyone, 0)
    after_transfer = clean & after(plain_pgd(source, ball), everyone, 1) if source else None
    worst = after_pgd if after_transfer is None else after_pgd & after_transfer
    for stream, attack in enumerate(_strong(model, ball, strength, source), start=2):
        worst = worst & after(attack, worst.nonzero().flatten(), stream)
    return Survivors(clean, after_pgd, after_transfer, worst)


def _strong(model: nn.Module, ball: Ball, strength: Strength, source: nn.Module | None) -> Iterator[Attack]:
    def climb(objective: Objective, x: Tensor, y: Tensor, rng: Generator, start: Tensor | None = None) -> Tensor:
        return pgd_until_wrong(
            model, x, y, ball, objective, steps=strength.steps, step=1.0, rng=rng,
            schedule="falling", momentum=0.75, start=start,
        )  # fmt: skip

    def target(rank: int) -> Attack:
        def attack(x: Tensor, y: Tensor, rng: Generator) -> Tensor:
            with torch.no_grad():
                clean = model(x)
            return climb(towards(min(rank, clean.shape[1] - 1), clean), x, y, rng)

        return attack

    for _ in range(strength.restarts):
        yield lambda x, y, rng: climb(margin, x, y, rng)
        yield lambda x, y, rng: climb(scaled_cross_entropy, x, y, rng)
    if source is not None:
        transfer = plain_pgd(source, ball)
        yield lambda x, y, rng: climb(margin, x, y, rng, transfer(x, y, rng))
    for rank in range(1, strength.targets + 1):
        yield target(rank)
    yield lambda x, y, rng: square(model, x, y, ball, queries=strength.queries, rng=rng)
