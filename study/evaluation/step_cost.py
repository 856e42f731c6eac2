"""What a training step costs in time and memory: ways of training beside vanilla's, on the model that is measured."""

import copy
import statistics
import time
from collections.abc import Callable
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from study.datasets.core.data import Data
from study.evaluation.rows import Row
from trainers.adversarial import Adversarial
from trainers.core.method import Method, generator
from trainers.gnt import GNT
from trainers.learned_sigma import LearnedSigma
from trainers.standard import Standard

VANILLA = ("vanilla", 0)
Step = Callable[[], None]


def measure(
    model: nn.Module,
    data: Data,
    *,
    batch: Annotated[int, Ge(1)] = 64,
    rounds: Annotated[int, Ge(1)] = 9,
    pgd: tuple[Annotated[int, Ge(1)], ...] = (1, 7),
    seed: Annotated[int, Ge(0)] = 0,
) -> list[Row]:
    """Returns seconds and memory of a training step by vanilla training, the closed form of `learned_sigma` (tied
    and untied), sampled and input noise, and PGD-k training.

    Rows: benchmark "step_cost", corruption the way of training, severity k for PGD-k and else 0. Metrics: "seconds",
    the median over rounds; "ratio", the median over rounds of the step's time by that of vanilla's step in the same
    round, with its quartiles "ratio_low" and "ratio_high"; "memory", the most bytes that a step holds at once beyond
    weights, optimiser and batch.

    A step is forward, backward and Adam on one batch of the train split. Every way starts from a copy of the model
    and takes its steps in turn, because on a shared machine two separate runs compare the neighbours' load; the
    first round warms up and is left out. Time is the process's own on a CPU with one thread, else the wall's.
    batch: images. rounds: steps of each way. pgd: numbers k of attack steps. seed: of the methods' draws.
    The model is left as it is. Times are never the same twice: they are no part of a comparison of accuracies.
    Raises UserError where an image file cannot be read.

    Example:
        >>> rows = measure(model, data, batch=8, rounds=1, pgd=(1,))
        >>> rows[1]
        Row(benchmark='step_cost', corruption='vanilla', severity=0, metric='ratio', value=1.0...)
    """
    x, y = next(data.train.batches(batch))
    steps = {key: _stepper(method.to(x.device), model, x, y, seed) for key, method in _ways(pgd).items()}
    times = timed(steps, rounds, x.device)
    rows: list[Row] = []
    for (name, k), seconds in times.items():
        ratios = sorted(a / b for a, b in zip(seconds, times[VANILLA], strict=True))
        low, middle, high = statistics.quantiles(ratios, n=4) if rounds > 1 else ratios * 3
        values = {"seconds": statistics.median(seconds), "ratio": middle, "ratio_low": low, "ratio_high": high}
        values["memory"] = float(peak_bytes(steps[name, k], x.device))
        rows += [Row("step_cost", name, k, metric, value) for metric, value in values.items()]
    return rows


def timed(steps: dict[tuple[str, int], Step], rounds: int, device: torch.device) -> dict[tuple[str, int], list[float]]:
    """Returns each step's seconds, one a round, after a first round that is left out; the steps take turns."""
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    times: dict[tuple[str, int], list[float]] = {key: [] for key in steps}
    for _ in range(rounds + 1):
        for key, step in steps.items():
            start = clock()
            step()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times[key].append(clock() - start)
    return {key: seconds[1:] for key, seconds in times.items()}


def peak_bytes(step: Step, device: torch.device) -> int:
    """Returns the most bytes of tensors that a step holds at once, beyond what was there before it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step()
        return int(torch.cuda.max_memory_allocated(device) - before)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step()
    events = recorded.profiler.kineto_results.events()
    held = peak = 0
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def _ways(pgd: tuple[int, ...]) -> dict[tuple[str, int], Method]:
    """Returns (name, attack steps) -> method, vanilla first."""
    return {
        VANILLA: Standard(),
        ("closed form", 0): LearnedSigma(),
        ("untied closed form", 0): LearnedSigma(tie=None),
        ("sampled noise", 0): LearnedSigma(covariance="sampled", loss="ece2"),
        ("input noise", 0): GNT(p_clean=0.0),
        **{("PGD training", k): Adversarial(steps=k) for k in pgd},
    }


def _stepper(method: Method, model: nn.Module, x: Tensor, y: Tensor, seed: int) -> Step:
    trained = copy.deepcopy(model).train()
    trained.to(memory_format=method.memory_format(trained))
    rng = generator(x.device, seed)
    method.setup(trained, x, rng)
    groups: list[dict[str, object]] = [{"params": list(trained.parameters())}, *method.parameter_groups()]
    optimizer = torch.optim.Adam(groups, lr=1e-3, fused=True)

    def step() -> None:
        loss = method.loss(trained, x, y, rng)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


METRIC = measure
