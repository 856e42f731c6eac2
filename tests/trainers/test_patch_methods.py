"""CutMix and patch Gaussian, which share boxes."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainers.core.method import generator
from trainers.cutmix import CutMix
from trainers.parts.draws import beta
from trainers.patch_gaussian import PatchGaussian

CPU = torch.device("cpu")


class Watch(nn.Module):
    """A linear model that keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        self.shown = x
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


@pytest.mark.parametrize("seed", range(6))
def test_cutmix_pastes_one_box_and_weighs_by_its_area(seed: int) -> None:
    """Image i is filled with the value i + 1, so that every pixel tells whose it is."""
    model = Watch()
    x = (torch.arange(8) + 1.0).view(-1, 1, 1, 1).expand(8, 3, 9, 7).contiguous()
    y = torch.arange(8) % 5
    before = x.clone()
    loss = CutMix(probability=1.0).loss(model, x, y, generator(CPU, seed))
    owner = model.shown[:, 0] - 1
    rng = generator(CPU, seed)
    kept, order = beta(1, 1, (), rng), torch.randperm(8, generator=rng)
    inside = owner[order != torch.arange(8)][0] != torch.arange(8)[order != torch.arange(8)][0]
    own, other = torch.arange(8).view(-1, 1, 1), order.view(-1, 1, 1)
    assert torch.equal(owner, torch.where(inside, other, own).float())
    rows, columns = int(inside.any(1).sum()), int(inside.any(0).sum())
    assert inside.sum() == rows * columns
    assert rows <= int((1 - kept).sqrt() * 9) and columns <= int((1 - kept).sqrt() * 7)
    share = 1 - rows * columns / 63
    out = model(model.shown)
    expected = share * F.cross_entropy(out, y) + (1 - share) * F.cross_entropy(out, y[order])
    torch.testing.assert_close(loss, expected)
    assert torch.equal(x, before)


def test_cutmix_cuts_as_often_as_told() -> None:
    model, rng = Watch(), generator(CPU, 1)
    x, y = torch.rand(4, 3, 8, 8, generator=rng), torch.tensor([0, 1, 2, 3])
    cut = 0
    for _ in range(300):
        CutMix(probability=0.5).loss(model, x, y, rng)
        cut += not torch.equal(model.shown, x)
    assert 0.5 * 300 * 0.7 < cut < 0.5 * 300 * 1.15
    loss = CutMix(probability=0.0).loss(model, x, y, rng)
    assert torch.equal(loss, F.cross_entropy(model(x), y))


def test_patch_gaussian_adds_clipped_noise_inside_patches_only() -> None:
    x = torch.full((400, 3, 16, 16), 0.5)
    before = x.clone()
    view = PatchGaussian(sigma=0.1, side=0.5).views(x, generator(CPU, 2))
    changed = (view != x).any(1)
    rows, columns = changed.any(2).sum(1), changed.any(1).sum(1)
    assert torch.equal(changed.sum((1, 2)), rows * columns)
    assert rows.max() == columns.max() == 8 and rows.min() < 8
    noise = (view - x)[(view != x)]
    assert noise.std().item() == pytest.approx(0.1, rel=0.02)
    assert torch.equal(x, before)
    assert len({tuple(c.flatten().tolist()) for c in changed}) > 100, "each image has a patch of its own"
    black = PatchGaussian(sigma=1.0).views(torch.zeros(9, 1, 8, 8), generator(CPU, 3))
    assert black.min() == 0 and 0.5 < black.max() <= 1


def test_patch_gaussian_at_its_ends() -> None:
    x = torch.rand(5, 1, 8, 8, generator=generator(CPU, 4))
    assert torch.equal(PatchGaussian(sigma=0.0).views(x, generator(CPU, 5)), x)
    whole = PatchGaussian(sigma=0.1, side=2.0).views(x * 0.2 + 0.4, generator(CPU, 5))
    assert (whole != x * 0.2 + 0.4).all()
