"""Images on their ways along noise: where each is first predicted wrong, and the median of that over all."""

import math

import torch
from torch import Tensor, nn

from study.evaluation.core.predict import BATCH
from trainers.parts.projection import per_pixel_rms

NEAREST, FARTHEST, RATIO, HALVINGS = 1e-2, 100.0, 1.25, 12
"""The search in t, in units of sqrt(d): from NEAREST on, times RATIO, to FARTHEST, where all but 1% of the
pixels of Gaussian noise are black or white; then halvings of the interval of the flip, to 1e-4 of it."""
STEPS = 1 + math.ceil(math.log(FARTHEST / NEAREST, RATIO))
"""Values of t before the halvings."""


class Rays:
    """The ways x_i + t delta_i / ||delta_i||, each with an interval of t that holds its first wrong prediction.

    model: in eval mode. x: (B, C, H, W) in [0, 1], y: (B,), delta: x's shape, not 0. None of them is written.
    """

    @torch.no_grad()
    def __init__(self, model: nn.Module, x: Tensor, y: Tensor, delta: Tensor) -> None:
        self.model, self.x, self.y = model, x, y
        self.delta = delta / delta.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        self.low, self.high = x.new_zeros(len(x)), x.new_full((len(x),), math.inf)
        self.high[self._wrong(self.low, torch.arange(len(x), device=x.device))] = 0
        self.tests = torch.zeros(2, len(x), dtype=torch.int64, device=x.device)
        """How many values of t were tried before the flip, and how many halvings were made after it."""
        self.nearest, self.farthest = x.new_zeros(len(x)), self.high.clone()
        """The distances, L2 norms, at the interval's two ends; the second is what is looked for, at last."""

    @property
    def open(self) -> Tensor:
        """Which of the ways (B,) have an interval that can still be made smaller."""
        steps, halvings = self.tests
        flipped = self.high < math.inf
        return (self.high > 0) & torch.where(flipped, halvings < HALVINGS, steps < STEPS)

    @torch.no_grad()
    def refine(self, which: Tensor) -> None:
        """Makes one test on each of some ways, given by their indices: the next t, or the middle of the interval."""
        low, high, flipped = self.low[which], self.high[which], self.high[which] < math.inf
        steps = self.tests[0, which]
        coarse = (NEAREST * RATIO ** steps.double() * per_pixel_rms(1.0, self.x)).to(low.dtype)
        t = torch.where(flipped, (low + high) / 2, coarse)
        wrong = self._wrong(t, which)
        before = torch.where(steps == 0, 0, coarse / RATIO)
        self.low[which] = torch.where(wrong, torch.where(flipped, low, before), t)
        self.high[which] = torch.where(wrong, t, high)
        self.tests[:, which] += torch.stack([~flipped, flipped]).long()
        self.nearest[which], self.farthest[which] = (self._length(at[which], which) for at in (self.low, self.high))
        never = (self.tests[0] == STEPS) & (self.high == math.inf)
        self.nearest[never] = math.inf

    def distances(self) -> Tensor:
        """Returns (B,) distances of the first flips, 0 for what is wrong at first and infinite for what never flips."""
        while len(which := torch.nonzero(self.open)[:, 0]):
            self.refine(which)
        return self.farthest

    def median(self) -> float:
        """Returns the median of `distances`; only ways that may be in the middle are followed to their end."""
        last = len(self.x) - 1
        while True:
            low, high = self.nearest.sort().values[last // 2], self.farthest.sort().values[(last + 1) // 2]
            which = torch.nonzero(self.open & (self.nearest <= high) & (self.farthest >= low))[:, 0]
            if not len(which):
                return middle(self.farthest)
            self.refine(which)

    def _wrong(self, t: Tensor, which: Tensor) -> Tensor:
        parts = zip(torch.split(t, BATCH), torch.split(which, BATCH), strict=True)
        return torch.cat([self.model(self._moved(at, i)).argmax(1) != self.y[i] for at, i in parts])

    def _moved(self, t: Tensor, which: Tensor) -> Tensor:
        """Returns images (B, C, H, W) moved by t (B,), clipped."""
        return torch.clamp(self.x[which] + t.view(-1, 1, 1, 1) * self.delta[which], 0, 1)

    def _length(self, t: Tensor, which: Tensor) -> Tensor:
        """Returns the norms of the changes, clipped; infinite where t is."""
        norm = (self._moved(t.nan_to_num(posinf=0.0), which) - self.x[which]).flatten(1).norm(dim=1)
        return torch.where(t < math.inf, norm, math.inf)


def middle(values: Tensor) -> float:
    """Returns the median of values (B,), the mean of the two in the middle where there are two."""
    ordered = values.double().sort().values
    return float(ordered[[(len(values) - 1) // 2, len(values) // 2]].mean())
