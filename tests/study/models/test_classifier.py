import pytest
import torch
from torch import nn

from study.errors import UserError
from study.models.core.classifier import Classifier, Normalise, initialise


def test_normalise_by_default_and_with_values_per_channel() -> None:
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(Normalise()(x), 2 * x - 1) and not Normalise().state_dict()
    got = Normalise((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))(x)
    assert torch.allclose(got[:, 1], (x[:, 1] - 0.2) / 2) and torch.allclose(got[:, 2], (x[:, 2] - 0.3) / 4)


def test_initialise_resets_normalisations_and_their_statistics() -> None:
    model = Classifier(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4))
    model(torch.rand(8, 3, 9, 9))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(7)
    initialise(model, torch.Generator().manual_seed(0))
    norm = model.stages[2]
    assert not norm.running_mean.any() and not norm.num_batches_tracked
    assert (norm.running_var == 1).all() and (norm.weight == 1).all() and not norm.bias.any()
    assert (model.stages[3].weight == 1).all()
    weight = model.stages[1].weight
    assert weight.abs().max() <= 27**-0.5 and abs(weight.var() - 1 / 81) < 0.005  # U(-a, a): a^2 / 3


def test_a_parameter_without_a_known_start_is_refused() -> None:
    with pytest.raises(UserError, match="Classifier has stages.1.weight, whose start is unknown"):
        initialise(Classifier(nn.PReLU()), torch.Generator())
