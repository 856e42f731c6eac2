"""The second player of adversarial noise training: a generator that learns, and the memory of what it was."""

import copy
from typing import Any

import torch
from torch import Generator, Tensor
from torch.func import functional_call

from trainers.parts.generator import NoiseGenerator


class Adversary:
    """A noise generator with its Adam (None: it does not learn) and its past selves, one row of `past` each.

    Source: Rusak et al. 2020, section 3.2, experience replay. A past self is the vector of its parameters
    (about 1,000), so that a number that stays on the device picks one.
    """

    def __init__(self, noise: NoiseGenerator, lr: float | None) -> None:
        self.lr = lr
        self.replace(noise)
        self.past = self._vector()[:0]

    def replace(self, noise: NoiseGenerator) -> None:
        """Lets another generator take over, with a new optimiser; the past stays."""
        self.noise = noise
        self.optimizer = None if self.lr is None else torch.optim.Adam(noise.parameters(), lr=self.lr, fused=True)

    def remember(self) -> None:
        """Adds the generator as it is to the past."""
        self.past = torch.cat([self.past, self._vector()])

    def draw(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns noise of the current generator, of x's shape (B, C, H, W) and no particular norm."""
        delta: Tensor = self.noise(self.noise.draw(x, rng))
        return delta

    def replay(self, parts: list[Tensor], rng: Generator, *, distinct: bool = True) -> list[Tensor]:
        """Returns noise for each part of a batch, by past generators drawn at random.

        distinct: no past generator has two parts while there are as many of them as parts; else each part draws one of
        its own, maybe the same.
        """
        count, device = len(self.past), self.past.device
        if distinct:
            order = torch.rand(count, generator=rng, device=device).argsort()
            chosen = order[torch.arange(len(parts), device=device) % count]
        else:
            chosen = torch.randint(count, (len(parts),), generator=rng, device=device)
        return [self.drawn_by(vector, x, rng) for vector, x in zip(self.past[chosen], parts, strict=True)]

    def drawn_by(self, past: Tensor, x: Tensor, rng: Generator) -> Tensor:
        """Returns noise as `draw` does, of the generator that was: `past` is a row of the memory."""
        named = list(self.noise.named_parameters())
        pieces = torch.split(past, [parameter.numel() for _, parameter in named])
        weights = {name: p.view_as(parameter) for (name, parameter), p in zip(named, pieces, strict=True)}
        delta: Tensor = functional_call(self.noise, weights, (self.noise.draw(x, rng),))
        return delta

    def state(self) -> dict[str, Any]:
        """Returns all of it as tensors and plain values; the learning rate is not part of it."""
        return {
            "noise": self.noise.state_dict(),
            "moments": {} if self.optimizer is None else self.optimizer.state_dict()["state"],
            "past": self.past,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Takes over such a state (copied) of a generator of the same architecture; keeps its own lr and device."""
        self.noise.load_state_dict(state["noise"])
        self.past = state["past"].to(self.past.device, copy=True)
        if self.optimizer is not None:
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": copy.deepcopy(state["moments"]), "param_groups": groups})

    def _vector(self) -> Tensor:
        return torch.nn.utils.parameters_to_vector(self.noise.parameters()).detach()[None]
