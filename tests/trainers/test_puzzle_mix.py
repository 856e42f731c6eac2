"""PuzzleMix: what is mixed, with which labels, and what is kept of each image."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.support import CPU, digits, same, small_cnn
from trainers.core.method import generator
from trainers.puzzle_mix import PuzzleMix, saliency


def _batch(size: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    x, y = next(digits().train.batches(size))
    return x, y, torch.randperm(size, generator=generator(CPU, 1))


def _salient(size: int, side: int = 8) -> Tensor:
    return torch.rand(size, side, side, generator=generator(CPU, 2)) ** 8


@pytest.mark.parametrize("grid", [2, 4, 8])
@pytest.mark.parametrize("levels", [1, 2, 4])
def test_at_the_ends_of_lambda_nothing_is_mixed_or_moved(grid: int, levels: int) -> None:
    x, _, order = _batch()
    method = PuzzleMix(levels=levels)
    mixed, weight = method.mixed(x, _salient(64), order, torch.tensor(1.0), grid)
    assert same(mixed, x) and weight.eq(1).all()
    mixed, weight = method.mixed(x, _salient(64), order, torch.tensor(0.0), grid)
    assert same(mixed, x[order]) and weight.eq(0).all()


@pytest.mark.parametrize("xi", [None, 0.8])
def test_a_labels_weight_is_its_images_share_of_the_plane(xi: float | None) -> None:
    """On images of one grey each, the mean of a mixture says how much of it is which image."""
    grey = torch.rand(64, 1, 1, 1, generator=generator(CPU, 3))
    order = torch.randperm(64, generator=generator(CPU, 1))
    mixed, weight = PuzzleMix(xi=xi).mixed(grey.expand(-1, 1, 8, 8), _salient(64), order, torch.tensor(0.5), 4)
    first, second = grey.flatten(), grey.flatten()[order]
    torch.testing.assert_close(mixed.mean((1, 2, 3)), weight * first + (1 - weight) * second)
    assert 0 < weight.min() < weight.max() < 1


def test_the_share_follows_lambda() -> None:
    x, _, order = _batch(256)
    means = []
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        weight = PuzzleMix().mixed(x, _salient(256), order, torch.tensor(share), 4)[1]
        means.append(float(weight.mean()))
        assert means[-1] == pytest.approx(share, abs=0.1)
    assert means == sorted(means)


def test_what_is_salient_is_kept() -> None:
    """With transport at no cost and no other term, all of each image's saliency is shown if there is room."""
    x = torch.rand(2, 1, 8, 8, generator=generator(CPU, 4))
    salient = torch.zeros(2, 8, 8)
    salient[0, :4, :4], salient[1, 4:, 4:] = 1.0, 1.0
    order = torch.tensor([1, 0])
    mixed, _ = PuzzleMix(beta=0.0, eta=1e-3, xi=None).mixed(x, salient, order, torch.tensor(0.5), 2)
    for image in range(2):
        assert torch.equal(mixed[image, :, :4, :4], x[0, :, :4, :4])
        assert torch.equal(mixed[image, :, 4:, 4:], x[1, :, 4:, 4:])


def test_transport_shows_more_of_both_images_saliency() -> None:
    """On images that are their own saliency a mixture's sum is the saliency that it shows."""
    order = torch.randperm(64, generator=generator(CPU, 1))
    salient = _salient(64)
    salient = salient / salient.sum((1, 2), keepdim=True)
    still, moved = (
        PuzzleMix(xi=xi).mixed(salient[:, None], salient, order, torch.tensor(0.5), 8)[0].sum((1, 2, 3))
        for xi in (None, 0.1)
    )
    assert (moved >= still - 1e-6).all() and (moved > still + 1e-3).float().mean() > 0.9
    hidden = 2 - still  # of both images, whatever the mixture does not show
    assert ((moved - still) / hidden).mean() > 0.15


def test_saliency_against_finite_differences_in_evaluation_mode() -> None:
    model = small_cnn().double().train()
    x, y, _ = _batch(4)
    x = x.double()
    found = saliency(model, x, y)
    step = 1e-6
    for r, c in ((0, 3), (4, 4), (7, 2)):
        up, down = x.clone(), x.clone()
        up[:, :, r, c] += step
        down[:, :, r, c] -= step
        slope = (
            F.cross_entropy(model(up), y, reduction="none") - F.cross_entropy(model(down), y, reduction="none")
        ) / (2 * step)
        torch.testing.assert_close(found[:, r, c], slope.abs().float(), atol=1e-6, rtol=1e-4)
    assert model.training and all(p.grad is None for p in model.parameters())


def test_the_loss_mixes_labels_as_it_mixed_images() -> None:
    """Cross-entropy with a soft target of the weights, on the images that `mixed` makes of the same draws."""
    x, y, _ = _batch(32)
    model, method, seen = small_cnn(), PuzzleMix(), []
    method.setup(model, x, generator(CPU, 5))
    method.mixed = lambda *given: seen.append((given, PuzzleMix.mixed(method, *given))) or seen[-1][1]  # type: ignore[method-assign]
    loss = method.loss(model, x, y, generator(CPU, 5))
    (_, salient, order, _, grid), (mixed, weight) = seen[0]
    assert torch.equal(salient, saliency(model, x, y)) and grid in (2, 4, 8)
    one_hot = F.one_hot(y, 10).float()
    target = weight[:, None] * one_hot + (1 - weight[:, None]) * one_hot[order]
    torch.testing.assert_close(loss, F.cross_entropy(model(mixed), target))


def test_the_grid_is_drawn_from_those_that_divide_the_image() -> None:
    rng = generator(CPU, 6)
    x, y = torch.rand(2, 1, 28, 12, generator=rng), torch.tensor([0, 1])
    model = nn.Sequential(nn.Flatten(), nn.Linear(28 * 12, 2))
    method, grids = PuzzleMix(), []
    method.setup(model, x, rng)
    method.mixed = lambda *given: grids.append(given[-1]) or PuzzleMix.mixed(method, *given)  # type: ignore[method-assign]
    for _ in range(40):
        method.loss(model, x, y, rng)
    assert set(grids) == {2, 4}
    with pytest.raises(ValueError, match=r"none of the grids \(8, 16\) divides images of 28 x 12"):
        PuzzleMix(grids=(8, 16)).setup(model, x, rng)
