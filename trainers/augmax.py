"""AugMax: AugMix whose chains are mixed in the way that is hardest for the classifier."""

from collections.abc import Callable
from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor, nn

from trainers.core.method import Method
from trainers.parts.augment import augmix, draw_chains
from trainers.parts.losses import jensen_shannon
from trainers.parts.modes import evaluating

TINY = 1e-30
"""Keeps the logarithm of a chain's weight finite."""


class AugMax(Method):
    """min E[CE(f(x), y) + weight * JSD(f(x), f(x*), f(x_2))], x* = (1 - m) x + m sum_i softmax(q)_i chain_i(x)
    with m and q that maximise CE(f(x*), y).

    Source: Wang et al. 2021, "AugMax: Adversarial Composition of Random Augmentations for Robust Training", and
    its authors' code: chains as in AugMix, drawn at random; m in [0, 1] and q, of each image, climb by `steps`
    steps of `step` along the gradient's sign, the model in evaluation mode; x_2 is AugMix with draws of its own
    (`trainers.parts.augment.augmix`).

    Differs from the published method: (1) No DuBIN. There x* is normalised by statistics and scales of its own
    in every layer, which is a change of the model, and methods here take any model: all views go through it as
    one batch, so that its normalisation sees clean and hard images together. The published accuracies are with
    DuBIN. (2) m and q start from AugMix's draws, m ~ Beta and softmax(q) ~ Dirichlet, instead of uniform in
    [0, 1]: with no steps this is AugMix. (3) The code stops early once all images are misclassified, which
    would wait for the device: here each takes all steps.

    width: chains. depth: operators in a chain, None for 1 to 3. severity: upper end of the level, in [0.1, 10].
    alpha: of the Dirichlet and the Beta the ascent starts from, > 0. steps: of ascent, >= 0. step: its length,
    in units of m and q, > 0. weight: of the JSD, >= 0; None: cross-entropy of x* alone.

    Example:
        method = AugMax(width=3, steps=5, weight=10.0)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        width: Annotated[int, Ge(1)] = 3,
        depth: Annotated[int, Ge(1)] | None = None,
        severity: Annotated[float, Ge(0.1), Le(10)] = 3.0,
        alpha: Annotated[float, Gt(0)] = 1.0,
        steps: Annotated[int, Ge(0)] = 5,
        step: Annotated[float, Gt(0)] = 0.1,
        weight: Annotated[float, Ge(0)] | None = 10.0,
    ) -> None:
        super().__init__()
        self.width, self.depth, self.severity, self.alpha = width, depth, severity, alpha
        self.steps, self.step, self.weight = steps, step, weight

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the loss; x, x_2 and x* go through the network as one batch."""
        if self.weight is None:
            return self.cross_entropy(model(self.hardest(model, x, y, rng)), y)
        options = {"severity": self.severity, "alpha": self.alpha}
        augmented = augmix(x, rng, views=1, width=self.width, depth=self.depth, **options)
        outputs = model(torch.cat([x, augmented, self.hardest(model, x, y, rng)])).split(len(y))
        return self.cross_entropy(outputs[0], y) + self.weight * jensen_shannon(outputs)

    def hardest(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns x* (B, C, H, W) in [0, 1] of the images x with labels y (B,); the model stays as it is."""
        options = {"severity": self.severity, "alpha": self.alpha}
        drawn = draw_chains(x, rng, views=1, width=self.width, depth=self.depth, **options)
        chains, w, m = (each.squeeze(0) for each in drawn)
        with evaluating(model):
            return ascend(
                lambda at: F.cross_entropy(model(at), y, reduction="sum"),
                x,
                chains.float() / 255,
                w.clamp(min=TINY).log(),
                m,
                steps=self.steps,
                step=self.step,
            )


def compose(x: Tensor, chains: Tensor, q: Tensor, m: Tensor) -> Tensor:
    """Returns (1 - m) x + m sum_i softmax(q)_i chains_i; x (B, C, H, W), chains (width, B, C, H, W), q (width, B),
    m (B,)."""
    # Not a matrix product: under autocast that would round images to bfloat16.
    inner = (q.softmax(0)[..., None, None, None] * chains).sum(0)
    return x.lerp(inner, m[:, None, None, None])


def ascend(
    loss: Callable[[Tensor], Tensor], x: Tensor, chains: Tensor, q: Tensor, m: Tensor, *, steps: int, step: float
) -> Tensor:
    """Returns the composition (see `compose`) in [0, 1] after `steps` steps that raise `loss`, a sum over images.

    q <- q + step * sign(d loss / d q), m <- clip(m + step * sign(d loss / d m), 0, 1). Nothing is written, and
    no gradient is left in any parameter.
    """
    for _ in range(steps):
        q, m = q.detach().requires_grad_(), m.detach().requires_grad_()
        to_q, to_m = torch.autograd.grad(loss(compose(x, chains, q, m)), (q, m))
        q, m = q + step * to_q.sign(), (m + step * to_m.sign()).clamp(0, 1)
    return compose(x, chains, q.detach(), m.detach()).clamp(0, 1)


METHOD = AugMax
