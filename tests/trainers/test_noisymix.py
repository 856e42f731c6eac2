"""NoisyMix against the equation, view by view, and the rows of its ablation table against each other."""

import itertools
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from study.models.small_cnn import SmallCNN
from trainers import noisymix
from trainers.augmix import AugMix
from trainers.core.method import Method, generator
from trainers.manifold_mixup import ManifoldMixup
from trainers.mixup import Mixup
from trainers.nfm import NFM
from trainers.noisymix import AUGMENT, CONSISTENCY, MIX, NOISE, Consistency, Mix, Noise, NoisyMix
from trainers.parts.augment import augmix
from trainers.parts.draws import beta, host_index
from trainers.parts.mixing import through
from trainers.standard import Standard

CPU = torch.device("cpu")
ROWS = [
    (0, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (0, 1, 1, 0), (1, 0, 0, 0),
    (1, 0, 1, 1), (1, 0, 0, 1), (1, 1, 1, 0), (1, 1, 0, 1), (1, 1, 1, 1),
]  # fmt: skip
"""The paper's table 4: augmentations, feature mixing, noise injections, JSD."""


def row(*on: int, **changes: object) -> NoisyMix:
    names = ("augment", "mix", "noise", "consistency")
    pieces = zip(names, (AUGMENT, MIX, NOISE, CONSISTENCY), on, strict=True)
    return NoisyMix(**{name: piece if use else None for name, piece, use in pieces}, **changes)  # type: ignore[arg-type]


def value(method: Method, model: nn.Module, batch: tuple[Tensor, Tensor], seed: int = 3) -> Tensor:
    rng = generator(CPU, seed)
    method.setup(model, batch[0], rng)
    return method.loss(model, *batch, rng)


def by_equation(model: SmallCNN, x: Tensor, y: Tensor, on: tuple[int, ...], seed: int) -> Tensor:
    """The loss of a row of the table, one view at a time, from the same draws."""
    augment, mixing, noise, consistency = on
    rng = generator(CPU, seed)
    count = 2 if consistency else 1
    shown = list(augmix(x, rng, views=count).chunk(count)) if augment else [x] * count
    if consistency:
        shown = [x, *shown]
    stage, weight, order = -1, torch.tensor(1.0), torch.arange(len(y))
    if mixing or noise:
        stage = host_index(3, rng)
    if mixing:
        weight, order = beta(1, 1, (), rng), torch.randperm(len(y), generator=rng)
    hidden = []
    for view in shown:
        h = view
        for layer in model.stages[: stage + 1]:
            h = layer(h)
        hidden.append(torch.stack([weight * h[i] + (1 - weight) * h[order[i]] for i in range(len(y))]))
    if noise:
        strength = beta(2, 5, (len(shown),), rng), beta(2, 5, (len(shown),), rng)
        u = torch.rand(torch.cat(hidden).shape, generator=rng).view(len(shown), *hidden[0].shape)
        n = torch.empty(torch.cat(hidden).shape).normal_(generator=rng).view(u.shape)
        for v, h in enumerate(hidden):
            swing = (u[v] - 0.65) / 0.35 * 2 - 1
            noisy = (1 + 0.5 * strength[1][v] * swing) * h + 0.5 * (v + 1) * strength[0][v] * n[v]
            hidden[v] = torch.where(u[v] < 0.65, h, noisy)
    p = []
    for h in hidden:
        for layer in model.stages[stage + 1 :]:
            h = layer(h)
        p.append(F.softmax(h, 1))
    loss = torch.tensor(0.0)
    for i in range(len(y)):
        loss = loss - (weight * p[0][i, y[i]].log() + (1 - weight) * p[0][i, y[order[i]]].log()) / len(y)
    if consistency:
        mixture = (sum(p) / 3).clamp(1e-7, 1)  # type: ignore[union-attr]
        loss = loss + 12 * sum((q * (q / mixture).log()).sum() for q in p) / 3 / len(y)
    return loss


@pytest.mark.parametrize("on", list(itertools.product((0, 1), repeat=4)))
def test_the_loss_is_the_equation(on: tuple[int, ...], model: SmallCNN, batch: tuple[Tensor, Tensor]) -> None:
    for seed in range(3, 9):
        torch.testing.assert_close(value(row(*on), model, batch, seed), by_equation(model, *batch, on, seed))


@pytest.mark.parametrize("on", ROWS)
def test_a_row_trains_every_parameter_and_keeps_its_inputs(
    on: tuple[int, ...], model: nn.Module, batch: tuple[Tensor, Tensor]
) -> None:
    method, before = row(*on), batch[0].clone()
    loss = value(method, model, batch)
    loss.backward()
    assert loss.shape == () and loss.isfinite()
    assert torch.equal(batch[0], before)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert torch.equal(loss, value(method, model, batch))
    assert not method.state_dict()


def test_all_off_is_standard_training(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    rng = generator(CPU, 3)
    before = rng.get_state()
    off = row(0, 0, 0, 0)
    off.setup(model, batch[0], rng)
    loss = off.loss(model, *batch, rng)
    assert torch.equal(loss, value(Standard(), model, batch))
    assert torch.equal(rng.get_state(), before), "what is off draws nothing"


def test_the_baselines_are_rows_of_the_table(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    pairs = [
        (row(0, 1, 0, 0), ManifoldMixup(alpha=1.0, stages=(0, 1, 2, 3))),
        (row(0, 1, 0, 0, stages=(0,)), Mixup()),
        (row(0, 1, 1, 0), NFM(additive=0.5, multiplicative=0.5, sparse=0.65)),
        (row(1, 0, 0, 1), AugMix()),
        (row(1, 0, 0, 0), AugMix(weight=None)),
    ]
    for seed in range(5):
        for setting, baseline in pairs:
            assert torch.equal(value(setting, model, batch, seed), value(baseline, model, batch, seed))


def test_mixup_mixes_images(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    """At the input, mixing normalised images and mixing images is the same."""
    x, y = batch
    rng = generator(CPU, 3)
    host_index(1, rng)
    weight, order = beta(1, 1, (), rng), torch.randperm(len(y), generator=rng)
    out = model(weight * x + (1 - weight) * x[order])
    expected = weight * F.cross_entropy(out, y) + (1 - weight) * F.cross_entropy(out, y[order])
    torch.testing.assert_close(value(Mixup(), model, batch), expected)


def test_strength_zero_is_the_piece_off(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    silent = NoisyMix(augment=None, mix=None, noise=Noise(additive=0, multiplicative=0), consistency=None)
    torch.testing.assert_close(value(silent, model, batch), value(Standard(), model, batch))
    weightless = NoisyMix(mix=None, noise=None, consistency=Consistency(weight=0))
    torch.testing.assert_close(value(weightless, model, batch), value(Standard(), model, batch))


def test_consistency_of_equal_views_is_nothing(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    with_jsd = NoisyMix(augment=None, noise=None)
    without = NoisyMix(augment=None, noise=None, consistency=None)
    torch.testing.assert_close(value(with_jsd, model, batch), value(without, model, batch))


def test_view_scales_act_on_their_views(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    """Additive noise on the third view alone leaves the cross-entropy of the first as it is."""
    third = Noise(additive=0.5, multiplicative=0, view_scales=(0, 0, 1))
    quiet = NoisyMix(augment=None, mix=None, noise=third, consistency=Consistency(weight=0))
    torch.testing.assert_close(value(quiet, model, batch), value(Standard(), model, batch))
    heard = NoisyMix(augment=None, mix=None, noise=third, consistency=Consistency(weight=1))
    assert value(heard, model, batch) > value(quiet, model, batch) + 1e-4


def test_every_stage_is_entered_alike(monkeypatch: pytest.MonkeyPatch, batch: tuple[Tensor, Tensor]) -> None:
    net = nn.Module()
    net.stages = nn.ModuleList([nn.Identity(), nn.Flatten(), nn.Identity(), nn.Identity(), nn.Linear(64, 10)])
    entered: list[int] = []

    def spy(model: nn.Module, x: Tensor, after: int, change: Callable[[Tensor], Tensor]) -> Tensor:
        entered.append(after)
        return through(model, x, after, change)

    monkeypatch.setattr(noisymix, "through", spy)
    method, rng = ManifoldMixup(stages=(0, 1, 2, 3, 4, 9)), generator(CPU, 4)
    method.setup(net, batch[0], rng)
    for _ in range(400):
        method.loss(net, *batch, rng)
    counts = torch.bincount(torch.tensor(entered), minlength=4)
    assert counts.shape == (4,) and counts.min() > 70


def test_a_model_without_the_stages_is_refused(model: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"none of the stages \(3, 7\) comes before the model's last, 3"):
        value(ManifoldMixup(stages=(3, 7)), model, batch)


def test_pieces_are_plain_values_on_a_command_line() -> None:
    adapter = TypeAdapter[Noise | None](Noise | None)
    assert adapter.validate_json('{"additive": 0.4, "view_scales": [1, 1, 1]}', strict=True) == Noise(
        additive=0.4, view_scales=(1, 1, 1)
    )
    assert adapter.validate_json("null", strict=True) is None
    for wrong in ('{"additive": -1}', '{"sparse": 1.0}', '{"aditive": 0.4}', '{"additive": "0.4"}'):
        with pytest.raises(ValidationError):
            adapter.validate_json(wrong, strict=True)
    assert TypeAdapter(Mix).validate_json('{"alpha": 0.2}', strict=True) == Mix(alpha=0.2)
