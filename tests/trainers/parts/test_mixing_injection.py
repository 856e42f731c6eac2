"""Mixing and noise injections against loops and moments."""

import pytest
import torch
from scipy import stats

from trainers.core.method import generator
from trainers.parts.injection import draw_strengths, inject
from trainers.parts.mixing import draw_pairs, mix
from trainers.parts.patches import box

CPU = torch.device("cpu")


def test_mix_pairs_within_each_view() -> None:
    rng = generator(CPU, 1)
    x = torch.randn(6, 2, 3, 3, generator=rng)
    before = x.clone()
    order = torch.tensor([1, 2, 0])
    result = mix(x, torch.tensor(0.25), order)
    for view in range(2):
        for image in range(3):
            expected = 0.25 * x[3 * view + image] + 0.75 * x[3 * view + order[image]]
            torch.testing.assert_close(result[3 * view + image], expected)
    assert torch.equal(mix(x, torch.tensor(1.0), order), x)
    assert torch.equal(x, before)


def test_pairs_are_a_permutation_and_a_beta() -> None:
    rng = generator(CPU, 2)
    drawn = [draw_pairs(7, 2.0, rng) for _ in range(1500)]
    weights = torch.stack([weight for weight, _ in drawn])
    assert stats.kstest(weights.numpy(), "beta", args=(2, 2)).pvalue > 1e-3
    assert all(torch.equal(order.sort().values, torch.arange(7)) for _, order in drawn)
    first = torch.bincount(torch.stack([order[0] for _, order in drawn]), minlength=7)
    assert stats.chisquare(first.numpy()).pvalue > 1e-3


@pytest.mark.parametrize("sparse", [0.0, 0.65])
def test_noise_has_its_moments(sparse: float) -> None:
    """With x = 2: the change is 2 m (2U - 1) + a n on a share 1 - sparse, so its variance is known and so
    are its zeros."""
    x = torch.full((2, 300_000), 2.0)
    before = x.clone()
    additive, multiplicative = torch.tensor([0.5, 0.0]), torch.tensor([0.0, 0.3])
    change = inject(x, additive, multiplicative, sparse, generator(CPU, 3)) - x
    assert torch.equal(x, before)
    assert (change == 0).float().mean(1).tolist() == pytest.approx([sparse, sparse], abs=0.005)
    normal, uniform = (row[row != 0] for row in change)
    assert stats.kstest(normal.numpy()[:20_000], "norm", args=(0, 0.5)).pvalue > 1e-3
    assert stats.kstest(uniform.numpy()[:20_000], "uniform", args=(-0.6, 1.2)).pvalue > 1e-3
    both = inject(x, torch.full((2,), 0.5), torch.full((2,), 0.3), 0.0, generator(CPU, 3)) - x
    assert both.var().item() == pytest.approx(0.25 + 0.36 / 3, rel=0.01)


def test_no_noise_is_the_identity() -> None:
    x = torch.randn(4, 3, 5, 5, generator=generator(CPU, 4))
    assert torch.equal(inject(x, torch.zeros(4), torch.zeros(4), 0.5, generator(CPU, 5)), x)


def test_strengths_are_one_beta_draw_a_view() -> None:
    rng = generator(CPU, 6)
    drawn = torch.stack([draw_strengths(torch.tensor([1.0, 4.0]), 3, rng) for _ in range(3000)])
    assert torch.equal(drawn[:, 0], drawn[:, 2]) and torch.equal(drawn[:, 3], drawn[:, 5])
    assert stats.kstest(drawn[:, 0].numpy(), "beta", args=(2, 5)).pvalue > 1e-3
    assert stats.kstest(drawn[:, 3].numpy() / 4, "beta", args=(2, 5)).pvalue > 1e-3
    assert abs(torch.corrcoef(drawn[:, [0, 3]].T)[0, 1]) < 0.06


@pytest.mark.parametrize(("tall", "wide"), [(3, 5), (4, 2), (1, 1), (20, 20), (0, 3)])
def test_boxes_are_boxes_around_uniform_centres(tall: int, wide: int) -> None:
    n, height, width = 4000, 7, 9
    masks = box(torch.full((n,), tall), torch.full((n,), wide), height, width, generator(CPU, 7))
    assert masks.shape == (n, 1, height, width)
    rows, columns = masks.any(3).sum((1, 2)), masks.any(2).sum((1, 2))
    assert torch.equal(masks.sum((1, 2, 3)), rows * columns)
    expected = []
    for centre in range(height):
        expected.append(sum(0 <= centre - tall // 2 + i < height for i in range(tall)))
    if wide:
        share = torch.bincount(rows, minlength=height + 1) / n
        wanted = torch.bincount(torch.tensor(expected), minlength=height + 1) / height
        assert (share - wanted).abs().max() < 0.04
