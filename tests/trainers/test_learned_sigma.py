"""Stochastic training: closed form against finite differences, sampling and the deterministic network."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from study.models.small_cnn import SmallCNN
from trainers.core.loop import Fit, Recipe
from trainers.core.method import generator
from trainers.learned_sigma import LearnedSigma
from trainers.parts.operator_norm import operator_norm
from trainers.parts.sensitivity import first_layer, forward_to, squared_gradient
from trainers.parts.stochastic_losses import LOSSES, smooth_margin

CPU = torch.device("cpu")
F64 = torch.float64


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.normal_(std=math.sqrt(2 / module.weight[0].numel()), generator=rng)
                module.bias.normal_(std=0.1, generator=rng)
    return model.double()


def cnn() -> nn.Module:
    return randomised(SmallCNN(shape=(1, 8, 8), classes=4, width=4, hidden=16))


def with_batch_norm() -> nn.Module:
    return randomised(
        nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.Conv2d(4, 6, 3),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(6 * 36, 4),
        )
    )


def mlp() -> nn.Module:
    return randomised(nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(inplace=True), nn.Linear(20, 4)))


MODELS = {"cnn": cnn, "batch_norm": lambda: with_batch_norm().eval(), "mlp": mlp}


def batch(count: int = 6) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(11)
    return torch.rand((count, 1, 8, 8), generator=rng, dtype=F64), torch.randint(4, (count,), generator=rng)


def method(**options) -> LearnedSigma:
    return LearnedSigma(**options).double()


def moments(trainer: LearnedSigma, model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the margin; the closed forms draw nothing."""
    return trainer.margin_moments(model, x, y, generator(CPU, 0))


def margin_from(model: nn.Module, x: Tensor, y: Tensor, change: Tensor) -> Tensor:
    """The margin when `change` is added to the first layer's output: the definition, by intervention."""
    handle = first_layer(model).register_forward_hook(lambda *seen: seen[2] + change)
    with torch.no_grad():
        m = smooth_margin(model(x), y)
    handle.remove()
    return m


def first_shape(model: nn.Module, x: Tensor) -> torch.Size:
    shapes = []
    handle = first_layer(model).register_forward_hook(lambda *seen: shapes.append(seen[2].shape))
    model(x)
    handle.remove()
    return shapes[0]


def loss_and_gradients(trainer: LearnedSigma, model: nn.Module) -> tuple[Tensor, list[Tensor]]:
    x, y = batch()
    loss = trainer.loss(model, trainer.views(x, generator(CPU, 0)), y, generator(CPU, 0))
    return loss, list(torch.autograd.grad(loss, list(model.parameters())))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("covariance", ["full", "diagonal", "moment_matched"])
def test_sigma_zero_is_the_deterministic_network_exactly(name, covariance):
    model, (x, y) = MODELS[name](), batch()
    trainer = method(sigma=0.0, learn=False, covariance=covariance)
    m, v = moments(trainer, model, x, y)
    assert torch.equal(m, smooth_margin(model(x), y))
    assert torch.equal(v, torch.zeros_like(v))


@pytest.mark.parametrize("name", MODELS)
def test_sigma_zero_with_ece2_is_vanilla_training(name):
    model, (x, y) = MODELS[name](), batch()
    loss, gradients = loss_and_gradients(method(sigma=0.0, learn=False, loss="ece2"), model)
    vanilla = F.cross_entropy(model(x), y)
    torch.testing.assert_close(loss, vanilla, rtol=1e-12, atol=0)
    for got, expected in zip(gradients, torch.autograd.grad(vanilla, list(model.parameters())), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("tie", ["operator_norm", None])
def test_variance_is_the_squared_finite_difference_gradient(name, tie):
    model, (x, y) = MODELS[name](), batch(3)
    _, v = moments(method(sigma=0.3, learn=False, tie=tie), model, x, y)
    s = 0.3 * (operator_norm(first_layer(model), (8, 8)).item() if tie else 1.0)
    step, (_, *rest) = 1e-6, first_shape(model, x)
    squares = torch.zeros(3, dtype=F64)
    for unit in torch.eye(math.prod(rest), dtype=F64).view(-1, *rest):
        difference = margin_from(model, x, y, step * unit) - margin_from(model, x, y, -step * unit)
        squares += (difference / (2 * step)).square()
    torch.testing.assert_close(v.detach(), s**2 * squares, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_full_variance_is_the_sampled_one_at_a_small_sigma(name):
    """Over 32 images: of a single one, a unit within the noise of its ReLU's kink makes a fifth."""
    model, (x, y) = MODELS[name](), batch(32)
    trainer = method(sigma=0.01, learn=False)
    m, v = moments(trainer, model, x, y)
    s = 0.01 * operator_norm(first_layer(model), (8, 8)).item()
    rng, shape = torch.Generator().manual_seed(5), first_shape(model, x)
    noise = (s * torch.randn(shape, generator=rng, dtype=F64) for _ in range(600))
    drawn = torch.stack([margin_from(model, x, y, change) for change in noise])
    assert (v.mean() / drawn.var(0).mean()).item() == pytest.approx(1, abs=0.1)
    assert (v / drawn.var(0)).median().item() == pytest.approx(1, abs=0.1)
    assert ((m - drawn.mean(0)).abs() / v.sqrt()).median().item() < 0.15  # the mean path: no first-order shift


def test_one_sigma_a_channel_weighs_its_own_channel():
    model, (x, y) = cnn(), batch(4)
    trainer = method(sigma=1.0, channels=True, tie=None)
    sigma = torch.tensor([0.1, 0.5, 1.0, 2.0], dtype=F64)
    with torch.no_grad():
        trainer.rho[:4].copy_(torch.log(torch.expm1(sigma)))
    _, v = moments(trainer, model, x, y)
    logits, h = forward_to(model, first_layer(model), x)
    expected = (squared_gradient(smooth_margin(logits, y), h) * sigma**2).sum(1)
    torch.testing.assert_close(v, expected)
    metrics = trainer.metrics()
    assert (metrics["sigma_min"].item(), metrics["sigma_max"].item()) == pytest.approx((0.1, 2.0))


@pytest.mark.parametrize("name", MODELS)
def test_variance_of_noise_at_the_input_is_that_of_its_pixels(name):
    model, (x, y) = MODELS[name](), batch(3)
    m, v = moments(method(sigma=0.3, learn=False, layer="input"), model, x, y)
    step, squares = 1e-6, torch.zeros(3, dtype=F64)
    with torch.no_grad():
        for pixel in torch.eye(64, dtype=F64).view(64, 1, 8, 8):
            up, down = (smooth_margin(model(x + sign * step * pixel), y) for sign in (1, -1))
            squares += ((up - down) / (2 * step)).square()
    torch.testing.assert_close(v.detach(), 0.3**2 * squares, rtol=1e-5, atol=1e-12)
    torch.testing.assert_close(m, smooth_margin(model(x), y), rtol=1e-12, atol=0)
    assert not x.requires_grad


@pytest.mark.parametrize("name", MODELS)
def test_noise_at_every_layer_adds_up_and_is_relative_to_its_size(name):
    """By intervention at one layer after the other; scaling one up and the next one down changes nothing."""
    model, (x, y) = MODELS[name](), batch(2)
    trainer = method(sigma=0.3, learn=False, layer="every")
    _, v = moments(trainer, model, x, y)
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)][:-1]
    step, expected = 1e-6, torch.zeros(2, dtype=F64)
    for layer in layers:
        outputs: list[Tensor] = []
        handle = layer.register_forward_hook(lambda *seen, outputs=outputs: outputs.append(seen[2].clone()))
        model(x)
        handle.remove()
        (h,) = outputs
        for unit in torch.eye(h[0].numel(), dtype=F64).view(-1, *h.shape[1:]):
            ends = []
            for sign in (1, -1):
                handle = layer.register_forward_hook(lambda *seen, d=sign * step * unit: seen[2] + d)
                with torch.no_grad():
                    ends.append(smooth_margin(model(x), y))
                handle.remove()
            expected += (0.3 * (ends[0] - ends[1]) / (2 * step)).square() * h.square().mean().detach()
    torch.testing.assert_close(v.detach(), expected, rtol=1e-5, atol=1e-12)


def test_several_margins_are_those_of_the_likeliest_wrong_classes():
    model, (x, y) = cnn(), batch(3)
    trainer = method(sigma=0.3, learn=False, tie=None, margins=2)
    m, v = moments(trainer, model, x, y)
    z = model(x)
    for i in range(3):
        wrong = sorted((k for k in range(4) if k != y[i]), key=lambda k: -z[i, k].item())[:2]
        for place, k in enumerate(wrong):
            logits, h = forward_to(model, first_layer(model), x)
            (gradient,) = torch.autograd.grad(logits[i, y[i]] - logits[i, k], [h])
            assert m[i, place].item() == pytest.approx((z[i, y[i]] - z[i, k]).item(), rel=1e-12)
            assert v[i, place].item() == pytest.approx(0.09 * gradient.square().sum().item(), rel=1e-6)
    loss = trainer.loss(model, (x,), y, generator(CPU, 0))
    assert loss.item() == pytest.approx(LOSSES["mse+prob"](m, v).sum().item() / 3, rel=1e-12)
    assert moments(method(sigma=0.3, margins=9), model, x, y)[0].shape == (3, 3)


def test_a_sampled_margin_is_that_of_the_noise_drawn():
    """The noise is drawn again by hand, from the same stream, and added to the first layer's output."""
    model, (x, y) = cnn(), batch()
    trainer = method(sigma=0.3, learn=False, covariance="sampled")
    m, v = trainer.margin_moments(model, x, y, generator(CPU, 7))
    noise = torch.empty(first_shape(model, x), dtype=F64).normal_(generator=generator(CPU, 7))
    s = 0.3 * operator_norm(first_layer(model), (8, 8)).detach()
    torch.testing.assert_close(
        m.detach(), margin_from(model, x, y, s * noise), rtol=1e-5, atol=1e-6
    )  # sigma is of 32 bits
    assert not v.any() and (m != trainer.margin_moments(model, x, y, generator(CPU, 8))[0]).all()


def test_sampled_noise_under_ece2_is_the_cross_entropy_of_the_noisy_network():
    model, (x, y) = cnn(), batch()
    trainer = method(sigma=0.3, learn=False, covariance="sampled", loss="ece2")
    noise = torch.empty(first_shape(model, x), dtype=F64).normal_(generator=generator(CPU, 7))
    s = 0.3 * operator_norm(first_layer(model), (8, 8)).detach()
    handle = first_layer(model).register_forward_hook(lambda *seen: seen[2] + s * noise)
    expected = F.cross_entropy(model(x), y)
    handle.remove()
    torch.testing.assert_close(trainer.loss(model, (x,), y, generator(CPU, 7)), expected, rtol=1e-6, atol=0)


def test_unused_channels_stay_where_they_started():
    model, trainer = cnn().float(), LearnedSigma(sigma=0.5, channels=True)
    fit = Fit(model, trainer, Blobs(), Recipe(epochs=1, batch_size=16), seed=0, device=CPU)
    started = trainer.rho.detach().clone()
    fit.run_epoch()
    assert (trainer.rho[:4] != started[:4]).all() and torch.equal(trainer.rho[4:], started[4:])
    assert trainer.sigma.shape == (4,)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("covariance", ["full", "diagonal", "moment_matched"])
def test_gradient_of_sigma_is_that_of_finite_differences(loss, covariance):
    model, (x, y) = cnn(), batch()
    trainer = method(sigma=0.4, loss=loss, covariance=covariance)

    def value() -> Tensor:
        return trainer.loss(model, (x,), y, generator(CPU, 0))

    (gradient,) = torch.autograd.grad(value(), trainer.rho)
    step, values = 1e-6, []
    for sign in (1, -1):
        with torch.no_grad():
            trainer.rho += sign * step
            values.append(value_without_graph(trainer, model, x, y))
            trainer.rho -= sign * step
    assert gradient.item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)


def value_without_graph(trainer: LearnedSigma, model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.enable_grad():
        return trainer.loss(model, (x,), y, generator(CPU, 0)).item()


def test_gradient_of_the_weights_is_that_of_finite_differences():
    model, (x, y) = cnn(), batch()
    trainer = method(sigma=0.4)
    loss, gradients = loss_and_gradients(trainer, model)
    rng = torch.Generator().manual_seed(9)
    directions = [torch.randn(p.shape, generator=rng, dtype=F64) for p in model.parameters()]
    step, values = 1e-6, []
    for sign in (1, -1):
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for parameter, direction in zip(moved.parameters(), directions, strict=True):
                parameter += sign * step * direction
        values.append(value_without_graph(trainer, moved, x, y))
    slope = sum((g * d).sum().item() for g, d in zip(gradients, directions, strict=True))
    assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)
    assert loss.isfinite()


@pytest.mark.parametrize("covariance", ["full", "diagonal"])
@pytest.mark.parametrize("c", [0.25, 7.0])
def test_scaling_the_first_layer_gains_nothing_when_tied_and_c_squared_when_not(covariance, c):
    model, (x, y) = mlp(), batch()
    scaled = copy.deepcopy(model)
    with torch.no_grad():
        scaled[1].weight *= c
        scaled[1].bias *= c
        scaled[3].weight /= c
    for tie, factor in (("operator_norm", 1.0), (None, c**-2)):
        trainer = method(sigma=0.5, learn=False, covariance=covariance, tie=tie)
        (m, v), (scaled_m, scaled_v) = (moments(trainer, net, x, y) for net in (model, scaled))
        torch.testing.assert_close(scaled_m, m, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(scaled_v, factor * v, rtol=1e-7, atol=0)


def test_batch_statistics_that_train_change_the_variance_little():
    model, (x, y) = with_batch_norm().train(), batch(32)
    layer = first_layer(model)
    logits, h = forward_to(model, layer, x)
    summed = squared_gradient(smooth_margin(logits, y), h).sum(1)
    alone = torch.zeros(32, dtype=F64)
    for i in range(32):  # the definition: sum over j of ||dm_i/dh_j||^2
        logits, h = forward_to(model, layer, x)
        alone[i] = squared_gradient(smooth_margin(logits, y)[i : i + 1], h).sum()
    assert (summed.mean() / alone.mean()).item() == pytest.approx(1, abs=0.15)


def test_an_overwriting_relu_does_no_harm():
    x, y = batch()
    inplace, plain = mlp(), mlp()
    plain[2] = nn.ReLU()
    trainer = method(sigma=0.5, learn=False)
    for got, expected in zip(moments(trainer, inplace, x, y), moments(trainer, plain, x, y), strict=True):
        assert torch.equal(got, expected)


def test_price_is_paid_by_a_learned_sigma_only():
    model, (x, y) = cnn(), batch()
    values = {
        (learn, beta): method(sigma=0.2, learn=learn, beta=beta).loss(model, (x,), y, generator(CPU, 0)).item()
        for learn in (True, False)
        for beta in (None, 0.0, 2.0)
    }
    price = ((0.2 / 1.1) ** 2 - 1 - 2 * math.log(0.2 / 1.1)) / 2
    assert values[True, 2.0] - values[True, None] == pytest.approx(2 * price, rel=1e-6)
    plain = values[False, None]
    assert all(value == pytest.approx(plain, rel=1e-7) for key, value in values.items() if key != (True, 2.0))


def test_warm_up_grows_the_noise_linearly():
    model, (x, y) = cnn(), batch()
    trainer, rng = method(sigma=0.5, warmup=3), generator(CPU, 0)
    seen = []
    for epoch in range(6):
        trainer.start_epoch(epoch, model, None, rng)
        seen.append(moments(trainer, model, x, y)[1].sum().sqrt().item())
    assert [value / seen[-1] for value in seen] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert trainer.metrics()["sigma"].item() == pytest.approx(0.5)


@pytest.mark.parametrize("sigma", [1e-3, 0.1, 1.1, 9.0])
def test_a_learned_sigma_starts_where_it_is_told(sigma):
    assert LearnedSigma(sigma=sigma).metrics()["sigma"].item() == pytest.approx(sigma, rel=1e-5)


def test_state_is_rho_alone_and_hyper_parameters_win():
    first, second = LearnedSigma(sigma=0.3, sigma_lr=1e-2), LearnedSigma(sigma=0.9, sigma_lr=5e-2, beta=0.7, warmup=2)
    assert list(first.state_dict()) == ["rho"]
    assert not LearnedSigma(sigma=0.3, learn=False).state_dict()
    second.load_state_dict(first.state_dict())
    assert second.metrics()["sigma"].item() == pytest.approx(0.3, rel=1e-5)
    assert (second.beta, second.warmup, second.parameter_groups()[0]["lr"]) == (0.7, 2, 5e-2)
    assert LearnedSigma(sigma=0.3, learn=False).parameter_groups() == []


def test_says_what_it_does_not_take():
    x, y = batch()
    with pytest.raises(ValueError, match="learn=False"):
        LearnedSigma(sigma=0.0)
    wide = nn.Sequential(nn.Flatten(), nn.Linear(64, 1025)).double()
    with pytest.raises(ValueError, match="at most 1024 channels, got 1025"):
        moments(method(channels=True), wide, x, y)
    with pytest.raises(ValueError, match="got covariance='diagonal'"):
        LearnedSigma(covariance="diagonal", layer="input")
    with pytest.raises(ValueError, match="got covariance='sampled'"):
        LearnedSigma(covariance="sampled", margins=2)
    with pytest.raises(ValueError, match="got layer='every'"):
        LearnedSigma(channels=True, layer="every")
    with pytest.raises(ValueError, match="no convolution or linear layer"):
        moments(method(), nn.Sequential(nn.Flatten()), x, y)


class Blobs:
    """Four classes, told apart by which quarter of the image is bright."""

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(0)
        self.y = torch.arange(128) % 4
        self.x = 0.3 * torch.rand((128, 1, 8, 8), generator=rng)
        for i, label in enumerate(self.y.tolist()):
            self.x[i, :, 4 * (label // 2) : 4 * (label // 2) + 4, 4 * (label % 2) : 4 * (label % 2) + 4] += 0.5

    def __len__(self) -> int:
        return 128

    def batches(self, size, rng=None):
        order = torch.arange(128) if rng is None else torch.randperm(128, generator=rng)
        for chosen in order.split(size):
            yield self.x[chosen], self.y[chosen]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"covariance": "diagonal", "loss": "ece2"},
        {"covariance": "moment_matched"},
        {"layer": "input"},
        {"layer": "every", "margins": 2},
        {"covariance": "sampled", "loss": "ece2", "tie": None},
        {"channels": True, "loss": "bound"},
    ],
    ids=str,
)
def test_trains_above_chance_and_moves_sigma(options):
    data = Blobs()
    model, trainer = cnn().float(), LearnedSigma(sigma=0.3, **options)
    fit = Fit(model, trainer, data, Recipe(epochs=4, batch_size=16, lr=1e-2), seed=0, device=CPU)
    values = [fit.run_epoch() for _ in range(4)]
    with torch.no_grad():
        accuracy = (model(data.x).argmax(1) == data.y).float().mean().item()
    assert accuracy > 0.9
    assert abs(values[-1]["sigma"] - 0.3) > 1e-3


def test_without_a_price_sigma_falls_and_with_a_high_one_it_rises():
    ends = {}
    for beta in (None, 2.0):
        trainer = LearnedSigma(sigma=0.5, beta=beta)
        fit = Fit(cnn().float(), trainer, Blobs(), Recipe(epochs=3, batch_size=16), seed=0, device=CPU)
        ends[beta] = [fit.run_epoch()["sigma"] for _ in range(3)][-1]
    assert ends[None] < 0.5 < ends[2.0]


def test_a_resumed_run_is_the_same_run():
    def fresh() -> Fit:
        return Fit(
            cnn().float(),
            LearnedSigma(sigma=0.3, warmup=1),
            Blobs(),
            Recipe(epochs=3, batch_size=32),
            seed=1,
            device=CPU,
        )

    whole, first, second = fresh(), fresh(), fresh()
    values = [whole.run_epoch() for _ in range(3)]
    first.run_epoch()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert [second.run_epoch() for _ in range(2)] == values[1:]
