"""Mean and variance of every unit, carried through a network layer by layer, covariances dropped.

`Moments` stands in for an activation: torch's own functions hand it to the rules below
(`__torch_function__`), so any model made of the layers that have a rule can be run on it, residual blocks
included, without a word in the model. Two ways to treat a non-linearity:

- diagonal: the local linearisation. ReLU: mode max(mu, 0), the variance passes where mu > 0. Max-pool: the
  winner's moments.
- matched: the exact moments of a rectified Gaussian, and at a pool Clark's formula, one element after the
  other.

Both take units for independent, which after a convolution they are not: on trained networks the diagonal
reading underestimates a margin's standard deviation several times (docs/learned_sigma_notes.md). `sensitivity` has
the full one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Moments:
    """Independent Gaussians: mean and variance, same shape. matched: by exact moments rather than
    linearised.
    """

    mean: Tensor
    variance: Tensor
    matched: bool

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> "Moments":
        """Applies the rule of a torch function; raises TypeError where there is none."""
        if func not in RULES:
            name, known = getattr(func, "__name__", func), sorted({rule.__name__ for rule in RULES})
            raise TypeError(
                f"no rule carries mean and variance through {name} (covariance diagonal or moment_matched);"
                f" there are rules for {', '.join(known)}. covariance='full' takes any model"
            )
        return RULES[func](*args, **(kwargs or {}))

    def like(self, mean: Tensor, variance: Tensor) -> "Moments":
        """Returns these moments, treated in the same way."""
        return Moments(mean, variance, self.matched)

    @property
    def shape(self) -> torch.Size:
        """Shape of the mean, and of the variance."""
        return self.mean.shape

    def dim(self) -> int:
        """Number of dimensions."""
        return self.mean.dim()

    def flatten(self, start: int = 0, end: int = -1) -> "Moments":
        """Returns both flattened."""
        return self.like(self.mean.flatten(start, end), self.variance.flatten(start, end))

    def __add__(self, other: "Moments") -> "Moments":
        return self.like(self.mean + other.mean, self.variance + other.variance)


def propagate(model: nn.Module, layer: nn.Module, x: Tensor, s: Tensor, *, matched: bool) -> Moments:
    """Returns the moments of the logits (B, K) when N(0, s^2) is added to the output of `layer`.

    s: (1,) or one standard deviation a channel (C,), >= 0.
    """

    def inject(module: nn.Module, inputs: tuple[Tensor, ...], h: Tensor) -> Moments:  # noqa: ARG001
        variance = s.square().view(-1, *[1] * (h.dim() - 2))
        return Moments(h, variance.expand_as(h), matched)

    handle = layer.register_forward_hook(inject)
    try:
        logits: Moments = model(x)
    finally:
        handle.remove()
    return logits


def margin_variance(logits: Moments, y: Tensor) -> Tensor:
    """Returns the variance (B,) of the smooth margin, linearised: sum_k (dm/dz_k)^2 var_k.

    dm/dz is 1 at the label y and -softmax over the other classes elsewhere.
    """
    label = y.unsqueeze(1)
    others = logits.mean.scatter(1, label, -math.inf).softmax(1)
    return (others.square() * logits.variance).sum(1) + logits.variance.gather(1, label).squeeze(1)


def clark(mean1: Tensor, var1: Tensor, mean2: Tensor, var2: Tensor) -> tuple[Tensor, Tensor]:
    """Returns mean and variance of max(X1, X2), independent Gaussians (Clark 1961, equations 2 to 4,
    uncorrelated).

    With d = mean1 - mean2, a^2 = var1 + var2, t = d / a: E = mean2 + d Phi(t) + a phi(t), and the variance is
    that of max(X1, X2) - mean2, which spares the cancellation of large squares. max(X, 0), a rectified
    Gaussian, is the case mean2 = var2 = 0. Where a = 0 it is the plain maximum, with variance 0; the gradient
    there is the maximum's too.
    """
    d, total = mean1 - mean2, var1 + var2
    noisy = total > 0
    a = torch.where(noisy, total, 1.0).sqrt()
    t = d / a
    above, below = torch.special.ndtr(t), torch.special.ndtr(-t)
    density = torch.exp(-t.square() / 2) * (a / math.sqrt(2 * math.pi))
    excess = d * above + density
    variance = (var1 + d.square()) * above + var2 * below + d * density - excess.square()
    mean = torch.where(noisy, mean2 + excess, torch.maximum(mean1, mean2))
    return mean, torch.where(noisy, variance.clamp_min(0), 0.0)


def _conv2d(x: Moments, weight: Tensor, bias: Tensor | None = None, *options: Any) -> Moments:
    variance = F.conv2d(x.variance, weight.square(), None, *options)
    return x.like(F.conv2d(x.mean, weight, bias, *options), variance)


def _linear(x: Moments, weight: Tensor, bias: Tensor | None = None) -> Moments:
    return x.like(F.linear(x.mean, weight, bias), F.linear(x.variance, weight.square()))


def _relu(x: Moments, inplace: bool = False) -> Moments:  # noqa: ARG001
    if x.matched:
        zero = torch.zeros((), dtype=x.mean.dtype, device=x.mean.device)
        return x.like(*clark(x.mean, x.variance, zero, zero))
    return x.like(x.mean.relu(), x.variance * (x.mean > 0))


def _max_pool2d(
    x: Moments,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Moments:
    stride = stride or kernel_size
    if not x.matched:
        mean, winner = F.max_pool2d(x.mean, kernel_size, stride, padding, dilation, ceil_mode, True)
        return x.like(mean, x.variance.flatten(2).gather(2, winner.flatten(2)).view_as(mean))
    if dilation not in (1, (1, 1)) or ceil_mode or return_indices:
        raise TypeError("Clark's formula at a max-pool takes no dilation, ceil_mode or return_indices")
    (high, wide), (down, right), (top, left) = _pair(kernel_size), _pair(stride), _pair(padding)
    mean = F.pad(x.mean, (left, left, top, top), value=-1e4)  # so low that padding never wins
    variance = F.pad(x.variance, (left, left, top, top))
    rows, columns = (mean.shape[2] - high) // down + 1, (mean.shape[3] - wide) // right + 1

    def tap(x: Tensor, i: int, j: int) -> Tensor:
        return x[:, :, i::down, j::right][:, :, :rows, :columns]

    places = [(i, j) for i in range(high) for j in range(wide)]
    best = tap(mean, 0, 0), tap(variance, 0, 0)
    for place in places[1:]:
        best = clark(*best, tap(mean, *place), tap(variance, *place))
    return x.like(*best)


def _avg_pool2d(x: Moments, kernel_size: Any, *options: Any, **named: Any) -> Moments:
    high, wide = _pair(kernel_size)
    mean = F.avg_pool2d(x.mean, kernel_size, *options, **named)
    return x.like(mean, F.avg_pool2d(x.variance, kernel_size, *options, **named) / (high * wide))


def _adaptive_avg_pool2d(x: Moments, output_size: Any) -> Moments:
    mean = F.adaptive_avg_pool2d(x.mean, output_size)
    averaged = x.mean[0, 0].numel() / mean[0, 0].numel()
    return x.like(mean, F.adaptive_avg_pool2d(x.variance, output_size) / averaged)


def _batch_norm(
    x: Moments,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Moments:
    axes = [0, *range(2, x.mean.dim())]
    used = x.mean.var(axes, unbiased=False) if training or running_var is None else running_var
    gain = (used + eps).reciprocal() if weight is None else weight.square() / (used + eps)
    mean = F.batch_norm(x.mean, running_mean, running_var, weight, bias, training, momentum, eps)
    return x.like(mean, x.variance * gain.view(-1, *[1] * (x.mean.dim() - 2)))


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


RULES: dict[Callable[..., Any], Callable[..., Moments]] = {
    F.conv2d: _conv2d,
    F.linear: _linear,
    F.relu: _relu,
    torch.relu: _relu,
    F.max_pool2d: _max_pool2d,
    F.avg_pool2d: _avg_pool2d,
    F.adaptive_avg_pool2d: _adaptive_avg_pool2d,
    F.batch_norm: _batch_norm,
    torch.flatten: Moments.flatten,
}
"""The layers that moments pass; whatever a model's forward calls must be one of them (or `+`, of two noisy
branches).
"""
