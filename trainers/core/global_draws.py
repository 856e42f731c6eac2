"""A state of torch's global generators that belongs to one fit alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from trainers.core.method import generator


class GlobalDraws:
    """The state in which a fit's training steps find torch's global generators, of the CPU and of a CUDA `device`.

    Layers such as `nn.Dropout` take no generator: they draw from the global ones. Without this a checkpoint would not
    hold what their next masks depend on, and the masks would depend on whatever else runs in the process.

    seeds: decide the first state, as in `trainers.core.method.generator`.
    """

    def __init__(self, device: torch.device, *seeds: int) -> None:
        self._cuda = [device] if device.type == "cuda" else []
        self.states: list[Tensor] = [generator(each, *seeds).get_state() for each in (torch.device("cpu"), *self._cuda)]
        """The CPU's state, then the CUDA device's: bytes, on the CPU."""

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Puts the states in place; afterwards stores how far they got, and restores those that were there before.

        After an exception, `states` are those of the beginning.
        """
        with torch.random.fork_rng(self._cuda):
            torch.set_rng_state(self.states[0])
            for device, state in zip(self._cuda, self.states[1:], strict=True):
                torch.cuda.set_rng_state(state, device)
            yield
            self.states = [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in self._cuda)]
