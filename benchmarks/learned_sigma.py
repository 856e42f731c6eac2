"""What a training step costs: the closed-form method beside vanilla, sampled noise and PGD-7, in one run.

    python -m benchmarks.learned_sigma [--device cuda] [--threads 1] [--rounds 9] [--models lenet5 resnet18]

Prints the table of the study `stochastic_cost` (metric `step_cost`) for networks of the sizes that the method's aim
names, on made-up images: the study needs the datasets. The operator norm is timed alone beside it.
"""

import argparse
import statistics

import pandas as pd
import torch
from torch import nn

from reports import step_cost as report
from study.datasets.core.data import Data, TensorSplit
from study.evaluation.step_cost import Step, measure, timed
from study.models.lenet5 import LeNet5
from study.models.preact_resnet18 import PreActResNet18
from trainers.parts.operator_norm import operator_norm
from trainers.parts.sensitivity import first_layer

SIZES = {"lenet5": (64, (1, 28, 28)), "resnet18": (16, (3, 32, 32))}
"""Batch and images of each network."""


def build(name: str) -> nn.Module:
    """Returns the network at its usual width."""
    _, shape = SIZES[name]
    return (LeNet5 if name == "lenet5" else PreActResNet18)(shape=shape, classes=10)


def random_data(batch: int, shape: tuple[int, int, int], device: torch.device) -> Data:
    """Returns one batch of noise with labels, as every split."""
    rng = torch.Generator().manual_seed(1)
    images = torch.randint(256, (batch, *shape), generator=rng, dtype=torch.uint8)
    split = TensorSplit(images.to(device), torch.randint(10, (batch,), generator=rng).to(device))
    return Data(train=split, validation=split, test=split, classes=10, shape=shape, fingerprint="")


def norm_step(model: nn.Module, shape: tuple[int, int, int]) -> Step:
    """Returns a function that takes the first layer's operator norm and its gradient."""
    return lambda: operator_norm(first_layer(model), shape[1:]).backward()


def main() -> None:
    """Times every way of training on every model and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--models", nargs="+", default=list(SIZES), choices=list(SIZES))
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    device = torch.device(chosen.device)
    for name in chosen.models:
        batch, shape = SIZES[name]
        model = build(name).to(device, memory_format=torch.channels_last)
        rows = measure(model, random_data(batch, shape, device), batch=batch, rounds=chosen.rounds, pgd=(7,))
        norm = timed({("norm", 0): norm_step(model, shape)}, chosen.rounds, device)
        print(f"{name}, batch {batch}, {device}, {chosen.threads} threads, {chosen.rounds} rounds")
        print(report.table(report.points(pd.DataFrame(rows))).to_string(index=False))
        print(f"operator norm and its gradient: {1e3 * statistics.median(norm['norm', 0]):.2f} ms")


if __name__ == "__main__":
    main()
