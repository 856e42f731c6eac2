"""timm's networks: they are timm's own, start from the generator alone, and say in one line what they do not take."""

import sys

import pytest
import timm
import torch

from study.errors import UserError
from study.models.timm_classifier import TimmClassifier
from tests.support import same

SHAPE = (3, 32, 32)
SMALL = {"patch_size": 8, "embed_dim": 24, "depth": 2}


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [("vit_tiny_patch16_224", (3, 224, 224), 5_717_416), ("deit_small_patch16_224", (3, 224, 224), 22_050_664)],
)
def test_sizes_are_the_published_ones(name: str, shape: tuple[int, int, int], parameters: int) -> None:
    model = TimmClassifier(shape=shape, classes=1000, name=name)
    assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize(
    ("name", "arguments"), [("vit_tiny_patch16_224", SMALL), ("deit_tiny_patch16_224", SMALL), ("test_resnet", None)]
)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 32, 64)])
def test_logits_are_those_of_timms_network_on_normalised_images(name, arguments, shape) -> None:
    model = TimmClassifier(shape=shape, classes=7, name=name, arguments=arguments)
    model.initialise(_rng())
    size = {} if arguments is None else {"img_size": shape[1:]}
    own = timm.create_model(name, num_classes=7, in_chans=shape[0], **size, **(arguments or {}))
    own.load_state_dict({key.removeprefix("stages.1."): value for key, value in model.state_dict().items()})
    x = torch.rand(2, *shape, generator=_rng(1))
    with torch.no_grad():
        assert torch.equal(model.eval()(x), own.eval()(2 * x - 1))


def test_it_starts_as_timm_does_and_from_the_generator_alone() -> None:
    """timm draws a transformer's weights from a normal distribution of std 0.02, and its biases are 0."""
    models = [TimmClassifier(shape=SHAPE, classes=10, arguments=SMALL) for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        before = torch.get_rng_state()
        model.initialise(_rng(seed))
        assert torch.equal(before, torch.get_rng_state())
        torch.rand(3)
    first, again, other = (model.state_dict() for model in models)
    assert same(first, again)
    weight = "stages.1.blocks.0.mlp.fc1.weight"
    assert not torch.equal(first[weight], other[weight])
    assert first[weight].std().item() == pytest.approx(0.02, rel=0.05)
    assert not first["stages.1.blocks.0.mlp.fc1.bias"].any()


def test_faults_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(message: str, shape: tuple[int, int, int] = SHAPE, **config) -> None:
        with pytest.raises(UserError, match=message) as error:
            TimmClassifier(shape=shape, classes=10, **config)
        assert "\n" not in str(error.value)

    refused(r"no network 'vit_tny_patch16_224'; near it in timm .*: vit_tiny_patch16_224, ", name="vit_tny_patch16_224")
    refused(
        r"no network 'vit_tiny_patch16_224.augreg_in21k'; near it in timm .*: vit_tiny_patch16_224, ",
        name="vit_tiny_patch16_224.augreg_in21k",
    )
    refused("no network 'hf-hub:timm/resnet18'", name="hf-hub:timm/resnet18")
    refused("takes patches of 16 x 16, which do not divide images of 28 x 28; set a patch_size", (1, 28, 28))
    refused("vit_tiny_patch16_224 does not take images of 32 x 32 with .*'dept': 2.*dept", arguments={"dept": 2})
    refused("inception_v3 does not take images of 32 x 32: ", name="inception_v3")
    monkeypatch.setitem(sys.modules, "timm", None)
    refused(r"needs the package timm, which is not installed: pip install 'noise-study\[timm\]'$")


def test_overlapping_and_padded_patches_are_no_fault() -> None:
    padded = {**SMALL, "dynamic_img_pad": True, "dynamic_img_size": True}
    for name, arguments in (("pvt_v2_b0", None), ("vit_tiny_patch16_224", padded)):
        shape = (1, 30, 30) if arguments else SHAPE
        model = TimmClassifier(shape=shape, classes=3, name=name, arguments=arguments).eval()
        assert model(torch.zeros(1, *shape)).shape == (1, 3)
