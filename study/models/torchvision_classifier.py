"""Any classifier of torchvision's, new or with its published weights."""

import re
from pathlib import Path

import torchvision
from torch import Generator, nn

from study.errors import UserError
from study.models.core.classifier import Classifier, Normalise, initialise, last_linear
from study.models.core.sizes import check_size
from study.models.core.weights import differences, read_state, require_finite

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in [0, 1]; what torchvision's weights were trained with."""


_OTHER_OUTPUTS = {"googlenet", "inception_v3"}
"""They return a tuple while training."""
_OLD_NAME = r"(denselayer\d+\.(?:norm|conv))\.([12])\."
"""The published DenseNets have norm.1 where the module is called norm1."""


class TorchvisionClassifier(Classifier):
    """The network `name` of torchvision behind ImageNet's normalisation; grey is repeated to three channels.

    name: ResNet-50, DenseNet-121 and so on, as torchvision spells them (resnet50, densenet121).
    weights_file: a state dictionary of that network, as torchvision publishes them. It survives `initialise`,
    but for the last linear layer where the file's has another number of classes. None starts afresh.
    Stages: for ResNets normalise; stem and residual stage 1; stage 2; stage 3; stage 4 and head. For all
    others normalise; the network.
    Raises UserError for an unknown name, a file that does not fit, or images that the network cannot take.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        classes: int,
        name: str = "resnet50",
        weights_file: str | None = None,
    ) -> None:
        valid = sorted(set(torchvision.models.list_models(torchvision.models)) - _OTHER_OUTPUTS)
        if name not in valid:
            raise UserError(f"torchvision_classifier has no network {name!r}. It takes: {', '.join(valid)}")
        if shape[0] not in {1, 3}:
            raise UserError(f"{name} takes images of 1 or 3 channels; the dataset's have {shape[0]}")
        network = torchvision.models.get_model(name, num_classes=classes)
        fresh = [network] if weights_file is None else _load(network, name, Path(weights_file))
        super().__init__(*_stages(network), normalise=Normalise(MEAN, STD))
        self._fresh = fresh
        check_size(self, name, shape)

    def initialise(self, rng: Generator) -> None:
        """Draws from `rng`, in place, what no file gave: the network or its last layer."""
        for module in self._fresh:
            initialise(module, rng)


def _load(network: nn.Module, name: str, file: Path) -> list[nn.Module]:
    """Copies a file's parameters into the network; returns the last layer if it is not the file's."""
    own, what = network.state_dict(), f"torchvision's {name}"
    state = {re.sub(_OLD_NAME, r"\1\2.", key): value for key, value in read_state(file, set(own), what)[0].items()}
    require_finite(file, state)
    if (last := last_linear(network)) is None:
        raise UserError(f"{name} does not end in a linear layer, so it takes no weights_file")
    place, head = last
    kept = (weight := state.get(f"{place}.weight")) is None or weight.shape == head.weight.shape
    if not kept:
        state |= {f"{place}.{key}": value for key, value in head.state_dict().items()}
    if wrong := differences(own, state):
        raise UserError(f"{file} holds no weights of {what}: {wrong}")
    network.load_state_dict(state)
    return [] if kept else [head]


def _stages(network: nn.Module) -> list[nn.Module]:
    if not isinstance(network, torchvision.models.ResNet):
        return [network]
    stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool, network.layer1)
    end = nn.Sequential(network.layer4, network.avgpool, nn.Flatten(), network.fc)
    return [stem, network.layer2, network.layer3, end]


MODEL = TorchvisionClassifier
