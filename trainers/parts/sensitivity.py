"""How far noise in the first layer's pre-activation h moves an output m: first order, all covariances kept
("full").

Write m(h + s * xi) = m(h) + s * <dm/dh, xi> + O(s^2), xi ~ N(0, I). The Laplace approximation at each ReLU
(mode max(mu, 0); the variance passes where mu > 0 and is 0 elsewhere) and the winner's moments at each
max-pool are exactly this local linearisation, layer by layer; keeping the covariances between units, the
composition of all layers is one gradient:

    E m = m(h),    Var m = s^2 * ||dm/dh||^2.

So the variance costs one more backward pass, whatever the layers are, and is differentiable (create_graph).
"""

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge


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


def forward_to(model: nn.Module, layer: nn.Module, x: Tensor) -> tuple[Tensor, GradientEdge]:
    """Returns the logits of x, and where the gradient with respect to the output h of `layer` is taken.

    The place is an edge of the graph rather than the tensor, so that a ReLU that overwrites h in place does
    no harm.
    The model must run in eager mode: compiled graphs have no second backward pass.
    """
    edges: list[GradientEdge] = []

    def remember(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001
        edges.append(get_gradient_edge(output))

    handle = layer.register_forward_hook(remember)
    try:
        logits = model(x)
    finally:
        handle.remove()
    return logits, edges[-1]


def squared_gradient(m: Tensor, h: GradientEdge) -> Tensor:
    """Returns ||dm_i/dh_ic||^2 for each image i and channel c, (B, C), differentiable; noise s_c gives v_i =
    sum_c s_c^2 G_ic.

    m: (B,), one output per image. One backward pass of sum(m) serves the batch, since m_i depends on h_i
    alone. Batch normalisation that is training couples the images through its statistics: entry i is then the
    gradient of the whole batch's sum with respect to h_i, in which the statistics' share is of the order of
    1/sqrt(B).
    """
    (gradient,) = torch.autograd.grad(m.sum(), [h], create_graph=True)
    return gradient.square().flatten(2).sum(2) if gradient.dim() > 2 else gradient.square()
