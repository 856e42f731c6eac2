"""The contract of a training method, see `trainers.core.method.Method`. Checked on the digits and a small network."""

import copy
import inspect
import math
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from study.errors import UserError
from study.evaluation.core.predict import accuracy
from study.models.small_cnn import SmallCNN
from study.plan.contracts.core.findings import ContractError, Entry, Remark, named, require, require_type
from study.plan.contracts.core.fresh import CPU, batch, digits, first, new_fit, same, small_cnn
from study.plan.contracts.core.pretended import GPU, pretended_gpu
from study.plan.contracts.method_states import CHECKS as OF_STATES
from study.plan.contracts.method_states import ready
from study.registry import signature
from trainers.core.augmentation import Augmentation
from trainers.core.method import Method, generator
from trainers.core.recipe import Recipe

BATCH = 48
SIZES = (1, 2, 7, 33)
"""Of batches, beside the usual one: the last of an epoch may be of any size."""
WAITS = {"item", "tolist", "__bool__", "__float__", "__int__", "__index__", "nonzero", "cpu", "equal"}
"""Functions of tensors that wait until the device has computed."""
CHANCE, EPOCHS = 0.5, 5
"""Accuracy that a method reaches on the digits within so many epochs; ten classes make 0.1 by chance."""


def form(entry: Entry) -> None:
    """METHOD is a class of training methods that defines what it minimises."""
    target = entry.target
    right = "a class that derives from trainers.core.method.Method is right"
    require(isinstance(target, type), f"it is of type {type(target).__name__}, not a class; {right}")
    require(issubclass(target, Method), f"{target.__name__} does not derive from Method; {right}")
    for name in ("loss", "views"):
        require(
            not getattr(getattr(target, name, None), "__isabstractmethod__", False),
            f"{target.__name__} does not define {name}; a method defines loss(model, x, y, rng), and one that only "
            "changes images derives from trainers.core.augmentation.Augmentation and defines views(x, rng)",
        )


def configuration(entry: Entry) -> None:
    """The constructor's arguments are keyword-only, and each has a default, a type, a range and a documentation."""
    hints = get_type_hints(entry.target.__init__, include_extras=True)
    for parameter in inspect.signature(entry.target).parameters.values():
        name, right = parameter.name, "such as `def __init__(self, *, sigma: Annotated[float, Ge(0)] = 0.5)`"
        require(parameter.kind is parameter.KEYWORD_ONLY, f"{name} is not keyword-only; write it after a *, {right}")
        require(parameter.default is not parameter.empty, f"{name} has no default; give it one, {right}")
        require(name in hints, f"{name} has no annotation; give its type and range, {right}")
        require(not _unranged(hints[name]), f"{name} takes numbers without a range; write the range, {right}")
        documented = re.search(rf"\b{name}\b", entry.target.__doc__ or "")
        require(documented is not None, f"{name} is not in the class's docstring; say there what it is and its unit")
    checked = signature.check(entry.name, entry.target, {}, "its defaults")
    taken = inspect.signature(entry.target).parameters.keys() - checked.keys()
    require(not taken, f"{', '.join(taken)} is what the platform calls something of its own; choose another name")


def names_of_its_own(entry: Entry) -> None:
    """No parameter has a name of the recipe's, which would then mean two things."""
    for name in signature.options_of(entry.target).keys() & signature.options_of(Recipe).keys():
        raise ContractError(f"{name} is a parameter of every training already; give the method's another name")


def ranges(entry: Entry) -> None:
    """Numbers far out of a parameter's range are refused."""
    hints = get_type_hints(entry.target.__init__, include_extras=True)
    for name, default in signature.options_of(entry.target).items():
        if not isinstance(default, float) or name not in hints or _unranged(hints[name]):
            continue
        try:
            signature.check(entry.name, entry.target, {name: -1e6}, "--set")
        except UserError as error:
            require(str(error).startswith(f"{entry.name}.{name} is "), f"{name} = -1000000 is refused by: {error}")
        else:
            raise ContractError(f"{name} may be -1000000; write the range that makes sense into its annotation")


def finite_loss_with_gradients(entry: Entry) -> None:
    """The loss is one finite number, of images in [0, 1], and every parameter of the model has a gradient of it."""
    loss, shown, model = _step(entry, 0)
    require_type(loss, Tensor, "loss returned an object", "a tensor of one number")
    require(loss.shape == (), f"loss returned the shape {tuple(loss.shape)}; one number, of shape (), is right")
    require(bool(loss.isfinite()), f"loss is {loss.item()} on ordinary images; a finite number is right")
    require(len(shown) > 0, "loss did not call the model; it should return what the model's output costs")
    for x in shown:
        require(x.shape[1:] == (1, 8, 8), f"the model was shown images of {tuple(x.shape[1:])}; (1, 8, 8) is right")
        low, high = x.min().item(), x.max().item()
        require(low >= 0 and high <= 1, f"the model was shown pixels from {low:.3g} to {high:.3g}; [0, 1] is right")
    require(loss.requires_grad, "loss has no gradient; it should depend on the model's output, without no_grad")
    loss.backward()
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        require(gradient is not None, f"{name} of the model has no gradient of loss; every parameter should have one")
        require(gradient is None or bool(gradient.isfinite().all()), f"the gradient of {name} is not finite")
    require(any(bool(p.grad.any()) for p in model.parameters() if p.grad is not None), "all gradients of loss are 0")


def any_batch_size(entry: Entry) -> None:
    """Batches of every size will do."""
    for size in SIZES:
        loss, shown, _ = _step(entry, 0, size)
        require(bool(loss.isfinite()), f"loss is {loss.item()} on a batch of {size}; a finite number is right")
        count = sum(map(len, shown))
        require(count >= size, f"of a batch of {size} images the model was shown {count}; all are right")


def setup_builds_everything(entry: Entry) -> None:
    """What a method holds is built by setup, and what it trains is among its parameter groups."""
    model, method, draws = small_cnn(), entry.build(), generator(CPU, 0)
    x, y = batch(BATCH)
    method.setup(model, x, draws)
    structure, parameters = _structure(method), list(method.parameters())
    grouped = {id(parameter) for group in method.parameter_groups() for parameter in group["params"]}
    left = [name for name, parameter in method.named_parameters() if id(parameter) not in grouped]
    require(not left, f"nothing trains its parameter {', '.join(left)}; return it in parameter_groups()")
    require(len(grouped) == len(parameters), "parameter_groups() has parameters that are not the method's own")
    method.start_epoch(0, model, first(digits().train, 64), draws)
    for _ in range(2):
        method.loss(model.train(), x, y, draws).backward()
    after = _structure(method)
    new = [name for name in {**after, **structure} if structure.get(name, ...) != after.get(name, ...)]
    require(not new, f"{', '.join(new)} is new, or of another shape, after the first steps; build it in setup")
    still = all(a is b for a, b in zip(method.parameters(), parameters, strict=True))
    require(still, "the first steps replace its parameters by others; the optimiser has those that setup built")


def nothing_else_changes(entry: Entry) -> None:
    """Neither setup, start_epoch nor loss writes its inputs, changes the model or draws from global generators."""
    model, method, draws = small_cnn().train(), entry.build(), generator(CPU, 0)
    x, y = batch(BATCH)
    with _unchanged("setup", x, y, model):
        method.setup(model, x, draws)
    with _unchanged("start_epoch", x, y, model):
        method.start_epoch(0, model, first(digits().train, 64), draws)
    with _unchanged("loss", x, y, model):
        method.loss(model, x, y, draws)


def draws_from_its_generator(entry: Entry) -> None:
    """Two steps with generators of one seed are the same, bit for bit."""
    (loss, shown, _), (again, shown_again, _) = _step(entry, 3), _step(entry, 3)
    repeated = same(loss, again) and same(shown, shown_again)
    require(repeated, "two steps with one seed differ; every draw should come from the generator rng")
    other, shown_other, _ = _step(entry, 4)
    shapes, others = [tuple(x.shape) for x in shown], [tuple(x.shape) for x in shown_other]
    require(shapes == others, f"with one seed the model is shown {shapes}, with another {others}; shapes are fixed")
    require(bool(other.isfinite()), f"loss is {other.item()} with another seed; a finite number is right")


def views(entry: Entry) -> None:
    """What a method of the small base makes of images is images, and no other method has `views`."""
    method = ready(entry, BATCH)
    named_so, small = hasattr(method, "views"), isinstance(method, Augmentation)
    require(named_so == small, "it defines views, which only trainers.core.augmentation.Augmentation calls; derive "
            "from that, or call it by another name")  # fmt: skip
    if not isinstance(method, Augmentation):
        return
    x, _ = batch(BATCH)
    before, changed = x.clone(), method.views(x, generator(CPU, 5))
    require(isinstance(changed, Tensor) and changed.shape == x.shape and changed.dtype == x.dtype,
            f"views made {_described(changed)} of {_described(x)}; a batch like it is right")  # fmt: skip
    low, high = changed.min().item(), changed.max().item()
    require(low >= 0 and high <= 1, f"views returned pixels from {low:.3g} to {high:.3g}; [0, 1] is right")
    require(same(x, before), "views writes its input x; compute a new tensor")
    repeated = same(changed, method.views(x, generator(CPU, 5)))
    require(repeated, "views differ for one seed; every draw should come from the generator rng")


def example(entry: Entry) -> None:
    """Lines below "Example:" in the docstring, where there are such, build the method and compute a loss."""
    lines = textwrap.dedent((inspect.getdoc(entry.target) or "").partition("Example:\n")[2])
    if not lines.strip():
        return
    x, y = batch(BATCH)
    module = vars(sys.modules[entry.target.__module__])
    scope = {**module, "model": small_cnn(), "x": x, "y": y, "rng": generator(CPU, 0)}
    try:
        exec(lines, scope)
    except Exception as error:  # noqa: BLE001  an example may raise anything
        raise ContractError(f"the example of its docstring raises {type(error).__name__}: {error}") from error
    require(type(scope.get("method")) is entry.target, "the example of its docstring builds no `method` of this class")
    loss = scope.get("loss")
    right = isinstance(loss, Tensor) and bool(loss.isfinite())
    require(right, "the example of its docstring computes no finite `loss`")


def never_waits(entry: Entry) -> None:
    """A step reads no value of a tensor, for which it would wait until the device has computed it."""

    class NoSync(TorchFunctionMode):
        def __torch_function__(self, func: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
            # torch's own optimisers read their step counter, which lies on the host.
            name, frame = getattr(func, "__name__", ""), sys._getframe(1)
            file = Path(frame.f_code.co_filename)
            if name in WAITS and file.parent.name != "optim":
                where = f"{file.name}, line {frame.f_lineno}"
                raise ContractError(f"loss reads a tensor's value ({where}: {name}), for which it waits until the "
                                    "device has computed; compute with tensors alone")  # fmt: skip
            return func(*args, **(kwargs or {}))

    model, method, draws = small_cnn(), entry.build(), generator(CPU, 0)
    x, y = batch(BATCH)
    method.setup(model, x, draws)
    method.start_epoch(0, model, first(digits().train, 64), draws)
    with NoSync():
        method.loss(model, x, y, draws)


def one_device(entry: Entry) -> Remark | None:
    """On a pretended GPU, a step mixes no tensors of the GPU with new ones of the CPU."""
    try:
        with pretended_gpu("loss") as draws:
            with GPU:
                model, method = SmallCNN(shape=(1, 8, 8), classes=10), entry.build()
                x, y = torch.rand(BATCH, 1, 8, 8), torch.randint(10, (BATCH,))
            method.setup(model, x, draws)
            loss = method.loss(model, x, y, draws)
    except (NotImplementedError, AssertionError) as error:  # an operation that torch cannot pretend
        return f"could not be tried on a pretended GPU: {' '.join(str(error).split())}"
    require(loss.device == GPU, f"loss is on {loss.device} for images on a GPU; leave it there")
    return None


def trains(entry: Entry) -> None:
    """A small network learns the digits by it."""
    fit = new_fit(entry.build(), epochs=EPOCHS, batch_size=32, lr=3e-3)
    losses = [fit.run_epoch()["train_loss"] for _ in range(EPOCHS)]
    require(all(map(math.isfinite, losses)), f"training losses of the digits were {losses}; finite ones are right")
    share = accuracy(fit.model, digits().validation)
    require(
        share > CHANCE, f"after {EPOCHS} epochs {share:.0%} of the digits are right; at least {CHANCE:.0%} should be"
    )


def _step(entry: Entry, seed: int, size: int = BATCH) -> tuple[Any, list[Tensor], nn.Module]:
    """Returns loss, batches that the model saw, and model of one step, all fresh, with draws from `seed`."""
    model, method, draws = small_cnn(), entry.build(), generator(CPU, seed)
    x, y = batch(size)
    method.setup(model, x, draws)
    method.start_epoch(0, model, first(digits().train, 64), draws)
    shown: list[Tensor] = []
    handle = model.train().stages[0].register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    loss = method.loss(model, x, y, draws)
    handle.remove()
    return loss, shown, model


def _structure(method: nn.Module) -> dict[str, Any]:
    """Returns the names of all that the method holds, and the shapes of its tensors."""
    tensors = [*method.named_parameters(), *method.named_buffers(), *vars(method).items()]
    return {key: getattr(value, "shape", None) for key, value in tensors}


@contextmanager
def _unchanged(what: str, x: Tensor, y: Tensor, model: nn.Module) -> Iterator[None]:
    """Raises ContractError where what happens inside changes what is not its own."""
    before = x.clone(), y.clone(), copy.deepcopy(model.state_dict()), torch.get_rng_state()
    yield
    require(same(x, before[0]), f"{what} writes its input x; compute a new tensor")
    require(same(y, before[1]), f"{what} writes its input y; compute a new tensor")
    require(same(model.state_dict(), before[2]), f"{what} changes the model's weights or statistics; only the loop may")
    require(same(torch.get_rng_state(), before[3]), f"{what} draws from torch's global generator; draw from rng alone")
    require(model.training, f"{what} leaves the model in evaluation mode; put it back")
    held = [name for name, p in model.named_parameters() if p.grad is not None or not p.requires_grad]
    require(not held, f"{what} leaves gradients in the model, or switches them off: {', '.join(held)}")


def _unranged(annotation: Any, ranged: bool = False) -> bool:
    """Whether a float or int stands anywhere in the annotation without a range around it."""
    if get_origin(annotation) is Annotated:
        inner, *limits = get_args(annotation)
        limited = any(hasattr(limit, side) for limit in limits for side in ("ge", "gt", "le", "lt"))
        return _unranged(inner, ranged or limited)
    if get_origin(annotation) in (tuple, types.UnionType):
        return any(_unranged(argument, ranged) for argument in get_args(annotation))
    return annotation in (float, int) and not ranged


def _described(value: Any) -> str:
    return f"{tuple(value.shape)} {value.dtype}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


CHECKS = named(
    form, configuration, names_of_its_own, ranges, finite_loss_with_gradients, any_batch_size, setup_builds_everything,
    nothing_else_changes, draws_from_its_generator, views, example, never_waits, one_device, trains,
    *OF_STATES.values(),
)  # fmt: skip
