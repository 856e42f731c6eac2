"""Whether a network of a library takes a dataset's images: as many have a least size, and some a fixed one."""

import torch
from torch import nn

from study.errors import UserError


@torch.no_grad()
def check_size(model: nn.Module, name: str, shape: tuple[int, int, int]) -> None:
    """Passes one black image of a shape through, and leaves the model in training mode.

    Raises UserError, which says the network's name and its reason, where it does not take the image.
    """
    model.eval()
    try:
        model(torch.zeros(1, *shape))
    except (RuntimeError, AssertionError, ValueError, IndexError) as error:
        size = f"{shape[1]} x {shape[2]}"
        raise UserError(f"{name} does not take images of {size}: {reason(error)}") from error
    model.train()


def reason(error: Exception) -> str:
    """Returns what an error says, in one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__
