"""The contract of a dataset, see `study.datasets.core.data`."""

import inspect
import math
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from study.datasets.core.data import Data, Split
from study.errors import UserError
from study.plan.contracts.core.findings import ContractError, Entry, Remark, named, require, require_type
from study.plan.contracts.core.fresh import CPU, same

SUPPLIED = ["root", "device", "download"]
SPLITS = ("train", "validation", "test")
LARGE, FEW = 50_000_000, 100
"""Of a split with more pixels, of all its images, only the first few batches are looked at."""
SIZE, TRAINING_SIZE = 7, 8
"""Images of a batch, in order and in training."""
NO_FILES = "its files are not here, so its images were not looked at; --data-root FOLDER says where they are"


def form(entry: Entry) -> None:
    """DATASET is a function of root, device and download, all keyword-only, and of options with types."""
    right = "`def load(*, root: Path | None = None, device: torch.device, download: bool = False) -> Data` is right"
    require(callable(entry.target), f"it is of type {type(entry.target).__name__}, not a function; {right}")
    parameters = inspect.signature(entry.target).parameters
    require(list(parameters)[:3] == SUPPLIED, f"it takes {', '.join(parameters) or 'nothing'}; {right}")
    for name, parameter in parameters.items():
        require(parameter.kind is parameter.KEYWORD_ONLY, f"{name} is not keyword-only; write it after a *: {right}")
        require(parameter.annotation is not parameter.empty, f"{name} has no annotation; write its type: {right}")
    defaults = parameters["root"].default is None and parameters["download"].default is False
    require(defaults, f"root is None and download is False where nothing is said; {right}")


def documentation(entry: Entry) -> None:
    """The docstring says what each argument is."""
    for name in inspect.signature(entry.target).parameters:
        documented = name == "device" or re.search(rf"\b{name}\b[^:]*: ", entry.target.__doc__ or "")
        require(bool(documented), f"its docstring does not say `{name}: what it is`, or that it is not needed")


def without_files(entry: Entry) -> None:
    """Where its files are missing it says so in one line, with the folder, and leaves nothing there."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        try:
            _load(entry, root)
        except UserError as error:
            text = str(error)
            require(scratch in text, f"where files are missing it says {text!r}; the folder should be named")
            require("\n" not in text, "what it says where files are missing has several lines; one is right")
        except OSError as error:
            raise ContractError(
                f"where files are missing it raises {type(error).__name__}; study.errors.UserError that names the "
                "folder is right"
            ) from error
        left = [path.name for path in root.iterdir()]
        require(not left, f"without download it writes {', '.join(left)} into the folder of its files")


def batches_in_order(entry: Entry) -> Remark | None:
    """Each split has images in [0, 1] of one shape, and labels below the number of classes, the same twice."""
    if (data := _loaded(entry)) is None:
        return NO_FILES
    require_type(data, Data, "it returns an object", "study.datasets.core.data.Data")
    require(data.classes >= 2, f"it has {data.classes} classes; at least 2 are right")
    for name in SPLITS:
        split = getattr(data, name)
        require(len(split) > 0, f"{name} is empty")
        images, count = [], 0
        for x, y in _some(data, split):
            _check_batch(name, data, x, y)
            images.append(x)
            count += len(x)
        whole = not _whole(data, split) or count == len(split)
        require(whole, f"{name} has {len(split)} images, and its batches {count}; every image comes once")
        again = [x for x, _ in _some(data, split)]
        require(same(images, again), f"{name} has other images the second time; without a generator nothing is drawn")
    return None


def training_batches(entry: Entry) -> Remark | None:
    """With a generator batches are full, and permuted and changed by that generator alone."""
    if (data := _loaded(entry)) is None:
        return NO_FILES
    size = min(TRAINING_SIZE, len(data.train))
    state = torch.get_rng_state()
    first, again, other = (_epoch(data, size, seed) for seed in (0, 0, 1))
    require(torch.equal(state, torch.get_rng_state()), "train draws from torch's global generator; draw from rng alone")
    whole = _whole(data, data.train)
    full = len(data.train) // size
    require(not whole or len(first) == full, f"an epoch has {len(first)} batches of {size}; {full} full ones are right")
    for x, y in first:
        require(len(x) == len(y) == size, f"a training batch has {len(x)} images where {size} are asked for")
        _check_batch("train", data, x, y)
    require(same(first, again), "two epochs with one seed differ; every draw should come from the generator rng")
    require(not torch.equal(first[0][0], other[0][0]), "with another seed an epoch is the same; permute it by rng")
    if whole:
        _, y = next(data.train.batches(10**6, torch.Generator().manual_seed(0)))
        in_order = torch.cat([y for _, y in data.train.batches(50)])
        require(len(y) == len(data.train), "a batch of more images than there are has not all of them")
        require(torch.equal(y.bincount(), in_order.bincount()), "an epoch has other labels than the split in order")
        require(not torch.equal(y, in_order), "an epoch with a generator is in order; permute it by rng")
    return None


def fingerprint(entry: Entry) -> Remark | None:
    """The fingerprint is 16 hexadecimal digits, the same at every load."""
    if (data := _loaded(entry)) is None:
        return NO_FILES
    text = data.fingerprint
    right = "study.datasets.core.data.fingerprint makes it of the images"
    require(re.fullmatch("[0-9a-f]{16}", text) is not None, f"its fingerprint is {text!r}, not 16 hex digits; {right}")
    again = _load(entry, entry.root).fingerprint
    require(text == again, f"its fingerprint is {text} and then {again}; it depends on the images alone: {right}")
    return None


def _load(entry: Entry, root: Path | None) -> Data:
    data: Data = entry.build(root=root, device=CPU, download=False)
    return data


def _loaded(entry: Entry) -> Data | None:
    """Returns the data, None where it is of files and nobody has said where they are."""
    try:
        return _load(entry, entry.root)
    except UserError:
        if entry.root is not None:
            raise
        return None


def _whole(data: Data, split: Split) -> bool:
    """Whether all of a split is looked at."""
    return len(split) * math.prod(data.shape) <= LARGE


def _some(data: Data, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
    """Returns batches in order: all of them, or the first of a large split."""
    return islice(split.batches(SIZE), None if _whole(data, split) else FEW)


def _epoch(data: Data, size: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    batches = data.train.batches(size, torch.Generator().manual_seed(seed))
    return list(islice(batches, None if _whole(data, data.train) else FEW))


def _check_batch(name: str, data: Data, x: Tensor, y: Tensor) -> None:
    shape, right = tuple(x.shape), (len(y), *data.shape)
    require(shape == right, f"a batch of {name} has the shape {shape}; {right} is right: (images, *data.shape)")
    require(x.dtype == torch.float32, f"images of {name} are {x.dtype}; float32 in [0, 1] is right")
    require(y.dtype == torch.int64, f"labels of {name} are {y.dtype}; int64 is right")
    require(x.device == y.device == CPU, f"a batch of {name} is on {x.device} and {y.device}, not on `device`")
    low, high = x.min().item(), x.max().item()
    require(low >= 0 and high <= 1, f"pixels of {name} are from {low:.3g} to {high:.3g}; [0, 1] is right")
    least, most = int(y.min()), int(y.max())
    inside = least >= 0 and most < data.classes
    require(inside, f"labels of {name} are from {least} to {most}; 0 to {data.classes - 1} are right for its classes")


CHECKS = named(form, documentation, without_files, batches_in_order, training_batches, fingerprint)
