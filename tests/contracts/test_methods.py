"""What every method of trainers/ has to do, so that a new one is tested unasked."""

import copy
import inspect
import math
import re
import sys
import textwrap
import types
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from study.errors import UserError
from study.evaluation.core.accuracy import accuracy
from study.registry import signature
from study.registry.lookup import find, names
from tests.support import CPU, digits, first, new_fit, same, small_cnn, stored
from trainers.core.augmentation import Augmentation
from trainers.core.loop import Recipe
from trainers.core.method import Method, generator

NAMES = names("method")
CHEAP: dict[str, dict[str, Any]] = {"ant": {"restart_steps": 4}}
"""Settings that only cost time at their defaults."""
pytestmark = pytest.mark.parametrize("name", NAMES)


def _method(name: str, **given: Any) -> Method:
    return find("method", name)(**{**CHEAP.get(name, {}), **given})


def _batch(size: int = 48) -> tuple[Tensor, Tensor]:
    x, y = next(digits().train.batches(size))
    return x.clone(), y.clone()


def _ready(name: str, size: int = 48, **given: Any) -> Method:
    """A method that is set up for the small network and batches of so many digits."""
    method = _method(name, **given)
    method.setup(small_cnn(), _batch(size)[0], generator(CPU, 9))
    return method


def _step(name: str, seed: int, size: int = 48) -> tuple[Tensor, list[Tensor], Method, nn.Module]:
    """Loss, batches that the model saw, method and model of one step, all fresh, with draws from `seed`."""
    model, method, draws = small_cnn(), _method(name), generator(CPU, seed)
    x, y = _batch(size)
    method.setup(model, x, draws)
    method.start_epoch(0, model, first(digits().train, 64), draws)
    shown: list[Tensor] = []
    handle = model.train().stages[0].register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    loss = method.loss(model, x, y, draws)
    handle.remove()
    return loss, shown, method, model


def _structure(method: Method) -> dict[str, Any]:
    """Names of all that the method holds, and shapes of its tensors."""
    tensors = [*method.named_parameters(), *method.named_buffers(), *vars(method).items()]
    return {key: getattr(value, "shape", None) for key, value in tensors}


def test_the_loss_is_a_finite_scalar_with_gradients(name: str) -> None:
    loss, shown, method, model = _step(name, 0)
    assert isinstance(method, Method) and loss.shape == () and loss.isfinite()
    assert shown and all(x.shape[1:] == (1, 8, 8) and x.min() >= 0 and x.max() <= 1 for x in shown)
    loss.backward()
    gradients = [p.grad for p in model.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients) and any(g.any() for g in gradients)


@pytest.mark.parametrize("size", [1, 2, 7, 33])
def test_any_batch_size_will_do(name: str, size: int) -> None:
    loss, shown, _, _ = _step(name, 0, size)
    assert loss.isfinite() and sum(map(len, shown)) >= size


def test_setup_builds_all_and_a_step_builds_nothing(name: str) -> None:
    model, method, draws = small_cnn(), _method(name), generator(CPU, 0)
    x, y = _batch()
    method.setup(model, x, draws)
    structure, parameters = _structure(method), list(method.parameters())
    grouped = [parameter for group in method.parameter_groups() for parameter in group["params"]]  # type: ignore[attr-defined]
    assert {id(parameter) for parameter in grouped} == {id(parameter) for parameter in parameters}
    method.start_epoch(0, model, first(digits().train, 64), draws)
    for _ in range(2):
        method.loss(model.train(), x, y, draws).backward()
    assert _structure(method) == structure
    assert all(a is b for a, b in zip(method.parameters(), parameters, strict=True))


def test_inputs_model_and_global_draws_stay_untouched(name: str) -> None:
    model, method, draws = small_cnn().train(), _method(name), generator(CPU, 0)
    x, y = _batch()
    kept = x.clone(), y.clone(), copy.deepcopy(model.state_dict()), torch.get_rng_state()

    def untouched() -> bool:
        trained = model.training and all(p.requires_grad and p.grad is None for p in model.parameters())
        return trained and same((x, y, model.state_dict(), torch.get_rng_state()), kept)

    method.setup(model, x, draws)
    assert untouched()
    method.start_epoch(0, model, first(digits().train, 64), draws)
    assert untouched()
    method.loss(model, x, y, draws)
    assert untouched()


def test_draws_come_from_the_generator_alone(name: str) -> None:
    loss, shown, _, _ = _step(name, 3)
    again, shown_again, _, _ = _step(name, 3)
    assert same(loss, again) and same(shown, shown_again)
    other, shown_other, _, _ = _step(name, 4)
    assert [x.shape for x in shown_other] == [x.shape for x in shown] and other.isfinite()


def test_views_are_images_of_methods_that_change_nothing_else(name: str) -> None:
    method = _ready(name)
    assert hasattr(method, "views") == isinstance(method, Augmentation)
    if isinstance(method, Augmentation):
        x, _ = _batch()
        kept, views = x.clone(), method.views(x, generator(CPU, 5))
        assert views.shape == x.shape and views.dtype == x.dtype and views.min() >= 0 and views.max() <= 1
        assert same(x, kept) and same(views, method.views(x, generator(CPU, 5)))


def test_the_example_of_use_runs(name: str) -> None:
    """Three lines of the docstring, indented, which build the method, set it up and compute a loss."""
    documented = inspect.getdoc(find("method", name)) or ""
    example = textwrap.dedent(documented.partition("Example:\n")[2])
    assert len(example.strip().splitlines()) == 3, documented
    x, y = _batch()
    target = find("method", name)
    scope = {**vars(sys.modules[target.__module__]), "model": small_cnn(), "x": x, "y": y, "rng": generator(CPU, 0)}
    exec(example, scope)
    assert type(scope["method"]) is target and scope["loss"].isfinite()


def test_a_step_never_waits_for_the_device(name: str) -> None:
    waits = {"item", "tolist", "__bool__", "__float__", "__int__", "__index__", "nonzero", "cpu", "equal"}

    class NoSync(TorchFunctionMode):
        def __torch_function__(self, func: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
            # torch's own optimisers read their step counter, which lies on the host.
            if "torch/optim" not in sys._getframe(1).f_code.co_filename:
                assert getattr(func, "__name__", "") not in waits, func
            return func(*args, **(kwargs or {}))

    model, method, draws = small_cnn(), _method(name), generator(CPU, 0)
    x, y = _batch()
    method.setup(model, x, draws)
    method.start_epoch(0, model, first(digits().train, 64), draws)
    with NoSync():
        method.loss(model, x, y, draws)


def test_the_constructor_is_the_configuration(name: str) -> None:
    target = find("method", name)
    hints = get_type_hints(target.__init__, include_extras=True)
    parameters = list(inspect.signature(target).parameters.values())
    assert signature.check(name, target, {}, "its defaults").keys() == {p.name for p in parameters}
    for parameter in parameters:
        assert parameter.kind is parameter.KEYWORD_ONLY, f"{parameter.name} is not keyword-only"
        assert parameter.default is not parameter.empty, f"{parameter.name} has no default"
        assert parameter.name in hints, f"{parameter.name} has no annotation"
        assert not _unranged(hints[parameter.name]), f"{parameter.name} has numbers without a range"
        assert re.search(rf"\b{parameter.name}\b", target.__doc__ or ""), f"{parameter.name} is not documented"


def test_no_parameter_hides_the_recipes(name: str) -> None:
    hidden = signature.options_of(find("method", name)).keys() & signature.options_of(Recipe).keys()
    assert not hidden


def test_numbers_out_of_range_are_errors(name: str) -> None:
    target = find("method", name)
    for parameter, default in signature.options_of(target).items():
        if isinstance(default, float):
            with pytest.raises(UserError, match=rf"^{name}\.{parameter} is "):
                signature.check(name, target, {parameter: -1e6}, "--set")


def test_the_state_comes_back_from_disk_without_hyper_parameters(name: str, tmp_path: Path) -> None:
    fit = new_fit(_method(name), data=first(digits().train, 96), epochs=2, batch_size=32)
    fit.run_epoch()
    state = fit.method.state_dict()
    configured = set(signature.options_of(find("method", name)))
    assert not configured & {part for key in state for part in (key, key.rsplit(".", 1)[-1])}
    fresh = _ready(name, 32)
    fresh.load_state_dict(stored(state, tmp_path))
    assert same(fresh.state_dict(), state)


def test_hyper_parameters_win_over_a_loaded_state(name: str, tmp_path: Path) -> None:
    data = first(digits().train, 96)
    theirs = new_fit(_method(name), data=data, epochs=2, batch_size=32)
    theirs.run_epoch()
    state = stored(theirs.state_dict(), tmp_path)
    for optimizer, momentum in (("adam", 0.9), ("sgd", 0.3)):
        donor = new_fit(_method(name), data=data, epochs=2, batch_size=32, optimizer=optimizer)
        donor.run_epoch()
        mine = new_fit(
            _method(name), data=data, epochs=3, batch_size=32,
            optimizer=optimizer, lr=0.07, momentum=momentum, weight_decay=0.01,
        )  # fmt: skip
        before = [{k: v for k, v in g.items() if k != "params"} for g in mine.optimizer.param_groups]
        mine.load_state_dict(stored(donor.state_dict(), tmp_path))
        assert before == [{k: v for k, v in g.items() if k != "params"} for g in mine.optimizer.param_groups]
        assert mine.optimizer.param_groups[0]["lr"] == 0.07
    for changed in _others(name):
        method = _ready(name, 32, **changed)
        before = _configuration(method)
        for key, buffer in _stored_buffers(method).items():
            if buffer.shape == _stored_buffers(_ready(name, 32))[key].shape:
                assert same(buffer, _stored_buffers(_ready(name, 32))[key]), f"{key} stores {changed}"
        try:
            method.load_state_dict(state["method"])
        except RuntimeError as error:  # the parameter decides the state's shape, so no such state can be taken over
            assert "size mismatch" in str(error) or "key(s) in state_dict" in str(error)
            continue
        assert same(_configuration(method), before), changed


def test_it_trains_above_chance(name: str) -> None:
    fit = new_fit(_method(name), epochs=5, batch_size=32, lr=3e-3)
    losses = [fit.run_epoch()["train_loss"] for _ in range(5)]
    assert all(map(math.isfinite, losses))
    assert accuracy(fit.model, digits().validation) > 0.5


def test_a_resumed_fit_is_bit_identical(name: str, tmp_path: Path) -> None:
    def fresh() -> Any:
        return new_fit(_method(name), data=first(digits().train, 160), epochs=3, batch_size=32)

    whole = fresh()
    states = []
    metrics = []
    for _ in range(3):
        metrics.append(whole.run_epoch())
        states.append(copy.deepcopy(whole.state_dict()))
    for done in (1, 2):
        resumed = fresh()
        resumed.load_state_dict(stored(states[done - 1], tmp_path))
        for epoch in range(done, 3):
            assert same(resumed.run_epoch(), metrics[epoch])
        assert same(resumed.state_dict(), states[-1])


def _unranged(annotation: Any, ranged: bool = False) -> bool:
    """Whether a float or int stands anywhere in the annotation without a range around it."""
    if get_origin(annotation) is Annotated:
        inner, *limits = get_args(annotation)
        limited = any(hasattr(limit, side) for limit in limits for side in ("ge", "gt", "le", "lt"))
        return _unranged(inner, ranged or limited)
    if get_origin(annotation) in (tuple, types.UnionType):
        return any(_unranged(argument, ranged) for argument in get_args(annotation))
    return annotation in (float, int) and not ranged


def _others(name: str) -> list[dict[str, Any]]:
    """One change of each numeric parameter to another valid value."""
    target, found = find("method", name), []
    for parameter, default in signature.options_of(target).items():
        if not isinstance(default, int | float) or isinstance(default, bool):
            continue
        for value in (default * 2, default / 2, default + 1, 0.25, 2):
            value = type(default)(value)
            try:
                signature.build(target, signature.check(name, target, {parameter: value}, "test"))
            except (UserError, ValueError):  # out of range, alone or together with the other defaults
                continue
            if value != default:
                found.append({parameter: value})
                break
    return found


def _stored_buffers(method: nn.Module) -> dict[str, Tensor]:
    return {key: buffer for key, buffer in method.named_buffers() if key in method.state_dict()}


def _configuration(method: nn.Module) -> dict[str, Any]:
    """All that configures a method: plain values, buffers that are not stored, options of its own optimisers."""
    found: dict[str, Any] = {}
    for path, module in method.named_modules():
        for key, value in vars(module).items():
            if isinstance(value, int | float | str | bool | tuple) and not key.startswith("_"):
                found[f"{path}.{key}"] = value
            if isinstance(value, torch.optim.Optimizer):
                groups = [{k: v for k, v in g.items() if k != "params"} for g in value.param_groups]
                found[f"{path}.{key}"] = groups
        for key, buffer in module.named_buffers(recurse=False):
            if key in module._non_persistent_buffers_set:
                found[f"{path}.{key}"] = buffer.clone() if buffer is not None else None
    found.pop(".training", None)
    return found
