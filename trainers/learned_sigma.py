"""Stochastic training with a fixed or learnable sigma, in closed form."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Generator, Tensor, nn
from torch.autograd.graph import GradientEdge

from trainers.core.method import Batches, Method, Sigma
from trainers.parts.double_backward import QuickDoubleBackward, is_wide
from trainers.parts.moments import margin_variance, propagate
from trainers.parts.operator_norm import operator_norm
from trainers.parts.sensitivity import (
    first_layer,
    forward_noisy,
    forward_through,
    hidden_layers,
    squared_gradients,
)
from trainers.parts.stochastic_losses import LOSSES, Loss, information_price, pair_margins, smooth_margin

SIGMA_0 = 1.1
"""The prior's standard deviation in the price of information."""


class LearnedSigma(Method):
    """min E[l(m, v)] over weights and sigma: noise in the first layer's pre-activation h = W x + b, none of
    it drawn (but for covariance "sampled").

        h + s * xi,  xi ~ N(0, I),  s = sigma * kappa(W)     (kappa: operator norm; tie=None: s = sigma)
        m = z_y - logsumexp_{j != y} z_j,  v = s^2 ||dm/dh||^2                      (covariance "full")
        l = (1 - q)^2 + (q (1 - q))^2 v - log Phi(m / sqrt(v + 1)),  q = sigmoid(m)   (loss "mse+prob")
        + beta * KL(N(0, sigma^2) || N(0, 1.1^2))                            (where sigma is learned)

    Source: the idea is Arous et al. 2023 (arXiv 2312.08877): first-layer noise, moments carried in closed
    form by a Laplace approximation at each ReLU, an MSE and a probability term, a trained sigma, the
    deterministic mean network at test time. The margin, the full covariance, the tie to kappa and the KL
    price are this project's: docs/learned_sigma_notes.md says what was seen.

    Why the tie: without it the network scales W up by c and the next layer down, which leaves m as it is and
    divides v by c^2. kappa(W) scales by c too, so that with it neither m nor v moves. It is differentiable: W
    feels that its norm is paid for.
    Why the price: with l alone sigma runs to 0, the noise being only a cost. beta = 0 or None is the ablation
    that shows it.

    sigma: noise std at the start (learned) or throughout (fixed), in units of kappa (tied) or of h (untied).
        0 is for a fixed one only, and makes v = 0.
    learn: whether sigma = softplus(rho) is trained, by its own learning rate `sigma_lr`.
    channels: whether each output channel of the first layer has a sigma of its own; else there is one for all.
    covariance: "full" is exact under the linearisation and takes any model in eager mode. "diagonal" drops
        covariances between units (the ablation; no robustness was seen). "moment_matched" drops them too and
        takes exact rectified-Gaussian moments (for analysis). The last two take the layers that
        `trainers.parts.moments` has rules for.
    loss: see `trainers.parts.stochastic_losses`. "prob" and "probit" alone look robust under PGD and are not.
    tie: "operator_norm", or None for s = sigma.
    beta: price of information, >= 0; None and 0 leave it out.
    sigma_lr: learning rate of rho, > 0.
    warmup: epochs over which the noise's std grows linearly to its value, for losses that diverge at a large
        sigma; None is none.
    layer: where the noise enters. "input": h = x, sigma in pixel units, tied to nothing (the identity's operator
        norm is 1), which is input noise in closed form. "every": each convolution and linear layer but the last,
        with s = sigma * the root mean square of its h, so that no scaling of weights helps; v is their sum.
    margins: None is the smooth margin; M is z_y - z_j for each of the M likeliest wrong classes j, the losses
        summed, by M backward passes.

    State: rho where it is learned, and nothing else. Raises ValueError for a learnable sigma of 0, and `setup` for a
    model without a convolution or linear layer.

    Example:
        method = LearnedSigma(sigma=1.1, beta=0.1)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    @staticmethod
    def memory_format(model: nn.Module) -> torch.memory_format:
        """Returns contiguous where a convolution is wide: its second backward pass would mix the orders of memory."""
        return torch.contiguous_format if any(map(is_wide, model.modules())) else torch.channels_last

    def __init__(
        self,
        *,
        sigma: Sigma = 1.1,
        learn: bool = True,
        channels: bool = False,
        covariance: Literal["full", "diagonal", "moment_matched", "sampled"] = "full",
        loss: Loss = "mse+prob",
        tie: Literal["operator_norm"] | None = "operator_norm",
        beta: Annotated[float, Ge(0)] | None = 0.1,
        sigma_lr: Annotated[float, Gt(0)] = 1e-2,
        warmup: Annotated[int, Ge(0)] | None = None,
        layer: Literal["first", "input", "every"] = "first",
        margins: Annotated[int, Ge(1)] | None = None,
    ) -> None:
        super().__init__()
        if covariance != "full" and (layer != "first" or margins is not None):
            raise ValueError(f"layer and margins are of covariance='full' alone, got covariance={covariance!r}")
        if channels and layer == "every":
            raise ValueError("channels=True takes the noise of one layer, got layer='every'")
        self.layer, self.margins = layer, margins
        if learn and sigma == 0:
            raise ValueError("a learnable sigma starts above 0, got sigma=0; learn=False holds it at 0")
        self.learn, self.channels, self.covariance, self.tie = learn, channels, covariance, tie
        self.beta, self.sigma_lr, self.warmup = beta, sigma_lr, warmup
        self.objective = LOSSES[loss]
        self.start = float(sigma)
        self.rho: nn.Parameter | None = None
        self.register_buffer("fixed", None, persistent=False)
        self.register_buffer("ramp", torch.ones(()), persistent=False)
        self.fixed: Tensor
        self.ramp: Tensor

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Starts sigma, one for all or one for each channel of the layer that the noise enters."""
        layer = first_layer(model)
        channels = x.shape[1] if self.layer == "input" else len(layer.weight)
        start = torch.full((channels if self.channels else 1,), self.start)
        if self.learn:
            # softplus(rho) = sigma; computed on the CPU, so that every device starts from the same bits.
            self.rho = nn.Parameter((start + torch.log(-torch.expm1(-start))).to(x))
        else:
            self.fixed = start.to(x)

    @property
    def sigma(self) -> Tensor:
        """The noise's std without warm-up, (1,) or (C,)."""
        return self.fixed if self.rho is None else nn.functional.softplus(self.rho)

    def start_epoch(self, epoch: int, model: nn.Module, data: Batches, rng: Generator) -> None:  # noqa: ARG002
        """Sets the warm-up's factor: (epoch + 1) / (warmup + 1), then 1."""
        self.ramp.fill_(min(1.0, (epoch + 1) / ((self.warmup or 0) + 1)))

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean of l(m, v) over the images, plus the price of information."""
        m, v = self.margin_moments(model, x, y, rng)
        loss = self.objective(m, v).view(len(y), -1).sum(1).mean()
        if self.beta and self.rho is not None:
            loss = loss + self.beta * information_price(self.sigma, SIGMA_0)
        return loss

    def margin_moments(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> tuple[Tensor, Tensor]:
        """Returns mean m and variance v of the margin, each (B,), for images x (B, C, H, W) in [0, 1], labels y
        (B,); (B, margins) where there are several. With covariance "sampled" a draw of m, and v = 0.
        """
        s, quick = self.ramp * self.sigma, QuickDoubleBackward()
        if self.layer == "input":
            x = x.detach().requires_grad_()
            with quick:
                logits = model(x)
            return self._linearised(logits, y, [x], [s], quick)
        if self.layer == "every":
            logits, places, sizes = forward_through(model, hidden_layers(model), x, quick, sizes=True)
            return self._linearised(logits, y, places, [s * size for size in sizes], quick)
        layer = first_layer(model)
        if self.tie:
            s = s * operator_norm(layer, x.shape[2:])
        if self.covariance == "sampled":
            m = smooth_margin(forward_noisy(model, layer, x, s, rng), y)
            return m, torch.zeros_like(m)
        if self.covariance == "full":
            logits, places, _ = forward_through(model, [layer], x, quick)
            return self._linearised(logits, y, places, [s], quick)
        moments = propagate(model, layer, x, s, matched=self.covariance == "moment_matched")
        return smooth_margin(moments.mean, y), margin_variance(moments, y)

    def _linearised(
        self,
        logits: Tensor,
        y: Tensor,
        places: list[GradientEdge] | list[Tensor],
        stds: list[Tensor],
        quick: QuickDoubleBackward,
    ) -> tuple[Tensor, Tensor]:
        """Returns m and v = sum over places of s^2 ||dm/dh||^2: each (B,), or (B, margins)."""

        def variance(m: Tensor) -> Tensor:
            squares = squared_gradients(m, places, quick)
            terms = [(g * s.square()).sum(1) for g, s in zip(squares, stds, strict=True)]
            return torch.stack(terms).sum(0)

        if self.margins is None:
            m = smooth_margin(logits, y)
            return m, variance(m)
        m = pair_margins(logits, y, self.margins)
        return m, torch.stack([variance(column) for column in m.unbind(1)], 1)

    def metrics(self) -> dict[str, Tensor]:
        """Returns sigma, averaged over channels; with one a channel, its extremes too."""
        sigma = self.sigma.detach()
        watched = {"sigma": sigma.mean()}
        if self.channels:
            watched |= {"sigma_min": sigma.min(), "sigma_max": sigma.max()}
        return watched

    def parameter_groups(self) -> list[dict[str, object]]:
        """Returns rho, with its own learning rate and no weight decay (which would pull sigma to log 2)."""
        return [] if self.rho is None else [{"params": [self.rho], "lr": self.sigma_lr, "weight_decay": 0.0}]


METHOD = LearnedSigma
