"""The exponential moving average of a model's weights."""

import copy

import torch
from torch import Tensor, nn


class Average:
    """a <- d a + (1 - d) w after each step, for parameters and floating buffers; other buffers are copied.

    d = min(decay, (1 + t) / (10 + t)) at step t = 1, 2, ..., so that the average forgets the random start also in short
    trainings (the warm-up of TensorFlow's ExponentialMovingAverage). The measured model is `model`, in evaluation mode;
    its parameters take no gradient.
    """

    def __init__(self, source: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.model = copy.deepcopy(source).requires_grad_(False).eval()
        pairs = list(zip(_tensors(self.model), _tensors(source), strict=True))
        self._averaged = [mine for mine, _ in pairs if mine.is_floating_point()]
        self._sources = [theirs for mine, theirs in pairs if mine.is_floating_point()]
        self._copied = [(mine, theirs) for mine, theirs in pairs if not mine.is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Takes the source's weights of now into the average, in place."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self._averaged, self._sources, 1 - decay)
        for mine, theirs in self._copied:
            mine.copy_(theirs)

    def state_dict(self) -> dict[str, object]:
        """Returns the average and the number of its steps."""
        return {"model": self.model.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continues from what `state_dict` returned."""
        self.model.load_state_dict(state["model"])  # type: ignore[arg-type]
        self.steps = int(state["steps"])  # type: ignore[call-overload]


def _tensors(model: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*model.parameters(), *model.buffers())]
