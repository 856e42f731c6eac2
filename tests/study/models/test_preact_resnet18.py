import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from study.models.preact_resnet18 import PreActResNet18


def _reference(weights: list[Tensor], x: Tensor, width: int) -> Tensor:
    """He et al. 2016, figure 4e, with the parameters in the order in which the blocks use them."""
    values = iter(weights)

    def norm_relu(h: Tensor) -> Tensor:
        scale, shift = next(values), next(values)
        mean = h.mean(dim=(0, 2, 3), keepdim=True)
        variance = (h - mean).square().mean(dim=(0, 2, 3), keepdim=True)
        return ((h - mean) / (variance + 1e-5).sqrt() * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)).relu()

    h = F.conv2d(2 * x - 1, next(values), padding=1)
    inside = width
    for outside, stride in [(width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)]:
        for step in (stride, 1):
            active = norm_relu(h)
            change = F.conv2d(active, next(values), stride=step, padding=1)
            change = F.conv2d(norm_relu(change), next(values), padding=1)
            if inside != outside:
                h = F.conv2d(active, next(values), stride=step)
            h, inside = h + change, outside
    return norm_relu(h).mean(dim=(2, 3)) @ next(values).T + next(values)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 20)])
def test_it_is_the_published_network(shape: tuple[int, int, int]) -> None:
    rng = torch.Generator().manual_seed(0)
    model = PreActResNet18(shape=shape, classes=5, width=4).double()
    model.initialise(rng)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.rand(parameter.shape, generator=rng, dtype=torch.double), alpha=0.1)
        x = torch.rand(6, *shape, generator=rng, dtype=torch.double)
        want = _reference(list(model.parameters()), x, 4)
        assert torch.allclose(model.train()(x), want, atol=1e-9)


def test_size_and_stages() -> None:
    model = PreActResNet18(shape=(3, 32, 32), classes=10)
    assert sum(p.numel() for p in model.parameters()) == 11_172_170
    x, sizes = torch.rand(1, 3, 32, 32), []
    for stage in model.eval().stages:
        x = stage(x)
        sizes.append(tuple(x.shape[1:]))
    assert sizes == [(3, 32, 32), (64, 32, 32), (128, 16, 16), (256, 8, 8), (10,)]
