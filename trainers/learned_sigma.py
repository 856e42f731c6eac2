"""Stochastic training with a fixed or learnable sigma, in closed form."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Generator, Tensor, nn

from trainers.core.method import Batches, Method, Sigma
from trainers.parts.moments import margin_variance, propagate
from trainers.parts.operator_norm import operator_norm
from trainers.parts.sensitivity import first_layer, forward_to, squared_gradient
from trainers.parts.stochastic_losses import LOSSES, Loss, information_price, smooth_margin

SIGMA_0 = 1.1
"""The prior's standard deviation in the price of information."""


class LearnedSigma(Method):
    """min E[l(m, v)] over weights and sigma: noise in the first layer's pre-activation h = W x + b, none of
    it drawn.

        h + s * xi,  xi ~ N(0, I),  s = sigma * kappa(W)     (kappa: operator norm; tie=None: s = sigma)
        m = z_y - logsumexp_{j != y} z_j,  v = s^2 ||dm/dh||^2                      (covariance "full")
        l = (1 - q)^2 + (q (1 - q))^2 v - log Phi(m / sqrt(v + 1)),  q = sigmoid(m)   (loss "mse+prob")
        + beta * KL(N(0, sigma^2) || N(0, 1.1^2))                            (where sigma is learned)

    Source: the idea is Arous et al. 2023 (arXiv 2312.08877): first-layer noise, moments carried in closed
    form by a Laplace approximation at each ReLU, an MSE and a probability term, a trained sigma, the
    deterministic mean network at test time. The margin, the full covariance, the tie to kappa and the KL
    price are this project's: docs/learned_sigma.md says what was seen.

    Why the tie: without it the network scales W up by c and the next layer down, which leaves m as it is and
    divides v by c^2. kappa(W) scales by c too, so that with it neither m nor v moves. It is differentiable: W
    feels that its norm is paid for.
    Why the price: with l alone sigma runs to 0, the noise being only a cost. beta = 0 or None is the ablation
    that shows it.

    sigma: noise std at the start (learned) or throughout (fixed), in units of kappa (tied) or of h (untied).
        0 is for a fixed one only, and makes v = 0.
    learn: whether sigma = softplus(rho) is trained, by its own learning rate `sigma_lr`.
    channels: None is one sigma; C is one for each of the first layer's C output channels.
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

    State: rho where it is learned, and nothing else. Raises ValueError for a learnable sigma of 0, or for
    channels that the model's first layer has not.
    """

    def __init__(
        self,
        *,
        sigma: Sigma = 1.1,
        learn: bool = True,
        channels: Annotated[int, Ge(1)] | None = None,
        covariance: Literal["full", "diagonal", "moment_matched"] = "full",
        loss: Loss = "mse+prob",
        tie: Literal["operator_norm"] | None = "operator_norm",
        beta: Annotated[float, Ge(0)] | None = 0.1,
        sigma_lr: Annotated[float, Gt(0)] = 1e-2,
        warmup: Annotated[int, Ge(0)] | None = None,
    ) -> None:
        super().__init__()
        if learn and sigma == 0:
            raise ValueError("a learnable sigma starts above 0, got sigma=0; learn=False holds it at 0")
        self.channels, self.covariance, self.tie = channels, covariance, tie
        self.beta, self.sigma_lr, self.warmup = beta, sigma_lr, warmup
        self.objective = LOSSES[loss]
        start = torch.full((channels or 1,), float(sigma))
        self.rho: nn.Parameter | None = None
        if learn:
            self.rho = nn.Parameter(start + torch.log(-torch.expm1(-start)))  # softplus(rho) = sigma
        self.register_buffer("fixed", start, persistent=False)
        self.register_buffer("ramp", torch.ones(()), persistent=False)
        self.fixed: Tensor
        self.ramp: Tensor

    @property
    def sigma(self) -> Tensor:
        """The noise's std without warm-up, (1,) or (channels,)."""
        return self.fixed if self.rho is None else nn.functional.softplus(self.rho)

    def start_epoch(self, epoch: int, model: nn.Module, data: Batches, rng: Generator) -> None:  # noqa: ARG002
        """Sets the warm-up's factor: (epoch + 1) / (warmup + 1), then 1."""
        self.ramp.fill_(min(1.0, (epoch + 1) / ((self.warmup or 0) + 1)))

    def loss(self, model: nn.Module, views: tuple[Tensor, ...], y: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002
        """Returns the mean of l(m, v) over the first view, plus the price of information; draws nothing."""
        m, v = self.margin_moments(model, views[0], y)
        loss = self.objective(m, v).mean()
        if self.beta and self.rho is not None:
            loss = loss + self.beta * information_price(self.sigma, SIGMA_0)
        return loss

    def margin_moments(self, model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mean m and variance v of the smooth margin, each (B,), for images x (B, C, H, W) in [0, 1],
        labels y (B,).
        """
        layer = first_layer(model)
        outputs = layer.weight.shape[0]
        if self.channels not in (None, outputs):
            raise ValueError(f"channels={self.channels}, but the first layer has {outputs}; None is one sigma for all")
        s = self.ramp * self.sigma
        if self.tie:
            s = s * operator_norm(layer, x.shape[2:])
        if self.covariance == "full":
            logits, h = forward_to(model, layer, x)
            m = smooth_margin(logits, y)
            return m, (squared_gradient(m, h) * s.square()).sum(1)
        moments = propagate(model, layer, x, s, matched=self.covariance == "moment_matched")
        return smooth_margin(moments.mean, y), margin_variance(moments, y)

    def metrics(self) -> dict[str, Tensor]:
        """Returns sigma, averaged over channels; with one a channel, its extremes too."""
        sigma = self.sigma.detach()
        watched = {"sigma": sigma.mean()}
        if self.channels is not None:
            watched |= {"sigma_min": sigma.min(), "sigma_max": sigma.max()}
        return watched

    def parameter_groups(self) -> list[dict[str, object]]:
        """Returns rho, with its own learning rate and no weight decay (which would pull sigma to log 2)."""
        return [] if self.rho is None else [{"params": [self.rho], "lr": self.sigma_lr, "weight_decay": 0.0}]


METHOD = LearnedSigma
