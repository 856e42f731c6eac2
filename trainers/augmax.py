"""AugMax: AugMix whose chains are mixed in the way that is hardest for the classifier."""

from collections.abc import Callable
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor, nn

from trainers.core.method import Method
from trainers.parts.augment import augmix, chain_images
from trainers.parts.auxiliary_norm import AuxiliaryNorm
from trainers.parts.losses import jensen_shannon
from trainers.parts.modes import evaluating


class AugMax(Method):
    """min E[CE(f(x), y) + weight * JSD(f(x), f(x_2), f_aux(x*))], x* = (1 - m) x + m sum_i softmax(q)_i chain_i(x)
    with m and q that climb CE(f_aux(x*), y).

    Source: Wang et al. 2021, "AugMax: Adversarial Composition of Random Augmentations for Robust Training", and
    its authors' code: chains as in AugMix, drawn at random; m in [0, 1] and q, of each image, start uniform in [0, 1)
    and climb by at most `steps` steps of `step` along the gradient's sign, the model in evaluation mode, until the
    image is misclassified (an image that is at the start takes none); x_2 is AugMix with draws of its own
    (`trainers.parts.augment.augmix`). The views go through the model in three passes, x*, x_2, x: each is normalised by
    statistics of its own. f_aux is the model with batch normalisations of its own for x*
    (`trainers.parts.auxiliary_norm`), which testing leaves out; a model without any is f itself.

    Differs from the published method: no DuBIN, which has instance normalisation beside these two batch normalisations
    and is a change of the model; methods here take any model. The published accuracies are with DuBIN.

    width: chains. depth: operators in a chain, None for 1 to 3. severity: upper end of the level, in [0.1, 10].
    alpha: of the Dirichlet and the Beta of x_2, > 0. steps: of ascent, >= 0. step: its length, in units of m and q,
    > 0. early_stop: whether an image stays as it is once it is misclassified (the code's attacker "fat", published);
    without, all take all steps (its "pgd"). weight: of the JSD, >= 0; None: cross-entropy of f(x*) alone.

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
        early_stop: bool = True,
        weight: Annotated[float, Ge(0)] | None = 10.0,
    ) -> None:
        super().__init__()
        self.chains: dict[str, Any] = {"depth": depth, "severity": severity}
        self.width, self.alpha = width, alpha
        self.steps, self.step, self.early_stop, self.weight = steps, step, early_stop, weight
        self.auxiliary: AuxiliaryNorm | None = None

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Copies the model's batch normalisations, unless x* is all that is trained on."""
        self.auxiliary = None if self.weight is None else AuxiliaryNorm(model)

    def parameter_groups(self) -> list[dict[str, object]]:
        """Returns the scales and shifts of the second normalisations."""
        return [] if self.auxiliary is None else [{"params": list(self.auxiliary.parameters())}]

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the loss; x*, x_2 and x go through the network one after another."""
        hardest = self._logits(model, self.hardest(model, x, y, rng))
        if self.weight is None:
            return self.cross_entropy(hardest, y)
        augmented = model(augmix(x, rng, width=self.width, alpha=self.alpha, **self.chains))
        clean = model(x)
        return self.cross_entropy(clean, y) + self.weight * jensen_shannon((clean, augmented, hardest))

    def hardest(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns x* (B, C, H, W) in [0, 1] of the images x with labels y (B,); the model stays as it is."""
        chains = chain_images(x, rng, count=self.width, **self.chains).float() / 255
        m = torch.rand(len(x), generator=rng, device=x.device)
        q = torch.rand((self.width, len(x)), generator=rng, device=x.device)
        options: dict[str, Any] = {"steps": self.steps, "step": self.step, "early_stop": self.early_stop}
        with evaluating(model):
            return ascend(lambda at: self._logits(model, at), x, y, chains, q, m, **options)

    def _logits(self, model: nn.Module, hard: Tensor) -> Tensor:
        logits: Tensor = model(hard) if self.auxiliary is None else self.auxiliary(model, hard)
        return logits


def compose(x: Tensor, chains: Tensor, q: Tensor, m: Tensor) -> Tensor:
    """Returns (1 - m) x + m sum_i softmax(q)_i chains_i; x (B, C, H, W), chains (width, B, C, H, W), q (width, B),
    m (B,)."""
    # Not a matrix product: under autocast that would round images to bfloat16.
    inner = (q.softmax(0)[..., None, None, None] * chains).sum(0)
    return x.lerp(inner, m[:, None, None, None])


def ascend(
    classify: Callable[[Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    chains: Tensor,
    q: Tensor,
    m: Tensor,
    *,
    steps: int,
    step: float,
    early_stop: bool,
) -> Tensor:
    """Returns the composition (see `compose`) in [0, 1] after `steps` steps that raise CE(classify(x*), y), y (B,).

    q <- q + step * sign(d CE / d q), m <- clip(m + step * sign(d CE / d m), 0, 1); with early_stop, an image that
    `classify` gets wrong before a step takes neither this step nor any later one. Nothing is written, and no gradient
    is left in any parameter.
    """
    # A mask in place of fewer images, or of leaving the loop: either would wait for the device.
    length = torch.full_like(m, step)
    for _ in range(steps):
        q, m = q.detach().requires_grad_(), m.detach().requires_grad_()
        logits = classify(compose(x, chains, q, m))
        to_q, to_m = torch.autograd.grad(F.cross_entropy(logits, y, reduction="sum"), (q, m))
        if early_stop:
            length = torch.where(logits.argmax(1) == y, length, 0)
        q, m = q + length * to_q.sign(), (m + length * to_m.sign()).clamp(0, 1)
    return compose(x, chains, q.detach(), m.detach()).clamp(0, 1)


METHOD = AugMax
