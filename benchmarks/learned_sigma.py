"""What a training step costs: the closed-form method beside vanilla, sampled noise and PGD-7, in one run.

    python -m benchmarks.learned_sigma [--device cuda] [--threads 1] [--rounds 9] [--models lenet5 resnet18]

Prints, for each model, the median over interleaved rounds of each step's time in milliseconds and its ratio
to vanilla's step of the same round. A step is forward, backward and Adam on one batch; every way of training
starts from the same weights. Interleaved, because on a shared machine two separate runs compare the
neighbours' load.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.learned_sigma_mnist import PGDTraining, SampledNoise
from study.models.lenet5 import LeNet5
from study.models.preact_resnet18 import PreActResNet18
from trainers.core.method import Method, generator
from trainers.learned_sigma import LearnedSigma
from trainers.standard import Standard

MODELS: dict[str, tuple[Callable[..., nn.Module], tuple[int, int, int, int]]] = {
    "lenet5": (LeNet5, (64, 1, 28, 28)),
    "resnet18": (PreActResNet18, (16, 3, 32, 32)),
}


def methods() -> dict[str, Method]:
    """Returns what is timed, vanilla first."""
    return {
        "vanilla": Standard(),
        "full": LearnedSigma(),
        "full, untied": LearnedSigma(tie=None),
        "diagonal": LearnedSigma(covariance="diagonal"),
        "sampled, tied": SampledNoise(sigma=0.6),
        "PGD-7": PGDTraining(epsilon=0.1),
    }


def stepper(method: Method, model: nn.Module, x: Tensor, y: Tensor) -> Callable[[], None]:
    """Returns a function that takes one training step."""
    method.to(x.device)
    groups: list[dict[str, object]] = [{"params": list(model.parameters())}, *method.parameter_groups()]
    optimizer = torch.optim.Adam(groups, lr=1e-3, fused=True)
    rng = generator(x.device, 0)

    def step() -> None:
        loss = method.loss(model, method.views(x, rng), y, rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if x.is_cuda:
            torch.cuda.synchronize()

    return step


def main() -> None:
    """Times every method on every model and prints the table."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    device = torch.device(chosen.device)
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    for name in chosen.models:
        build, shape = MODELS[name]
        rng = generator(device, 1)
        x = torch.rand(shape, generator=rng, device=device)
        y = torch.randint(10, shape[:1], generator=rng, device=device)
        start = build(shape=shape[1:], classes=10).to(device).train()
        steps = {title: stepper(method, copy.deepcopy(start), x, y) for title, method in methods().items()}
        times: dict[str, list[float]] = {title: [] for title in steps}
        for _ in range(chosen.rounds + 1):
            for title, step in steps.items():
                before = clock()
                step()
                times[title].append((clock() - before) * 1e3)
        print(f"{name}, batch {shape[0]}, {device}, {chosen.threads} threads, {chosen.rounds} rounds")
        for title, measured in times.items():  # the first round warms up
            ratio = statistics.median(a / b for a, b in zip(measured[1:], times["vanilla"][1:], strict=True))
            print(f"  {title:14} {statistics.median(measured[1:]):9.2f} ms  {ratio:5.2f} x vanilla")


if __name__ == "__main__":
    main()
