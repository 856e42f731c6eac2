"""AugMax against its equation: the composition, the ascent image by image, and the three passes of its loss."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainers.augmax import AugMax, ascend, compose
from trainers.core.method import generator
from trainers.parts.augment import augmix, chain_images

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

    result = ascend(model, x, y, chains, q, m, steps=steps, step=width, early_stop=False)
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
        at = ascend(model, x, y, *mixture(x), steps=steps, step=step, early_stop=False)
        return F.cross_entropy(model(at), y, reduction="none").detach()

    start, little, much = losses(0, 0.1), losses(1, 1e-3), losses(10, 0.1)
    assert (little > start).all()
    assert much.sum() > little.sum() > start.sum()


def test_an_image_stays_as_at_its_first_misclassification(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    """One image after another, in a loop that is left when it is misclassified."""
    x, y = batch[0].double().repeat(8, 1, 1, 1), batch[1].repeat(8)
    model.double().eval()
    y[:72] = model(x[:72]).argmax(1)
    chains, q, m = mixture(x)
    q, m = (q - q.min()) / (q.max() - q.min()), m * 0.5
    expected, counts = [], []
    for i in range(len(x)):
        own, mine, share = chains[:, i : i + 1], q[:, i : i + 1].clone(), m[i : i + 1].clone()
        taken = 0
        while taken < 5:
            mine.requires_grad_()
            share.requires_grad_()
            logits = model(by_hand(x[i : i + 1], own, mine, share))[0]
            if int(logits.argmax()) != int(y[i]):
                break
            slopes = torch.autograd.grad(logits.logsumexp(0) - logits[y[i]], (mine, share))
            mine = (mine + 0.1 * slopes[0].sign()).detach()
            share = (share + 0.1 * slopes[1].sign()).clamp(0, 1).detach()
            taken += 1
        counts.append(taken)
        expected.append(by_hand(x[i : i + 1], own, mine.detach(), share.detach())[0])
    assert {0, 5} < set(counts), "some are wrong at the start, some in between, some never"
    result = ascend(model, x, y, chains, q, m, steps=5, step=0.1, early_stop=True)
    torch.testing.assert_close(result, torch.stack(expected))
    further = ascend(model, x, y, chains, q, m, steps=5, step=0.1, early_stop=False)
    stopped = torch.tensor(counts) < 5
    assert ((further - result).flatten(1).abs().amax(1) > 1e-6).equal(stopped)


def test_m_stays_a_share(batch: tuple[Tensor, Tensor]) -> None:
    """A model that sees white as class 1 and labels of the other class, or of this, drive m to 1, or 0: black images
    under white chains."""
    x = torch.zeros_like(batch[0])
    chains, q, m = torch.ones(3, *x.shape), torch.zeros(3, len(x)), torch.full((len(x),), 0.5)

    def classify(at: Tensor) -> Tensor:
        return torch.stack([1 - at.flatten(1).mean(1), at.flatten(1).mean(1)], 1)

    for label, value in ((0, 1), (1, 0)):
        y = torch.full((len(x),), label)
        assert (ascend(classify, x, y, chains, q, m, steps=8, step=0.1, early_stop=False) == value).all()


def normalised() -> nn.Module:
    """A network with batch normalisation, in training mode."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(-0.3, 0.3, generator=generator(CPU, 5))
    return net.train()


@pytest.mark.parametrize("weight", [None, 0.0, 10.0])
def test_without_steps_the_mixture_is_uniform_and_passes_are_three(
    batch: tuple[Tensor, Tensor], weight: float | None
) -> None:
    x, y = batch
    for seed in range(3):
        net, rng = normalised(), generator(CPU, seed)
        method = AugMax(steps=0, weight=weight)
        method.setup(net, x, generator(CPU, 9))
        main, second = copy.deepcopy(net), copy.deepcopy(net)
        chains = chain_images(x, rng).float() / 255
        m, q = torch.rand(len(x), generator=rng), torch.rand((3, len(x)), generator=rng)
        hardest = by_hand(x, chains, q, m)
        if weight is None:
            expected = F.cross_entropy(main(hardest), y)
        else:
            p = [F.softmax(second(hardest), 1), F.softmax(main(augmix(x, rng)), 1)]
            clean = main(x)
            p.append(F.softmax(clean, 1))
            mean = (p[0] + p[1] + p[2]) / 3
            divergence = sum((each * (each / mean).log()).sum(1).mean() for each in p) / 3
            expected = F.cross_entropy(clean, y) + weight * divergence
        torch.testing.assert_close(loss_of(method, net, batch, seed), expected)
        torch.testing.assert_close(net.state_dict(), main.state_dict())
        if method.auxiliary is not None:
            torch.testing.assert_close(
                dict(method.auxiliary.named_buffers()),
                {f"1__{name}": buffer for name, buffer in second[1].named_buffers()},
            )


def test_steps_make_the_views_of_a_fixed_model_harder(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x = batch[0]
    y = model.eval()(x).argmax(1)
    for seed in range(5):
        options = [{"steps": 0}, {"steps": 5}, {"steps": 5, "early_stop": False}]
        values = [loss_of(AugMax(weight=None, **each), model, (x, y), seed) for each in options]
        assert values[2] >= values[1] > values[0]


def test_running_averages_see_no_ascent(batch: tuple[Tensor, Tensor]) -> None:
    """The model's are those of x_2 and x, the second ones those of x*: the ascent, in evaluation mode, updates none."""
    net, method = normalised(), AugMax(steps=3)
    method.setup(net, batch[0], generator(CPU, 1))
    loss_of(method, net, batch)
    assert net.training and int(net[1].num_batches_tracked) == 2  # type: ignore[index, arg-type]
    assert method.auxiliary is not None and int(dict(method.auxiliary.named_buffers())["1__num_batches_tracked"]) == 1


def test_the_ascent_sees_the_second_normalisation(batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch
    net, method = normalised(), AugMax(steps=1, early_stop=False)
    method.setup(net, x, generator(CPU, 1))
    assert method.auxiliary is not None
    before = method.hardest(net, x, y, generator(CPU, 3))
    with torch.no_grad():
        net[1].weight.neg_()  # type: ignore[index, union-attr, operator]
    assert torch.equal(method.hardest(net, x, y, generator(CPU, 3)), before)
    with torch.no_grad():
        dict(method.auxiliary.named_parameters())["1__weight"].neg_()
    assert not torch.equal(method.hardest(net, x, y, generator(CPU, 3)), before)
