"""AugMix: the operators in place against Pillow, and the chains' distribution."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from scipy import stats
from torch import Tensor

from trainers.core.method import generator
from trainers.parts import augment as module
from trainers.parts.augment import OPERATORS, augment, augmix

CPU = torch.device("cpu")


def published(name: str, image: Image.Image, level: float, sign: int) -> Image.Image:
    """An operator as the AugMix paper's authors define it, at a level already drawn, on an image of 32 x
    32."""
    degrees, shift = sign * int(level * 30 / 10), sign * int(level * (32 / 3) / 10)
    slope = sign * level * 0.3 / 10
    matrices = {
        "shear_x": (1, slope, 0, 0, 1, 0),
        "shear_y": (1, 0, 0, slope, 1, 0),
        "translate_x": (1, 0, shift, 0, 1, 0),
        "translate_y": (1, 0, 0, 0, 1, shift),
    }
    bilinear = Image.Resampling.BILINEAR
    if name in matrices:
        return image.transform((32, 32), Image.Transform.AFFINE, matrices[name], resample=bilinear)
    return {
        "autocontrast": lambda: ImageOps.autocontrast(image),
        "equalize": lambda: ImageOps.equalize(image),
        "posterize": lambda: ImageOps.posterize(image, 4 - int(level * 4 / 10)),
        "solarize": lambda: ImageOps.solarize(image, 256 - int(level * 256 / 10)),
        "rotate": lambda: image.rotate(degrees, resample=bilinear),
    }[name]()


def test_each_operator_of_a_step_is_the_published_one() -> None:
    rng = generator(CPU, 1)
    n = 12
    x = torch.randint(20, 230, (len(OPERATORS) * n, 3, 32, 32), generator=rng, dtype=torch.uint8)
    level = torch.empty(len(x)).uniform_(0.1, 9.9, generator=rng)
    sign = torch.randint(0, 2, (len(x),), generator=rng) * 2 - 1
    before = x.clone()
    result = augment(x, level, sign)
    assert torch.equal(x, before)
    for i, name in enumerate(OPERATORS):
        for j in range(i * n, (i + 1) * n):
            image = Image.fromarray(x[j].permute(1, 2, 0).numpy())
            expected = np.array(published(name, image, level[j].item(), int(sign[j])))
            difference = np.abs(result[j].permute(1, 2, 0).numpy().astype(int) - expected)
            exact = name not in ("rotate", "shear_x", "shear_y")
            # A pixel on the source's border may fall on either side of it.
            assert (difference > (0 if exact else 1)).any(2).sum() <= (0 if exact else 2), name


def write_history(x: Tensor, level: Tensor, sign: Tensor) -> Tensor:  # noqa: ARG001
    """Stands in for `augment`: row 0 of an image lists the operators it met, the last first; other rows
    stay."""
    operator = torch.arange(1, 10, dtype=torch.uint8).repeat_interleave(len(x) // 9).view(-1, 1, 1)
    history = torch.cat([operator, x[:, :, 0, :-1]], 2)
    return torch.cat([history[:, :, None], x[:, :, 1:]], 2)


def histories(monkeypatch: pytest.MonkeyPatch, batch: int, depth: int | None, rounds: int) -> Tensor:
    """Returns the operators (rounds, 3 chains, batch, 4), 0 where a chain has ended."""
    monkeypatch.setattr(module, "augment", write_history)
    x = torch.zeros(batch, 1, 2, 4, dtype=torch.uint8)
    x[:, 0, 1] = torch.arange(batch, dtype=torch.uint8)[:, None]
    rng = generator(CPU, 2)
    drawn = [module.draw_chains(x / 255, rng, width=3, depth=depth)[0][0] for _ in range(rounds)]
    chains = torch.stack(drawn)
    assert (chains[:, :, :, 0, 1] == x[:, 0, 1]).all(), "a chain must come back to its own image"
    return chains[:, :, :, 0, 0].long()


def independent(first: Tensor, second: Tensor, kinds: int) -> bool:
    """Whether a chi-squared test finds two series of numbers from 1 to `kinds` independent."""
    table = torch.bincount((first - 1) * kinds + second - 1, minlength=kinds**2).view(kinds, kinds)
    return bool(stats.chi2_contingency(table.numpy()).pvalue > 1e-3)


@pytest.mark.parametrize("batch", [1, 5, 32])
def test_depth_and_operators_are_uniform_and_independent(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    ops = histories(monkeypatch, batch, None, 1200 if batch == 1 else 400)
    one = ops[:, :, 0]  # one image: over rounds and chains its draws must look independent
    depth = (one > 0).sum(-1)
    assert depth.min() == 1 and depth.max() == 3
    assert stats.chisquare(torch.bincount(depth.flatten(), minlength=4)[1:].numpy()).pvalue > 1e-3
    assert stats.chisquare(torch.bincount(one[..., 0].flatten(), minlength=10)[1:].numpy()).pvalue > 1e-3
    assert independent(one[:, 0, 0], one[:, 1, 0], 9)
    steps = one[depth >= 2]
    assert independent(steps[:, 0], steps[:, 1], 9)
    assert independent(depth[:, 0], depth[:, 1], 3)


def test_a_fixed_depth_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    for depth in (1, 2, 4):
        assert ((histories(monkeypatch, 7, depth, 3) > 0).sum(-1) == depth).all()


def test_mixing_weights_have_their_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """With chains that return (white, black, black), x = 0: the result is m * w_1; with all white it is
    m."""
    x = torch.zeros(4000, 1, 1, 1)
    white = torch.full((3, len(x), 1, 1, 1), 255, dtype=torch.uint8)
    monkeypatch.setattr(module, "random_chains", lambda *_, **__: white)
    m = augmix(x, generator(CPU, 3)).flatten()
    assert stats.kstest(m.numpy(), "uniform").pvalue > 1e-3
    first = white.clone()
    first[1:] = 0
    monkeypatch.setattr(module, "random_chains", lambda *_, **__: first)
    w = augmix(x, generator(CPU, 3)).flatten() / m
    assert stats.kstest(w.numpy(), "beta", args=(1, 2)).pvalue > 1e-3
    both = torch.stack([first[:, :2000], 1 - first[:, 2000:]]).flatten(0, 1)
    monkeypatch.setattr(module, "random_chains", lambda *_, **__: both)
    one, two = augmix(x[:2000], generator(CPU, 4), views=2).flatten().chunk(2)
    assert abs(torch.corrcoef(torch.stack([one, two]))[0, 1]) < 0.08
    assert stats.ks_2samp(one.numpy(), w.mul(m).numpy()).pvalue > 1e-3
    monkeypatch.setattr(module, "random_chains", lambda *_, **__: white * 0)
    torch.testing.assert_close(augmix(x + 1, generator(CPU, 3)).flatten(), 1 - m)


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (5, 3, 12, 10), (128, 3, 32, 32)])
def test_shape_range_determinism_and_input(shape: tuple[int, ...]) -> None:
    x = torch.rand(shape, generator=generator(CPU, 4))
    before = x.clone()
    result = augmix(x, generator(CPU, 5))
    assert torch.equal(x, before)
    assert result.shape == x.shape and result.dtype == x.dtype
    assert result.min() >= 0 and result.max() <= 1
    assert torch.equal(result, augmix(x, generator(CPU, 5)))
    assert not torch.equal(result, augmix(x, generator(CPU, 6)))
    first, second = augmix(x, generator(CPU, 7), views=2).chunk(2)
    assert first.shape == second.shape == x.shape and not torch.equal(first, second)


def test_levels_stay_within_the_severity(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def keep(x: Tensor, level: Tensor, sign: Tensor) -> Tensor:
        seen.append(torch.stack([level, sign.float()]))
        return x

    monkeypatch.setattr(module, "augment", keep)
    augmix(torch.zeros(2000, 1, 1, 1), generator(CPU, 7), severity=3)
    level, sign = torch.cat(seen, 1)
    assert stats.kstest(level.numpy(), "uniform", args=(0.1, 2.9)).pvalue > 1e-3
    assert sign.abs().eq(1).all() and abs(sign.mean()) < 0.03
