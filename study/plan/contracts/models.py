"""The contract of a model, see `study.models.core.classifier`: at every image size that it does not refuse."""

import copy
import inspect

import torch
from torch import Tensor, nn

from study.errors import UserError
from study.models.core.classifier import Classifier, Normalise
from study.plan.contracts.core.findings import ContractError, Entry, named, require
from study.plan.contracts.core.pretended import GPU, pretended_gpu

SHAPES = [(channels, size, size) for channels in (1, 3) for size in (8, 28, 32, 64)]
CLASSES = 7
Shape = tuple[int, int, int]


def form(entry: Entry) -> None:
    """MODEL is a class of classifiers."""
    right = "a class that derives from study.models.core.classifier.Classifier is right"
    require(isinstance(entry.target, type), f"it is of type {type(entry.target).__name__}, not a class; {right}")
    require(issubclass(entry.target, Classifier), f"{entry.target.__name__} does not derive from Classifier; {right}")


def configuration(entry: Entry) -> None:
    """The constructor takes shape and classes, then its own arguments: keyword-only, typed and documented."""
    parameters = list(inspect.signature(entry.target).parameters.values())
    first = [p.name for p in parameters[:2]]
    right = "`def __init__(self, *, shape: tuple[int, int, int], classes: int)`"
    require(
        first == ["shape", "classes"], f"the constructor begins with {', '.join(first) or 'nothing'}; {right} is right"
    )
    for p in parameters:
        require(p.kind is p.KEYWORD_ONLY, f"{p.name} is not keyword-only; write it after a *, such as {right}")
        require(p.annotation is not p.empty, f"{p.name} has no annotation; write its type, such as {right}")
    for p in parameters[2:]:
        require(p.default is not p.empty, f"{p.name} has no default; give it one")
        documented = f"{p.name}: " in (entry.target.__doc__ or "")
        require(documented, f"the class's docstring does not say `{p.name}: what it is`")


def logits_of_the_stages(entry: Entry) -> None:
    """Logits are the composition of the stages, at every size that the model does not refuse in one line."""
    for shape in SHAPES:
        size = f"{shape[1]} x {shape[2]}"
        try:
            model = _build(entry, shape)
        except UserError as error:
            require(size in str(error), f"it refuses images of {size} by {str(error)!r}, which does not name the size")
            require("\n" not in str(error), f"what it says of images of {size} has several lines; one is right")
            continue
        try:
            _check_logits(model, shape)
        except (RuntimeError, IndexError) as error:
            raise ContractError(
                f"it fails on images of {shape[0]} x {size} ({' '.join(str(error).split())[:120]}); its constructor "
                f"should raise study.errors.UserError that names {size} where it cannot take the size"
            ) from error


def _check_logits(model: Classifier, shape: Shape) -> None:
    x = images(shape)
    before = x.clone()
    model.eval()
    with torch.no_grad():
        logits, by_stage = model(x), x
        for stage in model.stages:
            by_stage = stage(by_stage)
    right = f"(2, {CLASSES}) for 2 images and {CLASSES} classes is right"
    require(logits.shape == (2, CLASSES), f"it returns the shape {tuple(logits.shape)}; {right}")
    require(bool(logits.isfinite().all()), "its logits are not finite on ordinary images")
    require(torch.equal(logits, by_stage), "its output is not what its stages make one after another")
    require(torch.equal(x, before), "it writes its input; compute a new tensor")
    require(not torch.allclose(logits[0], logits[1]), "its logits are the same for different images")


def normalises_first(entry: Entry) -> None:
    """The first stage normalises, others follow, and together they are the whole network."""
    model, _ = any_shape(entry)
    first = type(model.stages[0]).__name__
    require(isinstance(model.stages[0], Normalise), f"its first stage is {first}; Normalise is right")
    require(len(model.stages) >= 2, "it has one stage, which normalises; give the layers to super().__init__()")
    inside = {id(parameter) for stage in model.stages for parameter in stage.parameters()}
    outside = [name for name, parameter in model.named_parameters() if id(parameter) not in inside]
    require(not outside, f"{', '.join(outside)} is in no stage; give all layers to super().__init__()")


def start_is_the_generators(entry: Entry) -> None:
    """What the model starts from is drawn from the generator of `initialise` alone."""
    with torch.random.fork_rng([]):
        first, shape = any_shape(entry)
        torch.rand(3)  # constructors draw from the global generator; it must not matter where that stands
        again, other = _build(entry, shape), _build(entry, shape, seed=1)
    a, b, c = (model.state_dict() for model in (first, again, other))
    differing = [key for key in a if not torch.equal(a[key], b[key])]
    require(not differing, f"{', '.join(differing)} starts otherwise at each build; initialise(rng) should draw it")
    drawn = [key for key, module in first.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    require(bool(drawn), "it has neither a convolution nor a linear layer")
    alike = [key for key in drawn if torch.equal(a[f"{key}.weight"], c[f"{key}.weight"])]
    require(not alike, f"{', '.join(alike)} starts alike whatever the seed; initialise(rng) should draw it")


def initialise_starts_anew(entry: Entry) -> None:
    """`initialise` leaves nothing of what was trained, and does not draw from the global generator."""
    model, _ = any_shape(entry)
    fresh = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        for value in model.state_dict().values():
            value.add_(1)
    state = torch.get_rng_state()
    model.initialise(torch.Generator().manual_seed(0))
    require(torch.equal(state, torch.get_rng_state()), "initialise draws from torch's global generator; draw from rng")
    left = [key for key, value in model.state_dict().items() if not torch.equal(value, fresh[key])]
    require(not left, f"initialise leaves {', '.join(left)} as it was; it should start all anew")


def trains_all_parameters(entry: Entry) -> None:
    """A training pass gives every parameter a gradient."""
    model, shape = any_shape(entry)
    with torch.random.fork_rng([]):  # from which nn.Dropout draws
        model.train()
        loss = nn.functional.cross_entropy(model(images(shape, 4)), torch.arange(4))
    loss.backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        require(gradient is not None and bool(gradient.any()), f"{name} gets no gradient: the output does not use it")
        require(gradient is None or bool(gradient.isfinite().all()), f"the gradient of {name} is not finite")


def state_returns(entry: Entry) -> None:
    """A model that takes over another's state gives the same logits."""
    model, shape = any_shape(entry)
    other = _build(entry, shape, seed=1)
    other.load_state_dict(model.state_dict())
    x = images(shape)
    with torch.no_grad():
        equal = torch.equal(model.eval()(x), other.eval()(x))
    require(equal, "after load_state_dict its logits differ; all that decides them should be a parameter or a buffer")


def _build(entry: Entry, shape: Shape, seed: int = 0) -> Classifier:
    model: Classifier = entry.build(shape=shape, classes=CLASSES)
    model.initialise(torch.Generator().manual_seed(seed))
    return model


def any_shape(entry: Entry) -> tuple[Classifier, Shape]:
    """Returns the model for the largest images that it takes."""
    for shape in SHAPES[::-1]:
        try:
            return _build(entry, shape), shape
        except UserError:
            continue
    raise ContractError(f"it takes none of the sizes {', '.join(f'{c} x {h} x {w}' for c, h, w in SHAPES)}")


def images(shape: Shape, count: int = 2) -> Tensor:
    """Returns random images."""
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(1))


def one_device(entry: Entry) -> None:
    """On a pretended GPU, a pass mixes no tensors of the GPU with new ones of the CPU."""
    _, shape = any_shape(entry)
    with pretended_gpu("its forward pass"):
        with GPU:
            model, x = entry.build(shape=shape, classes=CLASSES), torch.rand(2, *shape)
        logits = model(x)
    require(logits.device == GPU, f"logits are on {logits.device} for images on a GPU; leave them there")


CHECKS = named(
    form, configuration, logits_of_the_stages, normalises_first, start_is_the_generators, initialise_starts_anew,
    trains_all_parameters, state_returns, one_device,
)  # fmt: skip
