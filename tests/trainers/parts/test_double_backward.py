"""Convolutions that are quick to differentiate twice, against torch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trainers.parts.double_backward import QuickDoubleBackward

OPTIONS = [
    {},
    {"padding": 1},
    {"stride": 2, "padding": 1},
    {"stride": (2, 1), "padding": (0, 2)},
    {"dilation": 2, "padding": 2},
    {"groups": 2, "padding": 1, "stride": 2},
]


def tensors(groups: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn((2, 32, 7, 8), generator=rng, dtype=torch.float64, requires_grad=True)
    weight = torch.randn((6, 32 // groups, 3, 3), generator=rng, dtype=torch.float64, requires_grad=True)
    return x, weight, torch.randn(6, generator=rng, dtype=torch.float64, requires_grad=True)


def all_of(x: Tensor, weight: Tensor, bias: Tensor, options: dict) -> list[Tensor]:
    """Output, first gradients, and the gradients of the input gradient's square."""
    y = F.conv2d(x, weight, bias, **options)
    first = torch.autograd.grad(y.sin().sum(), [x, weight, bias], create_graph=True)
    second = torch.autograd.grad(first[0].square().sum(), [x, weight, bias])
    return [y, *first, *second]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_values_and_both_gradients_are_those_of_torch(options):
    inputs = tensors(options.get("groups", 1))
    expected = all_of(*inputs, options)
    with QuickDoubleBackward():
        found = all_of(*inputs, options)
    assert "_Convolution" in str(found[0].grad_fn.next_functions[0][0])
    for got, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-8, atol=1e-9)


class Recorded(TorchDispatchMode):
    """The operators that run while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_an_input_gradient_alone_computes_no_weights():
    x, weight, _ = tensors()
    with QuickDoubleBackward() as quick:
        y = F.conv2d(x, weight)
    with Recorded() as first, quick.inputs_alone():
        (gradient,) = torch.autograd.grad(y.sum(), [x], create_graph=True)
    assert "convolution_backward" not in first.names
    with Recorded() as second:
        gradient.square().sum().backward()
    assert "convolution_backward" in second.names and weight.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", ["few channels", "padding in words", "autocast"])
def test_others_are_left_as_they_are(kind):
    x, weight, _ = (t.detach().float().requires_grad_() for t in tensors())
    x, weight = (x[:, :4], weight[:, :4]) if kind == "few channels" else (x, weight)
    with QuickDoubleBackward(), torch.autocast("cpu", torch.bfloat16, enabled=kind == "autocast"):
        y = F.conv2d(x, weight, padding="same" if kind == "padding in words" else 0)
    assert "_Convolution" not in type(y.grad_fn).__name__
    assert y.dtype == (torch.bfloat16 if kind == "autocast" else torch.float32)


def test_attention_has_a_second_gradient_and_torchs_values() -> None:
    """Against softmax(q k' / sqrt(d)) v, written out."""
    rng = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn((2, 3, 5, 4), generator=rng, dtype=torch.float64, requires_grad=True) for _ in range(3))

    def both(y: Tensor) -> list[Tensor]:
        first = torch.autograd.grad(y.sin().sum(), [q, k, v], create_graph=True)
        return [y, *first, *torch.autograd.grad(first[0].square().sum(), [q, k, v])]

    expected = both((q @ k.mT / 2).softmax(-1) @ v)
    with QuickDoubleBackward():
        y = F.scaled_dot_product_attention(q, k, v)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(both(y), expected, strict=True))
