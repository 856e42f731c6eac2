"""Networks, images and sums that the tests of stochastic training share."""

import math

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge

from study.models.small_cnn import SmallCNN
from trainers.core.method import generator
from trainers.learned_sigma import LearnedSigma
from trainers.parts.double_backward import QuickDoubleBackward
from trainers.parts.sensitivity import first_layer, forward_through, squared_gradients
from trainers.parts.stochastic_losses import smooth_margin

CPU = torch.device("cpu")
F64 = torch.float64


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.normal_(std=math.sqrt(2 / module.weight[0].numel()), generator=rng)
                module.bias.normal_(std=0.1, generator=rng)
    return model.double()


def cnn() -> nn.Module:
    return randomised(SmallCNN(shape=(1, 8, 8), classes=4, width=4, hidden=16))


def with_batch_norm() -> nn.Module:
    return randomised(
        nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.Conv2d(4, 6, 3),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(6 * 36, 4),
        )
    )


def mlp() -> nn.Module:
    return randomised(nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(inplace=True), nn.Linear(20, 4)))


MODELS = {"cnn": cnn, "batch_norm": lambda: with_batch_norm().eval(), "mlp": mlp}


def batch(count: int = 6) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(11)
    return torch.rand((count, 1, 8, 8), generator=rng, dtype=F64), torch.randint(4, (count,), generator=rng)


def method(model: nn.Module, **options) -> LearnedSigma:
    """A method that is set up for the model and the images of `batch`."""
    trainer = LearnedSigma(**options).double()
    trainer.setup(model, batch()[0], generator(CPU, 0))
    return trainer


def moments(trainer: LearnedSigma, model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the margin; the closed forms draw nothing."""
    return trainer.margin_moments(model, x, y, generator(CPU, 0))


def linearised(model: nn.Module, x: Tensor) -> tuple[Tensor, GradientEdge]:
    """The logits, and where the gradient with respect to the first layer's output is taken."""
    logits, places, _ = forward_through(model, [first_layer(model)], x, QuickDoubleBackward())
    return logits, places[0]


def squared_gradient(m: Tensor, h: GradientEdge) -> Tensor:
    return squared_gradients(m, [h], QuickDoubleBackward())[0]


def margin_from(model: nn.Module, x: Tensor, y: Tensor, change: Tensor) -> Tensor:
    """The margin when `change` is added to the first layer's output: the definition, by intervention."""
    handle = first_layer(model).register_forward_hook(lambda *seen: seen[2] + change)
    with torch.no_grad():
        m = smooth_margin(model(x), y)
    handle.remove()
    return m


def first_shape(model: nn.Module, x: Tensor) -> torch.Size:
    shapes = []
    handle = first_layer(model).register_forward_hook(lambda *seen: shapes.append(seen[2].shape))
    model(x)
    handle.remove()
    return shapes[0]


def loss_and_gradients(trainer: LearnedSigma, model: nn.Module) -> tuple[Tensor, list[Tensor]]:
    x, y = batch()
    loss = trainer.loss(model, x, y, generator(CPU, 0))
    return loss, list(torch.autograd.grad(loss, list(model.parameters())))
