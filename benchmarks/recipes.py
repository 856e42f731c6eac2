"""Named recipes beside the published one: accuracy after a fixed budget of epochs, and the seconds these take.

python -m benchmarks.recipes --root DATA [--images 5000 --epochs 10 --width 16 --seeds 3 --names published fast]
DATA: CIFAR-10 as train.parquet and test.parquet. Vanilla training of a PreAct ResNet-18 on one thread.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np
import torch

from search_spaces import noisymix_cifar
from search_spaces.core.recipes import RECIPES
from study.datasets.core.data import Data, TensorSplit
from study.datasets.image_parquet import load
from study.evaluation.core.predict import accuracy
from study.models.core.classifier import initialise
from study.models.preact_resnet18 import PreActResNet18
from trainers.core.loop import Fit
from trainers.core.method import generator
from trainers.core.recipe import Recipe
from trainers.standard import Standard

CPU = torch.device("cpu")


def trained(data: Data, options: dict[str, object], width: int, seed: int) -> tuple[float, float]:
    """Returns test accuracy and the seconds of training."""
    model = PreActResNet18(shape=data.shape, classes=data.classes, width=width)
    initialise(model, generator(CPU, seed, 0))
    model.to(memory_format=torch.channels_last)
    fit = Fit(model, Standard(), data.train, Recipe(**options), seed=seed, device=CPU)  # type: ignore[arg-type]
    start = time.perf_counter()
    while not fit.done:
        fit.run_epoch()
    return accuracy(fit.measured_model, data.test), time.perf_counter() - start


def main() -> None:
    """Prints a row a recipe: mean and standard deviation over seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--names", nargs="+", default=["published", *RECIPES])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = load(root=arguments.root, device=CPU)
    assert isinstance(data.train, TensorSplit)
    train = dataclasses.replace(
        data.train, images=data.train.images[: arguments.images], labels=data.train.labels[: arguments.images]
    )
    data = dataclasses.replace(data, train=train)
    for name in arguments.names:
        options = dict(noisymix_cifar.STUDY.recipe if name == "published" else RECIPES[name])
        runs = [
            trained(data, {**options, "epochs": arguments.epochs}, arguments.width, s) for s in range(arguments.seeds)
        ]
        values, seconds = np.array(runs).T
        print(
            f"{name:10} {100 * values.mean():.1f} +- {100 * values.std(ddof=1):.1f}%  {seconds.mean():.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
