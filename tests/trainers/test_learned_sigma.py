"""Stochastic training: closed form against finite differences, sampling and the deterministic network."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.trainers.stochastic import (
    CPU,
    F64,
    MODELS,
    batch,
    cnn,
    first_shape,
    linearised,
    loss_and_gradients,
    margin_from,
    method,
    mlp,
    moments,
    squared_gradient,
    with_batch_norm,
)
from trainers.core.method import generator
from trainers.learned_sigma import LearnedSigma
from trainers.parts.operator_norm import operator_norm
from trainers.parts.sensitivity import first_layer
from trainers.parts.stochastic_losses import LOSSES, smooth_margin


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("covariance", ["full", "diagonal", "moment_matched"])
def test_sigma_zero_is_the_deterministic_network_exactly(name, covariance):
    model, (x, y) = MODELS[name](), batch()
    trainer = method(model, sigma=0.0, learn=False, covariance=covariance)
    m, v = moments(trainer, model, x, y)
    assert torch.equal(m, smooth_margin(model(x), y))
    assert torch.equal(v, torch.zeros_like(v))


@pytest.mark.parametrize("name", MODELS)
def test_sigma_zero_with_ece2_is_vanilla_training(name):
    model, (x, y) = MODELS[name](), batch()
    loss, gradients = loss_and_gradients(method(model, sigma=0.0, learn=False, loss="ece2"), model)
    vanilla = F.cross_entropy(model(x), y)
    torch.testing.assert_close(loss, vanilla, rtol=1e-12, atol=0)
    for got, expected in zip(gradients, torch.autograd.grad(vanilla, list(model.parameters())), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("tie", ["operator_norm", None])
def test_variance_is_the_squared_finite_difference_gradient(name, tie):
    model, (x, y) = MODELS[name](), batch(3)
    _, v = moments(method(model, sigma=0.3, learn=False, tie=tie), model, x, y)
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
    trainer = method(model, sigma=0.01, learn=False)
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
    trainer = method(model, sigma=1.0, channels=True, tie=None)
    sigma = torch.tensor([0.1, 0.5, 1.0, 2.0], dtype=F64)
    with torch.no_grad():
        trainer.rho.copy_(torch.log(torch.expm1(sigma)))
    _, v = moments(trainer, model, x, y)
    logits, h = linearised(model, x)
    expected = (squared_gradient(smooth_margin(logits, y), h) * sigma**2).sum(1)
    torch.testing.assert_close(v, expected)
    metrics = trainer.metrics()
    assert (metrics["sigma_min"].item(), metrics["sigma_max"].item()) == pytest.approx((0.1, 2.0))


@pytest.mark.parametrize("name", MODELS)
def test_variance_of_noise_at_the_input_is_that_of_its_pixels(name):
    model, (x, y) = MODELS[name](), batch(3)
    m, v = moments(method(model, sigma=0.3, learn=False, layer="input"), model, x, y)
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
    trainer = method(model, sigma=0.3, learn=False, layer="every")
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
    trainer = method(model, sigma=0.3, learn=False, tie=None, margins=2)
    m, v = moments(trainer, model, x, y)
    z = model(x)
    for i in range(3):
        wrong = sorted((k for k in range(4) if k != y[i]), key=lambda k: -z[i, k].item())[:2]
        for place, k in enumerate(wrong):
            logits, h = linearised(model, x)
            (gradient,) = torch.autograd.grad(logits[i, y[i]] - logits[i, k], [h])
            assert m[i, place].item() == pytest.approx((z[i, y[i]] - z[i, k]).item(), rel=1e-12)
            assert v[i, place].item() == pytest.approx(0.09 * gradient.square().sum().item(), rel=1e-6)
    loss = trainer.loss(model, x, y, generator(CPU, 0))
    assert loss.item() == pytest.approx(LOSSES["mse+prob"](m, v).sum().item() / 3, rel=1e-12)
    assert moments(method(model, sigma=0.3, margins=9), model, x, y)[0].shape == (3, 3)


def test_a_sampled_margin_is_that_of_the_noise_drawn():
    """The noise is drawn again by hand, from the same stream, and added to the first layer's output."""
    model, (x, y) = cnn(), batch()
    trainer = method(model, sigma=0.3, learn=False, covariance="sampled")
    m, v = trainer.margin_moments(model, x, y, generator(CPU, 7))
    noise = torch.empty(first_shape(model, x), dtype=F64).normal_(generator=generator(CPU, 7))
    s = 0.3 * operator_norm(first_layer(model), (8, 8)).detach()
    torch.testing.assert_close(
        m.detach(), margin_from(model, x, y, s * noise), rtol=1e-5, atol=1e-6
    )  # sigma is of 32 bits
    assert not v.any() and (m != trainer.margin_moments(model, x, y, generator(CPU, 8))[0]).all()


def test_sampled_noise_under_ece2_is_the_cross_entropy_of_the_noisy_network():
    model, (x, y) = cnn(), batch()
    trainer = method(model, sigma=0.3, learn=False, covariance="sampled", loss="ece2")
    noise = torch.empty(first_shape(model, x), dtype=F64).normal_(generator=generator(CPU, 7))
    s = 0.3 * operator_norm(first_layer(model), (8, 8)).detach()
    handle = first_layer(model).register_forward_hook(lambda *seen: seen[2] + s * noise)
    expected = F.cross_entropy(model(x), y)
    handle.remove()
    torch.testing.assert_close(trainer.loss(model, x, y, generator(CPU, 7)), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("covariance", ["full", "diagonal", "moment_matched"])
def test_gradient_of_sigma_is_that_of_finite_differences(loss, covariance):
    model, (x, y) = cnn(), batch()
    trainer = method(model, sigma=0.4, loss=loss, covariance=covariance)

    def value() -> Tensor:
        return trainer.loss(model, x, y, generator(CPU, 0))

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
        return trainer.loss(model, x, y, generator(CPU, 0)).item()


def test_gradient_of_the_weights_is_that_of_finite_differences():
    model, (x, y) = cnn(), batch()
    trainer = method(model, sigma=0.4)
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
        trainer = method(model, sigma=0.5, learn=False, covariance=covariance, tie=tie)
        (m, v), (scaled_m, scaled_v) = (moments(trainer, net, x, y) for net in (model, scaled))
        torch.testing.assert_close(scaled_m, m, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(scaled_v, factor * v, rtol=1e-7, atol=0)


def test_batch_statistics_that_train_change_the_variance_little():
    model, (x, y) = with_batch_norm().train(), batch(32)
    logits, h = linearised(model, x)
    summed = squared_gradient(smooth_margin(logits, y), h).sum(1)
    alone = torch.zeros(32, dtype=F64)
    for i in range(32):  # the definition: sum over j of ||dm_i/dh_j||^2
        logits, h = linearised(model, x)
        alone[i] = squared_gradient(smooth_margin(logits, y)[i : i + 1], h).sum()
    assert (summed.mean() / alone.mean()).item() == pytest.approx(1, abs=0.15)


def test_an_overwriting_relu_does_no_harm():
    x, y = batch()
    inplace, plain = mlp(), mlp()
    plain[2] = nn.ReLU()
    trainer = method(plain, sigma=0.5, learn=False)
    for got, expected in zip(moments(trainer, inplace, x, y), moments(trainer, plain, x, y), strict=True):
        assert torch.equal(got, expected)
