"""The noise generator of adversarial noise training, and one step of its game against a classifier."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from trainers.parts.modes import evaluating
from trainers.parts.projection import project


class NoiseGenerator(nn.Module):
    """delta = crop(z) + conv_L(relu(... relu(conv_1(z)))), z ~ N(0, I): Gaussian noise until it is trained.

    Source: Rusak et al. 2020, section 3.2. All kernels are 1 x 1 but the second, which is c x c and unpadded,
    c the correlation: pixels further apart than c - 1 are independent.
    channels: of the noise. hidden: width, >= 1. layers: convolutions, >= 2. correlation: odd.
    rng: draws the weights, N(0, 0.01^2); biases start at 0.
    """

    def __init__(
        self, channels: int, *, hidden: int = 20, layers: int = 4, correlation: int = 1, rng: Generator
    ) -> None:
        super().__init__()
        self.channels, self.margin = channels, correlation // 2
        widths = [channels, *[hidden] * (layers - 1), channels]
        self.convolutions = nn.ModuleList(
            # skip_init: the constructor's own start would draw from the global generator
            nn.utils.skip_init(  # type: ignore[no-untyped-call]
                nn.Conv2d, widths[i], widths[i + 1], correlation if i == 1 else 1, device=rng.device
            )
            for i in range(layers)
        )
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.zero_() if name.endswith("bias") else parameter.normal_(std=0.01, generator=rng)

    def forward(self, z: Tensor) -> Tensor:
        """Returns noise (B, C, H, W), of no particular norm, from z (B, C, H + c - 1, W + c - 1)."""
        hidden = _convolved(z.permute(0, 2, 3, 1), self.convolutions[0])
        for convolution in self.convolutions[1:]:
            hidden = _convolved(F.relu(hidden), convolution)
        delta = hidden.permute(0, 3, 1, 2).contiguous()
        height, width = delta.shape[2:]
        return delta + z[..., self.margin : self.margin + height, self.margin : self.margin + width]

    def draw(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns the z that yields noise of the shape of x (B, C, H, W)."""
        batch, channels, height, width = x.shape
        size = (batch, channels, height + 2 * self.margin, width + 2 * self.margin)
        return x.new_empty(size).normal_(generator=rng)


def _convolved(hidden: Tensor, convolution: nn.Module) -> Tensor:
    """Returns the convolution of `hidden` (B, H, W, C); 1 x 1 as a product of matrices, 3 times as fast."""
    assert isinstance(convolution, nn.Conv2d)
    if convolution.kernel_size == (1, 1):
        return F.linear(hidden, convolution.weight.flatten(1), convolution.bias)
    output: Tensor = convolution(hidden.permute(0, 3, 1, 2))
    return output.permute(0, 2, 3, 1)


def generator_step(
    noise: NoiseGenerator,
    optimizer: torch.optim.Optimizer,
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    rng: Generator,
    *,
    epsilon: float,
    differentiate_gamma: bool = True,
) -> Tensor:
    """Takes one step up CE(model(project(x, noise(z), epsilon)), y); returns its value before (a scalar).

    Source: Rusak et al. 2020, equation 2. x: (B, C, H, W) in [0, 1], y: (B,). Changes noise and optimizer.
    The model is in eval mode meanwhile; its parameters, gradients, buffers and modes stay as they are.
    """
    with evaluating(model), torch.enable_grad():
        noisy = project(x, noise(noise.draw(x, rng)), epsilon, differentiate_gamma=differentiate_gamma)
        loss = F.cross_entropy(model(noisy), y)
        parameters = list(noise.parameters())
        gradients = torch.autograd.grad(-loss, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
    optimizer.zero_grad()
    torch.clear_autocast_cache()  # under autocast, the parameters' bf16 copies are those of before the step
    return loss.detach()
