"""What a step does on a GPU: whether a stored fit goes on bit for bit, how often it waits, and how long it takes."""

import io
import math
import time
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.gpu.agree import BATCH, Result, digits_fit, method, result
from study.datasets.core.data import TensorSplit
from study.models.core.classifier import Classifier
from study.models.preact_resnet18 import PreActResNet18
from study.plan.contracts.core.fresh import CPU
from study.registry.lookup import names
from trainers.core.loop import Fit
from trainers.core.method import generator
from trainers.core.recipe import Recipe

SIDE, CLASSES, BATCH_SIZE, BATCHES = 32, 10, 128, 30
TIMED = ("standard", "gnt", "ant", "augmix", "noisymix")
PRECISIONS = {
    "float32 (TF32 convolutions)": {"precision": "float32"},
    "bf16": {"precision": "bf16"},
    "bf16 compiled": {"precision": "bf16", "compile": "default"},
}


def resumes(device: torch.device) -> Iterator[tuple[str, Result]]:
    """Stores each method's fit after one epoch of two and goes on from the file: how many weights then differ."""
    for name in names("method"):
        whole, half = digits_fit(name, device, 4, epochs=2), digits_fit(name, device, 4, epochs=2)
        for fit in (whole, whole, half):
            fit.run_epoch()
        stored = io.BytesIO()
        torch.save(half.state_dict(), stored)
        stored.seek(0)
        rest = digits_fit(name, device, 4, epochs=2)
        rest.load_state_dict(torch.load(stored, weights_only=True, map_location="cpu"))
        rest.run_epoch()
        pairs = zip(whole.model.state_dict().values(), rest.model.state_dict().values(), strict=True)
        yield name, result(float(sum(int((a != b).sum()) for a, b in pairs)), 0.0, "weights that differ")


def waits(device: torch.device) -> Iterator[tuple[str, Result]]:
    """Counts how often each method's step waits for the device: forward, backward and optimiser, after a first one."""
    if device.type != "cuda":
        return
    for name in names("method"):
        fit = digits_fit(name, device, 4, epochs=3)
        fit.run_epoch()
        x, y = next(fit.data.batches(BATCH))
        step = _step(fit, x, y)
        step()
        with _Waits(device) as places:
            step()
        limit = {"value": float(len(places)), "limit": 0.0, "unit": "waits a step"}
        yield name, limit | ({"places": sorted(set(places))} if places else {})


def times(device: torch.device) -> Iterator[tuple[str, Result]]:
    """Times steps of PreAct ResNet-18 on images of 32 px, batch 128, data and optimiser included, in milliseconds.

    augmentation: the share of the step's time that the same step takes with a linear model instead.
    """
    split = _images(device)
    for precision, options in PRECISIONS.items():
        for name in TIMED:
            began = time.perf_counter()
            step, memory = _milliseconds(name, _resnet(), split, device, **options)
            linear, _ = _milliseconds(name, _linear(), split, device, precision=options["precision"])
            yield (
                f"{name}, {precision}",
                {
                    "ms": round(step, 3),
                    "augmentation": round(linear / step, 3),
                    "images_per_s": round(1000 * BATCH_SIZE / step),
                    "peak_mb": round(memory / 1e6),
                    "seconds_to_measure": round(time.perf_counter() - began, 1),
                },
            )


def _step(fit: Fit, x: Tensor, y: Tensor) -> Any:
    fit.model.train()

    def step() -> None:
        loss = fit.method.loss(fit.model, x, y, fit.draws)
        fit.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        fit.optimizer.step()

    return step


class _Waits:
    """Collects where the host waits for the device: file and line of each."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.places = device, list[str]()
        self.caught = warnings.catch_warnings(record=True)

    def __enter__(self) -> list[str]:
        torch.cuda.synchronize(self.device)
        self.recorded = self.caught.__enter__()
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        return self.places

    def __exit__(self, *error: object) -> None:
        torch.cuda.set_sync_debug_mode("default")
        self.caught.__exit__(None, None, None)
        said = [w for w in self.recorded or () if "called a synchronizing" in str(w.message)]
        self.places += [f"{'/'.join(w.filename.split('/')[-3:])}:{w.lineno}" for w in said]


def _images(device: torch.device) -> TensorSplit:
    draws = generator(device, 5)
    shape = (BATCHES * BATCH_SIZE, 3, SIDE, SIDE)
    images = torch.randint(0, 256, shape, generator=draws, device=device, dtype=torch.uint8)
    return TensorSplit(images, torch.randint(CLASSES, shape[:1], generator=draws, device=device))


def _milliseconds(
    name: str, model: Classifier, split: TensorSplit, device: torch.device, **recipe: Any
) -> tuple[float, int]:
    """Returns the best of four epochs' mean time of a step, after one that warms up, and the most memory in use."""
    built = method(name, device)
    model.initialise(generator(CPU, 0))
    model.to(device, memory_format=built.memory_format(model))
    options = Recipe(epochs=5, batch_size=BATCH_SIZE, optimizer="sgd", lr=1e-3, **recipe)
    fit = Fit(model, built, split, options, seed=0, device=device)
    fit.run_epoch()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    best = math.inf
    for _ in range(4):
        start = time.perf_counter()
        fit.run_epoch()  # reads the loss, so the device has ended
        best = min(best, time.perf_counter() - start)
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return 1000 * best / BATCHES, memory


def _resnet() -> Classifier:
    return PreActResNet18(shape=(3, SIDE, SIDE), classes=CLASSES)


def _linear() -> Classifier:
    """Returns the cheapest model that every method can enter between stages."""
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten())
    return Classifier(nn.Conv2d(3, 3, 1), pool, nn.Linear(48, CLASSES))
