import pytest
import torch

from study.models.wide_resnet28 import WideResNet28


@pytest.mark.parametrize(("k", "count"), [(2, 1_467_610), (4, 5_849_050), (10, 36_479_194)])
def test_sizes_are_the_published_ones(k: int, count: int) -> None:
    model = WideResNet28(shape=(3, 32, 32), classes=10, k=k)
    assert sum(p.numel() for p in model.parameters()) == count


def test_it_has_28_convolutions_and_its_stages() -> None:
    model = WideResNet28(shape=(3, 32, 32), classes=10)
    kernels = [m.kernel_size[0] for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert (kernels.count(3), kernels.count(1)) == (25, 3)
    x, sizes = torch.rand(1, 3, 32, 32), []
    for stage in model.eval().stages:
        x = stage(x)
        sizes.append(tuple(x.shape[1:]))
    assert sizes == [(3, 32, 32), (32, 32, 32), (64, 16, 16), (128, 8, 8), (10,)]


def test_dropout_sits_in_each_block_and_acts_in_training_alone() -> None:
    model = WideResNet28(shape=(3, 8, 8), classes=10, k=1, dropout=0.3)
    model.initialise(torch.Generator().manual_seed(0))
    drops = [m for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    assert len(drops) == 12 and {m.p for m in drops} == {0.3}
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.random.fork_rng([]):
        assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), model(x))
