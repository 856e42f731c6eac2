"""AugMax against its equation: the composition, the ascent, and AugMix where no step is taken."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainers.augmax import AugMax, ascend, compose
from trainers.core.method import generator
from trainers.parts.augment import augmix

CPU = torch.device("cpu")


def mixture(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Three random chains, q and m."""
    rng = generator(CPU, 4)
    chains = torch.rand((3, *x.shape), generator=rng, dtype=x.dtype)
    q = torch.randn((3, len(x)), generator=rng, dtype=x.dtype)
    return chains, q, 0.3 + 0.4 * torch.rand(len(x), generator=rng, dtype=x.dtype)


def loss_of(method: AugMax, model: nn.Module, batch: tuple[Tensor, Tensor], seed: int = 3) -> Tensor:
    return method.loss(model, *batch, generator(CPU, seed))


def by_hand(x: Tensor, chains: Tensor, q: Tensor, m: Tensor) -> Tensor:
    """The composition, image by image."""
    mixed = []
    for i in range(len(x)):
        weights = [q[j, i].exp() for j in range(len(chains))]
        inner = sum(w * chains[j, i] for j, w in enumerate(weights)) / sum(weights)
        mixed.append((1 - m[i]) * x[i] + m[i] * inner)
    return torch.stack(mixed)


def test_the_composition_is_the_equation(batch: tuple[Tensor, Tensor]) -> None:
    chains, q, m = mixture(batch[0])
    torch.testing.assert_close(compose(batch[0], chains, q, m), by_hand(batch[0], chains, q, m))


def test_autocast_rounds_the_model_not_the_images(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    exact = compose(batch[0], *mixture(batch[0]))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(compose(batch[0], *mixture(batch[0])), exact)
        low = loss_of(AugMax(), model, batch)
    assert low.isfinite() and abs(low - loss_of(AugMax(), model, batch)) < 0.2


@pytest.mark.parametrize("steps", [1, 3])
def test_a_step_follows_the_sign_of_finite_differences(
    model: nn.Module, batch: tuple[Tensor, Tensor], steps: int
) -> None:
    x, y = batch[0].double(), batch[1]
    model.double().eval()
    chains, q, m = mixture(x)
    kept = [each.clone() for each in (x, chains, q, m)]
    width, tiny = 0.1, 1e-6

    def loss(at: Tensor) -> Tensor:
        return F.cross_entropy(model(at), y, reduction="sum")

    result = ascend(loss, x, chains, q, m, steps=steps, step=width)
    assert all(torch.equal(a, b) for a, b in zip((x, chains, q, m), kept, strict=True))
    assert all(p.grad is None for p in model.parameters())
    with torch.no_grad():
        for _ in range(steps):
            slopes = []
            for which in (q, m):
                slope = torch.zeros_like(which)
                for i in range(which.numel()):
                    value = which.view(-1)[i].item()
                    which.view(-1)[i] = value + tiny
                    slope.view(-1)[i] = loss(by_hand(x, chains, q, m))
                    which.view(-1)[i] = value - tiny
                    slope.view(-1)[i] -= loss(by_hand(x, chains, q, m))
                    which.view(-1)[i] = value
                slopes.append(slope)
            assert all((slope.abs() > 1e-12).all() for slope in slopes), "no sign may be a matter of rounding"
            q, m = q + width * slopes[0].sign(), (m + width * slopes[1].sign()).clamp(0, 1)
    torch.testing.assert_close(result, by_hand(x, chains, q, m))


def test_ascent_raises_the_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch
    model.eval()

    def losses(steps: int, step: float) -> Tensor:
        at = ascend(lambda at: F.cross_entropy(model(at), y, reduction="sum"), x, *mixture(x), steps=steps, step=step)
        return F.cross_entropy(model(at), y, reduction="none").detach()

    start, little, much = losses(0, 0.1), losses(1, 1e-3), losses(10, 0.1)
    assert (little > start).all()
    assert much.sum() > little.sum() > start.sum()


def test_m_stays_a_share(batch: tuple[Tensor, Tensor]) -> None:
    """A loss that only asks for more, or less, of white chains on black images drives m to 1, or 0."""
    x = torch.zeros_like(batch[0])
    chains, q, m = torch.ones(3, *x.shape), torch.zeros(3, len(x)), torch.full((len(x),), 0.5)
    assert (ascend(lambda at: at.sum(), x, chains, q, m, steps=8, step=0.1) == 1).all()
    assert (ascend(lambda at: -at.sum(), x, chains, q, m, steps=8, step=0.1) == 0).all()


@pytest.mark.parametrize("weight", [None, 0.0, 10.0])
def test_no_steps_are_augmix(model: nn.Module, batch: tuple[Tensor, Tensor], weight: float | None) -> None:
    x, y = batch
    for seed in range(3):
        rng = generator(CPU, seed)
        second = None if weight is None else augmix(x, rng)
        first = augmix(x, rng)
        if weight is None or second is None:
            expected = F.cross_entropy(model(first), y)
        else:
            p = [F.softmax(model(view), 1) for view in (x, second, first)]
            mean = (p[0] + p[1] + p[2]) / 3
            divergence = sum((each * (each / mean).log()).sum(1).mean() for each in p) / 3
            expected = F.cross_entropy(model(x), y) + weight * divergence
        torch.testing.assert_close(loss_of(AugMax(steps=0, weight=weight), model, batch, seed), expected)


def test_steps_make_the_views_of_a_fixed_model_harder(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    for seed in range(5):
        values = [loss_of(AugMax(steps=steps, weight=None), model, batch, seed) for steps in (0, 5)]
        assert values[1] > values[0]


def test_running_averages_see_no_ascent() -> None:
    """Batch statistics are those of the three views alone: one update a step."""
    net = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 10))
    x, y = torch.rand(6, 1, 8, 8, generator=generator(CPU, 1)), torch.arange(6)
    loss_of(AugMax(steps=3), net.train(), (x, y))
    assert net.training and int(net[0].num_batches_tracked) == 1  # type: ignore[arg-type]
