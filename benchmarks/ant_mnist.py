"""Table 2 of Rusak et al. 2020 on MNIST: clean accuracy and epsilon* under three noises, for three methods.

python -m benchmarks.ant_mnist --root DATA [--seeds 3 --pretrain 5 --epochs 20 --images 1000 ...]
Each seed's vanilla classifier is the start of all three, which train on for the same number of epochs.
ANT's schedule is the published one: 1,001 steps of a new generator before each epoch, beside the 937 joint steps of an
epoch. `--restart-every 5` costs a fifth of them.
"""

import argparse
import copy
import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import nn

from study.datasets.core.data import Data, TensorSplit
from study.datasets.mnist import load
from study.evaluation.noise_distance import measure
from study.models.core.classifier import Classifier, initialise
from trainers.ant import ANT
from trainers.core.loop import Fit
from trainers.core.method import Method, generator
from trainers.core.recipe import Recipe
from trainers.gnt import GNT
from trainers.parts.modes import evaluating
from trainers.standard import Standard

CPU = torch.device("cpu")


def madry_net(rng: torch.Generator) -> Classifier:
    """Returns the usual MNIST network of adversarial training: 5x5 convolutions of 32 and 64, 1024 units."""
    model = Classifier(
        nn.Sequential(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Flatten(), nn.Linear(7 * 7 * 64, 1024), nn.ReLU(), nn.Linear(1024, 10)),
    )
    initialise(model, rng)
    return model


@torch.no_grad()
def accuracy(model: nn.Module, data: Data) -> float:
    """Returns the accuracy on clean test images."""
    with evaluating(model):
        right = sum(int((model(x).argmax(1) == y).sum()) for x, y in data.test.batches(500))
    return right / len(data.test)


def train(model: nn.Module, method: Method, data: Data, epochs: int, seed: int) -> None:
    """Trains in place, Adam at 1e-3 falling along a cosine."""
    recipe = Recipe(epochs=epochs, batch_size=64, schedule="cosine")
    fit = Fit(model, method, data.train, recipe, seed=seed, device=CPU)
    while not fit.done:
        fit.run_epoch()


def main() -> None:
    """Prints a row a method: mean and standard deviation over seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder that holds MNIST/raw")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pretrain", type=int, default=5, help="epochs of the vanilla start")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of each method from there")
    parser.add_argument("--train", type=int, default=0, help="training images; 0: all")
    parser.add_argument("--images", type=int, default=1000, help="test images of epsilon*")
    parser.add_argument("--generators", type=int, default=4)
    parser.add_argument("--max-steps", type=int, default=3000, help="of each generator of epsilon*")
    parser.add_argument("--restart-every", type=int, default=1)
    parser.add_argument("--restart-steps", type=int, default=1001)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = load(root=arguments.root, device=CPU)
    if arguments.train:
        whole = data.train
        assert isinstance(whole, TensorSplit)
        few = TensorSplit(whole.images[: arguments.train], whole.labels[: arguments.train])
        data = dataclasses.replace(data, train=few)
    ant = {"restart_every": arguments.restart_every, "restart_steps": arguments.restart_steps}
    results: dict[str, list[list[float]]] = {"vanilla": [], "gnt 0.5": [], "ant 1x1": []}
    for seed in range(arguments.seeds):
        start = madry_net(generator(CPU, seed, 0))
        train(start, Standard(), data, arguments.pretrain, seed)
        methods = (Standard(), GNT(sigma=0.5), ANT(**ant))
        for (name, numbers), method in zip(results.items(), methods, strict=True):
            model = copy.deepcopy(start)
            train(model, method, data, arguments.epochs, seed + 1000)
            rows = measure(
                model,
                data,
                images=arguments.images,
                generators=arguments.generators,
                max_steps=arguments.max_steps,
                batch=64,
            )
            values = [
                float(np.mean([row.value for row in rows if row.corruption == noise]))
                for noise in ("gaussian", "uniform", "adversarial")
            ]
            numbers.append([100 * accuracy(model, data), *values])
            print(f"# seed {seed} {name}: " + " ".join(f"{value:.2f}" for value in numbers[-1]), flush=True)
    print("method    clean %          gaussian         uniform          adversarial")
    for name, numbers in results.items():
        mean, spread = np.mean(numbers, axis=0), np.std(numbers, axis=0, ddof=min(1, len(numbers) - 1))
        cells = (f"{m:6.2f} +- {s:5.2f} " for m, s in zip(mean, spread, strict=True))
        print(f"{name:9} " + " ".join(cells))


if __name__ == "__main__":
    main()
