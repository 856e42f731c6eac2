"""NoisyMix: augmentation, feature mixing, noise injections and a consistency loss, each of which can be
off."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le, Lt, MinLen
from torch import Generator, Tensor, nn

from trainers.core.method import Method
from trainers.parts.augment import augmix
from trainers.parts.draws import host_index
from trainers.parts.injection import draw_strengths, inject
from trainers.parts.losses import jensen_shannon, mixed_cross_entropy
from trainers.parts.mixing import draw_pairs, mix, stages_of, through

Stages = Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)]
"""Where to enter `model.stages`: k is after stage k, and 0, after normalisation, is the input."""

Level = Annotated[float, Ge(0)]
"""A noise level, in units of the features it is added to or multiplied with."""


class Piece:
    """One of NoisyMix's four pieces: a frozen dataclass of plain values."""

    # Read where options are parsed: a misspelt field is an error, not ignored.
    __pydantic_config__ = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Augment(Piece):
    """AugMix. width: chains. depth: operators in a chain, None for 1 to 3. severity: upper end of the level.
    alpha: of both the chains' Dirichlet and the mixture's Beta."""

    width: Annotated[int, Ge(1)] = 3
    depth: Annotated[int, Ge(1)] | None = None
    severity: Annotated[float, Ge(0.1), Le(10)] = 3.0
    alpha: Annotated[float, Gt(0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class Mix(Piece):
    """Mixing of pairs. alpha: of lambda ~ Beta(alpha, alpha)."""

    alpha: Annotated[float, Gt(0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class Noise(Piece):
    """Noise injections. additive, multiplicative: levels, each times one draw of Beta(2, 5) a view. sparse:
    share of elements without noise. view_scales: what the additive level is multiplied by in the clean view
    and the two others (1, 2, 3 in the authors' code; the paper does not say)."""

    additive: Level = 0.5
    multiplicative: Level = 0.5
    sparse: Annotated[float, Ge(0), Lt(1)] = 0.65
    view_scales: tuple[Level, Level, Level] = (1.0, 2.0, 3.0)


@dataclass(frozen=True, kw_only=True)
class Consistency(Piece):
    """Jensen-Shannon divergence between the outputs for three views. weight: its factor in the loss."""

    weight: Annotated[float, Ge(0)] = 12.0


AUGMENT, MIX, NOISE, CONSISTENCY = Augment(), Mix(), Noise(), Consistency()


class NoisyMix(Method):
    """min E[lambda CE(f(x), y) + (1 - lambda) CE(f(x), y') + weight * JSD(f(x), f(x_1), f(x_2))].

    Source: Erichson et al. 2022, section 3. The network is entered at one stage k per batch, uniform over
    `stages`: there features are mixed with those of a permuted batch (lambda, permutation and k are shared
    by all views), and then noise is injected. Cross-entropy is that of the first view alone.

    augment: AugMix of the views. None: the views are the images as they are.
    mix: mixing with lambda ~ Beta(alpha, alpha). None: lambda is 1.
    noise: injections after mixing. At the input they act on normalised images. None: none.
    consistency: three views, x and two augmented (with `augment` None, copies that only noise tells apart),
        and the JSD. None: one view, the augmented one.
    stages: the k to draw from; those a model does not have are left out, and so is its last, which returns
        the logits. `setup` raises ValueError if none is left.

    The ten rows of the paper's table 4 are this class with some of the four None. All None is `Standard`;
    only `mix` is manifold mixup; `mix` and `noise` are NFM; `augment` and `consistency` are AugMix. From a
    command line each piece is None or its fields by name, as in JSON: noise={"additive": 0.4}.

    Example:
        method = NoisyMix(noise=Noise(additive=0.4), consistency=None)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        augment: Augment | None = AUGMENT,
        mix: Mix | None = MIX,
        noise: Noise | None = NOISE,
        consistency: Consistency | None = CONSISTENCY,
        stages: Stages = (0, 1, 2, 3),
    ) -> None:
        super().__init__()
        self.augment, self.mix, self.noise, self.consistency = augment, mix, noise, consistency
        self.stages = stages
        self.entries: tuple[int, ...]
        scales = torch.tensor(noise.view_scales if noise else ())
        self.register_buffer("additive", scales * (noise.additive if noise else 0), persistent=False)
        self.additive: Tensor

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Notes which of the stages the model has. Raises ValueError if it has none of them before its last."""
        if self.mix is None and self.noise is None:
            return
        last = len(stages_of(model)) - 1
        self.entries = tuple(stage for stage in self.stages if stage < last)
        if not self.entries:
            raise ValueError(f"none of the stages {self.stages} comes before the model's last, {last}")

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the loss; all views go through the network as one batch."""
        views, pairs = self._views(x, rng), None
        if self.mix is None and self.noise is None:
            logits = model(views)
        else:
            stage = self.entries[host_index(len(self.entries), rng)]
            if self.mix is not None:
                pairs = draw_pairs(len(y), self.mix.alpha, rng)
            logits = through(model, views, stage, lambda features: self._change(features, pairs, len(y), rng))
        outputs = logits.split(len(y))
        clean = outputs[0]
        loss = self._labelled(clean, y, pairs)
        if self.consistency is None:
            return loss
        return loss + self.consistency.weight * jensen_shannon(outputs)

    def _labelled(self, logits: Tensor, y: Tensor, pairs: tuple[Tensor, Tensor] | None) -> Tensor:
        if pairs is None:
            return self.cross_entropy(logits, y)
        return mixed_cross_entropy(logits, y, *pairs, self.label_smoothing)

    def _views(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns x, x_1 and x_2, one after another (3 B, C, H, W) in [0, 1]; without consistency x_1 alone."""
        count = 1 if self.consistency is None else 2
        if self.augment is None:
            changed = x.repeat(count, 1, 1, 1)
        else:
            a = self.augment
            options = {"severity": a.severity, "alpha": a.alpha}
            changed = augmix(x, rng, views=count, width=a.width, depth=a.depth, **options)
        return changed if self.consistency is None else torch.cat([x, changed])

    def _change(self, x: Tensor, pairs: tuple[Tensor, Tensor] | None, images: int, rng: Generator) -> Tensor:
        if pairs is not None:
            x = mix(x, *pairs)
        if self.noise is not None:
            count = len(x) // images
            additive = draw_strengths(self.additive[:count], images, rng)
            level = self.additive.new_full((count,), self.noise.multiplicative)
            x = inject(x, additive, draw_strengths(level, images, rng), self.noise.sparse, rng)
        return x


METHOD = NoisyMix
