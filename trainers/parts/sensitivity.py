"""How far noise in the first layer's pre-activation h moves an output m: first order, all covariances kept
("full").

Write m(h + s * xi) = m(h) + s * <dm/dh, xi> + O(s^2), xi ~ N(0, I). The Laplace approximation at each ReLU
(mode max(mu, 0); the variance passes where mu > 0 and is 0 elsewhere) and the winner's moments at each
max-pool are exactly this local linearisation, layer by layer; keeping the covariances between units, the
composition of all layers is one gradient:

    E m = m(h),    Var m = s^2 * ||dm/dh||^2.

So the variance costs one more backward pass, whatever the layers are, and is differentiable (create_graph).
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from trainers.parts.double_backward import QuickDoubleBackward


def first_layer(model: nn.Module) -> nn.Conv2d | nn.Linear:
    """Returns the first convolution or linear layer in the order of `model.modules()`, the order of
    definition.

    Raises ValueError where there is none.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            return module
    raise ValueError(
        f"{type(model).__name__} has no convolution or linear layer, whose output the noise could enter:"
        " learned_sigma takes models with an nn.Conv2d or nn.Linear"
    )


def hidden_layers(model: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """Returns every convolution and linear layer in the order of definition, but the last one, which gives the
    logits.
    """
    return [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)][:-1]


def forward_through(
    model: nn.Module, layers: Sequence[nn.Module], x: Tensor, quick: QuickDoubleBackward, *, sizes: bool = False
) -> tuple[Tensor, list[GradientEdge], list[Tensor]]:
    """Returns the logits of x; for each layer, where the gradient with respect to its output h is taken; and with
    `sizes` the root mean square of each h over images and units, differentiable.

    The place is an edge of the graph rather than the tensor, so that a ReLU that overwrites h in place does no harm.
    The model must run in eager mode: compiled graphs have no second backward pass. quick: what convolutions run under.
    """
    edges: list[GradientEdge] = []
    rms: list[Tensor] = []

    def remember(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001
        edges.append(get_gradient_edge(output))
        if sizes:
            # A copy, since a ReLU may overwrite h in place.
            rms.append(output.clone().square().mean().sqrt())

    handles = [layer.register_forward_hook(remember) for layer in layers]
    try:
        with quick:
            logits = model(x)
    finally:
        for handle in handles:
            handle.remove()
    return logits, edges, rms


def forward_noisy(model: nn.Module, layer: nn.Module, x: Tensor, s: Tensor, rng: Generator) -> Tensor:
    """Returns the logits of x with one draw of s * xi, xi ~ N(0, I), added to the output of `layer`.

    s: (1,) or one standard deviation a channel (C,), >= 0; differentiable in s.
    """

    def disturb(module: nn.Module, inputs: tuple[Tensor, ...], h: Tensor) -> Tensor:  # noqa: ARG001
        # Drawn in one order, whatever the layer's order of memory is, in which drawing may take several times as long.
        noise = torch.randn(h.shape, generator=rng, device=h.device, dtype=h.dtype)
        return h + s.view(-1, *[1] * (h.dim() - 2)) * noise

    handle = layer.register_forward_hook(disturb)
    try:
        logits: Tensor = model(x)
    finally:
        handle.remove()
    return logits


def squared_gradients(
    m: Tensor, places: Sequence[GradientEdge] | Sequence[Tensor], quick: QuickDoubleBackward
) -> list[Tensor]:
    """Returns G = ||dm_i/dh_ic||^2 (B, C) with respect to each of several h, by one backward pass; differentiable.

    Noise of standard deviation s_c in channel c of h gives m_i the variance sum_c s_c^2 G_ic. quick: of the forward.
    m: (B,), one output per image. One backward pass of sum(m) serves the batch, since m_i depends on h_i
    alone. Batch normalisation that is training couples the images through its statistics: entry i is then the
    gradient of the whole batch's sum with respect to h_i, in which the statistics' share is of the order of
    1/sqrt(B).
    """
    with quick.inputs_alone():
        gradients = torch.autograd.grad(m.sum(), places, create_graph=True)
    return [g.square().flatten(2).sum(2) if g.dim() > 2 else g.square() for g in gradients]
