"""Training methods, each wrong in one way: (check that catches it, method, what it says)."""

from itertools import count
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt
from torch import Generator, Tensor, nn

from trainers.core.augmentation import Augmentation
from trainers.core.method import Method

CALLS = count(1)


def cross_entropy(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Returns what a right method minimises."""
    return F.cross_entropy(model(x), y)


def method(loss: Any, **members: Any) -> type[Method]:
    """Returns a method with this loss(self, model, x, y, rng), else right."""
    return type("Wrong", (Method,), {"loss": loss, "__doc__": "Wrong in one way.", **members})


def views(change: Any) -> type[Augmentation]:
    """Returns a method with these views(x, rng), else right."""
    return type("Wrong", (Augmentation,), {"views": lambda _, x, rng: change(x, rng), "__doc__": "Wrong in one way."})


class ViewsOnTheWrongBase(Method):
    """Changes images."""

    def views(self, x: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002
        return x


class Right(Method):
    """Vanilla."""

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002
        return cross_entropy(model, x, y)


class Positional(Right):
    """strength: of it."""

    def __init__(self, strength: Annotated[float, Ge(0)] = 0.5) -> None:
        super().__init__()


class WithoutDefault(Right):
    """strength: of it."""

    def __init__(self, *, strength: Annotated[float, Ge(0)]) -> None:
        super().__init__()


class Unannotated(Right):
    """strength: of it."""

    def __init__(self, *, strength=0.5) -> None:  # type: ignore[no-untyped-def]
        super().__init__()


class Unranged(Right):
    """strength: of it."""

    def __init__(self, *, strength: float = 0.5) -> None:
        super().__init__()


class Undocumented(Right):
    """Vanilla."""

    def __init__(self, *, strength: Annotated[float, Ge(0)] = 0.5) -> None:
        super().__init__()


class OfThePlatform(Right):
    """shape: of it."""

    def __init__(self, *, shape: Annotated[float, Ge(0)] = 0.5) -> None:
        super().__init__()


class OfTheRecipe(Right):
    """lr: of it."""

    def __init__(self, *, lr: Annotated[float, Ge(0)] = 0.5) -> None:
        super().__init__()


class WideRange(Right):
    """strength: of it."""

    def __init__(self, *, strength: Annotated[float, Gt(-1e9)] = 0.5) -> None:
        super().__init__()


class LazyParameter(Right):
    """Trains a parameter that nobody hands to the optimiser."""

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:  # noqa: ARG002
        self.scale = nn.Parameter(x.new_ones(()))


class Lazy(Right):
    """Builds in the first step."""

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002
        self.mean = x.mean(0)
        return cross_entropy(model, x, y)


class StoredOption(Right):
    """sigma: of it."""

    def __init__(self, *, sigma: Annotated[float, Ge(0)] = 0.5) -> None:
        super().__init__()
        self.register_buffer("sigma", torch.tensor(sigma))


class StoredUnderAnotherName(Right):
    """sigma: of it."""

    def __init__(self, *, sigma: Annotated[float, Ge(0)] = 0.5) -> None:
        super().__init__()
        self.register_buffer("level", torch.tensor(2 * sigma))


class StoresAnObject(Right):
    """Stores what cannot be read back."""

    def get_extra_state(self) -> Any:
        return {"count": CALLS}


class Overwritten(Right):
    """sigma: of it."""

    def __init__(self, *, sigma: Annotated[float, Ge(0)] = 0.5) -> None:
        super().__init__()
        self.sigma = sigma

    def get_extra_state(self) -> Any:
        return {"s": self.sigma}

    def set_extra_state(self, state: Any) -> None:
        self.sigma = state["s"]


class Forgetful(Right):
    """Counts its steps and does not store the count."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:  # noqa: ARG002
        self.steps += 1
        return cross_entropy(model, x, y) / self.steps


class WrongExample(Right):
    """Vanilla.

    Example:
        method = Wrong()
        loss = method.loss(model, x, y, rng)
    """


def no_gradient(_: Any, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """Computes a loss without gradients."""
    with torch.no_grad():
        return cross_entropy(model, x, y)


def in_place(_: Any, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001
    """Writes its input."""
    return cross_entropy(model, x.mul_(0.5), y)


WRONG: list[tuple[str, Any, str]] = [
    ("form", 3, "it is of type int, not a class; a class that derives from trainers.core.method.Method is right"),
    ("form", nn.Linear, "Linear does not derive from Method"),
    ("form", ViewsOnTheWrongBase, "ViewsOnTheWrongBase does not define loss; .* derives from .*Augmentation"),
    ("configuration", Positional, r"strength is not keyword-only; write it after a \*"),
    ("configuration", WithoutDefault, "strength has no default"),
    ("configuration", Unannotated, "strength has no annotation"),
    ("configuration", Unranged, "strength takes numbers without a range"),
    ("configuration", Undocumented, "strength is not in the class's docstring"),
    ("configuration", OfThePlatform, "shape is what the platform calls something of its own"),
    ("names_of_its_own", OfTheRecipe, "lr is a parameter of every training already"),
    ("ranges", WideRange, "strength may be -1000000"),
    ("finite_loss_with_gradients", method(lambda *_: 0.5), "loss returned an object of type float; a tensor"),
    (
        "finite_loss_with_gradients",
        method(lambda _, m, x, y, r: F.cross_entropy(m(x), y, reduction="none")),
        r"loss returned the shape \(48,\); one number, of shape \(\), is right",
    ),
    ("finite_loss_with_gradients", method(lambda _, m, x, y, r: cross_entropy(m, x, y) / 0), "loss is inf"),
    ("finite_loss_with_gradients", method(lambda _, m, x, y, r: x.mean()), "loss did not call the model"),
    (
        "finite_loss_with_gradients",
        method(lambda _, m, x, y, r: cross_entropy(m, 3 * x, y)),
        "shown pixels from 0 to 3",
    ),
    ("finite_loss_with_gradients", method(no_gradient), "loss has no gradient"),
    ("finite_loss_with_gradients", method(lambda _, m, x, y, r: 0 * cross_entropy(m, x, y)), "gradients of loss are 0"),
    (
        "any_batch_size",
        method(lambda _, m, x, y, r: cross_entropy(m, x, y) + x.std(0).mean()),
        "loss is nan on a batch of 1",
    ),
    (
        "any_batch_size",
        method(lambda _, m, x, y, r: cross_entropy(m, x[:1], y[:1])),
        "of a batch of 2 images .* shown 1",
    ),
    ("setup_builds_everything", LazyParameter, "nothing trains its parameter scale"),
    ("setup_builds_everything", Lazy, "mean is new, .* after the first steps; build it in setup"),
    ("nothing_else_changes", method(in_place), "loss writes its input x"),
    (
        "nothing_else_changes",
        method(lambda _, m, x, y, r: cross_entropy(m.eval(), x, y)),
        "leaves the model in evaluation",
    ),
    (
        "nothing_else_changes",
        method(lambda _, m, x, y, r: cross_entropy(m, x, y) * torch.rand(())),
        "torch's global generator",
    ),
    (
        "draws_from_its_generator",
        method(lambda _, m, x, y, r: cross_entropy(m, x, y) * next(CALLS)),
        "steps with one seed differ",
    ),
    (
        "views",
        type("Wrong", (Right,), {"views": lambda _, x, rng: x}),
        "it defines views, which only .*Augmentation calls",
    ),
    ("views", views(lambda x, rng: x + 1), "views returned pixels from 1 to 2"),
    ("views", views(lambda x, rng: x[:5]), r"views made \(5, 1, 8, 8\) torch.float32 of \(48, 1, 8, 8\)"),
    ("views", views(lambda x, rng: x.mul_(0.5)), "views writes its input x"),
    ("example", WrongExample, "the example of its docstring raises NameError"),
    (
        "never_waits",
        method(lambda _, m, x, y, r: cross_entropy(m, x, y) * (1 + x.sum().item())),
        r"loss reads a tensor's value \(wrong_methods.py, line \d+: item\)",
    ),
    (
        "one_device",
        method(lambda _, m, x, y, r: cross_entropy(m, x + torch.rand(len(x), 1, 1, 1), y)),
        "loss mixes tensors of the GPU and of the CPU: .*device=x.device",
    ),
    (
        "one_device",
        method(lambda _, m, x, y, r: cross_entropy(m, x[x.mean((1, 2, 3)) > 0], y)),
        "loss reads a tensor's value, for which it waits",
    ),
    (
        "trains",
        method(lambda _, m, x, y, r: 0 * cross_entropy(m, x, y)),
        "of the digits are right; at least 50% should be",
    ),
    ("state_returns", StoredOption, "state_dict holds sigma, a hyper-parameter"),
    ("state_returns", StoresAnObject, "an object that cannot be read back safely"),
    ("hyper_parameters_win", StoredUnderAnotherName, "state_dict holds level, which sigma = 1.0 decides"),
    ("hyper_parameters_win", Overwritten, "load_state_dict overwrites sigma = 1.0"),
    ("resumes", Forgetful, "continued after epoch 1, epoch 2 has other numbers"),
]
