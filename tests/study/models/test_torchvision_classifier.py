from pathlib import Path

import pytest
import torch
import torchvision

from study.errors import UserError
from study.models.torchvision_classifier import TorchvisionClassifier

SHAPE = (3, 64, 64)


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _saved(path: Path, name: str, classes: int) -> torch.nn.Module:
    network = torchvision.models.get_model(name, num_classes=classes)
    torch.save(network.state_dict(), path)
    return network.eval()


@pytest.mark.parametrize(
    ("name", "count"), [("resnet18", 11_689_512), ("resnet50", 25_557_032), ("densenet121", 7_978_856)]
)
def test_sizes_are_torchvisions(name: str, count: int) -> None:
    model = TorchvisionClassifier(shape=SHAPE, classes=1000, name=name)
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "mobilenet_v2"])
def test_published_weights_survive_and_give_the_networks_logits(tmp_path: Path, name: str) -> None:
    network = _saved(tmp_path / "w.pth", name, 1000)
    model = TorchvisionClassifier(shape=SHAPE, classes=1000, name=name, weights_file=str(tmp_path / "w.pth"))
    model.initialise(_rng())
    x = torch.rand(2, *SHAPE)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        want = network((x - mean[:, None, None]) / std[:, None, None])
        assert torch.allclose(model.eval()(x), want, atol=1e-5)


def test_only_the_head_is_drawn_for_other_classes(tmp_path: Path) -> None:
    network = _saved(tmp_path / "w.pth", "resnet18", 1000)
    models = [
        TorchvisionClassifier(shape=SHAPE, classes=5, name="resnet18", weights_file=str(tmp_path / "w.pth"))
        for _ in range(2)
    ]
    for model in models:
        model.initialise(_rng())
    first, second = (model.state_dict() for model in models)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(models[0].stages[1][0].weight, network.conv1.weight)
    assert torch.equal(models[0].stages[3][0].conv1.weight, network.layer3[0].conv1.weight)
    models[1].initialise(_rng(1))
    second = models[1].state_dict()
    assert [key for key in first if not torch.equal(first[key], second[key])] == [
        "stages.4.3.weight",
        "stages.4.3.bias",
    ]


def test_old_names_of_densenets_are_read(tmp_path: Path) -> None:
    network = _saved(tmp_path / "new.pth", "densenet121", 10)
    renamed = {}
    for key, value in network.state_dict().items():
        if "denselayer" in key:
            for part in ("norm", "conv"):
                key = key.replace(f".{part}1.", f".{part}.1.").replace(f".{part}2.", f".{part}.2.")
        renamed[key] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in renamed
    torch.save(renamed, tmp_path / "old.pth")
    new, old = (
        TorchvisionClassifier(shape=SHAPE, classes=10, name="densenet121", weights_file=str(tmp_path / file))
        for file in ("new.pth", "old.pth")
    )
    assert all(torch.equal(a, b) for a, b in zip(new.state_dict().values(), old.state_dict().values(), strict=True))


def test_grey_images_are_repeated() -> None:
    model = TorchvisionClassifier(shape=(1, 64, 64), classes=3, name="resnet18").eval()
    x = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(model(x), model(x.expand(-1, 3, -1, -1)))


def test_faults_are_named(tmp_path: Path) -> None:
    def refused(message: str, shape: tuple[int, int, int] = SHAPE, **config: str) -> None:
        with pytest.raises(UserError, match=message) as error:
            TorchvisionClassifier(shape=shape, classes=10, **config).initialise(_rng())
        assert "\n" not in str(error.value)

    refused("no network 'resnet51'. It takes: .*resnet50", name="resnet51")
    refused("resnet50 takes images of 1 or 3 channels; the dataset's have 2", shape=(2, 8, 8))
    refused("densenet121 does not take images of 8 x 8", shape=(3, 8, 8), name="densenet121")
    refused("has stages.1.class_token|has .*class_token, whose start is unknown", (3, 224, 224), name="vit_b_32")
    file = tmp_path / "w.pth"
    refused("w.pth holds no weights of torchvision's resnet18", name="resnet18", weights_file=str(file))
    for content in (b"", b"no weights"):
        file.write_bytes(content)
        refused("w.pth holds no weights of torchvision's resnet18", name="resnet18", weights_file=str(file))
    _saved(file, "resnet34", 10)
    refused("w.pth holds no weights of torchvision's resnet18", name="resnet18", weights_file=str(file))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    refused("w.pth holds no weights of torchvision's resnet34", name="resnet34", weights_file=str(file))
    torch.save([1, 2], file)
    refused("w.pth holds no weights of torchvision's resnet18", name="resnet18", weights_file=str(file))
