"""The tables of docs/learned_sigma.md: LeNet-5 on MNIST, each way of training against the worst case of all
attacks.

    python -m benchmarks.learned_sigma_mnist --root DATA --out rows.jsonl [--seeds 0 1 2] [--only sigma]
    [--epochs 20]

One JSON line a (training, seed): settings, clean accuracy, PGD and worst-case accuracy at 0.1, 0.15, 0.2
(Linf, the first 250 test images), whether the masking flag is up, the learned sigma by epoch, seconds. Rows
that the file holds already are not trained again, so the script may be stopped and started at will. DATA
holds MNIST/raw.
Vanilla is trained first for each seed: it is the source of the transferred images.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from study.datasets.core.data import Data
from study.datasets.mnist import load
from study.evaluation.attacks.ball import Ball
from study.evaluation.attacks.objectives import margin
from study.evaluation.attacks.pgd import pgd
from study.evaluation.attacks.worst_case import Strength
from study.evaluation.robust import attack_rows
from study.models.core.classifier import initialise
from study.models.lenet5 import LeNet5
from trainers.core.loop import Fit, Recipe
from trainers.core.method import Method, generator
from trainers.gnt import GNT
from trainers.learned_sigma import LearnedSigma
from trainers.parts.operator_norm import operator_norm
from trainers.parts.sensitivity import first_layer
from trainers.standard import Standard

EPSILONS = (0.1, 0.15, 0.2)
STARTS = (0.1, 0.6, 1.5)


class SampledNoise(Standard):
    """Cross-entropy with one draw of the noise that LearnedSigma carries in closed form, tied to the first
    layer.
    """

    def __init__(self, *, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma

    def loss(self, model: nn.Module, views: tuple[Tensor, ...], y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean cross-entropy with noise added to the first layer's output."""
        layer = first_layer(model)
        s = self.sigma * operator_norm(layer, views[0].shape[2:])

        def disturb(module: nn.Module, inputs: tuple[Tensor, ...], h: Tensor) -> Tensor:  # noqa: ARG001
            return h + s * torch.empty_like(h).normal_(generator=rng)

        handle = layer.register_forward_hook(disturb)
        try:
            return super().loss(model, views, y, rng)
        finally:
            handle.remove()


class PGDTraining(Standard):
    """Adversarial training: 7 steps of PGD on the cross-entropy, a quarter of epsilon each (Madry et al.
    2018).
    """

    def __init__(self, *, epsilon: float) -> None:
        super().__init__()
        self.ball = Ball("linf", epsilon)

    def loss(self, model: nn.Module, views: tuple[Tensor, ...], y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean cross-entropy of attacked images."""

        def wrong(logits: Tensor, labels: Tensor) -> Tensor:
            return F.cross_entropy(logits, labels, reduction="none")

        moved = pgd(model, views[0], y, self.ball, wrong, steps=7, step=0.25, rng=rng)
        return F.cross_entropy(model(moved), y)


def trainings() -> dict[str, Callable[[], Method]]:
    """Returns every row of the tables by name, vanilla first."""

    def fixed(sigma: float, **options: Any) -> Callable[[], Method]:
        return lambda: LearnedSigma(sigma=sigma, learn=False, **options)

    def learned(sigma: float, beta: float, warmup: int | None, loss: Any) -> Callable[[], Method]:
        return lambda: LearnedSigma(sigma=sigma, beta=beta, warmup=warmup, loss=loss)

    rows: dict[str, Callable[[], Method]] = {"vanilla": Standard}
    rows |= {f"sigma {sigma}": fixed(sigma) for sigma in (0.0, 0.4, 0.6, 0.8, 1.1)}
    rows |= {f"{loss} 1.1": fixed(1.1, loss=loss) for loss in ("mse", "prob", "ece2", "bound", "probit")}
    rows |= {"diagonal 1.1": fixed(1.1, covariance="diagonal"), "untied 1.1": fixed(1.1, tie=None)}
    rows |= {"moment matched 0.6": fixed(0.6, covariance="moment_matched")}
    rows |= {
        "sampled tied 0.6": lambda: SampledNoise(sigma=0.6),
        "input 0.5": lambda: GNT(sigma=0.5, p_clean=0.0),
    }
    rows |= {"PGD-7 0.1": lambda: PGDTraining(epsilon=0.1)}
    for loss in ("mse+prob", "ece2"):
        for beta in (0.0, 0.02, 0.1, 0.5):
            for start in STARTS:
                rows[f"learned {loss} beta {beta} from {start}"] = learned(start, beta, 5, loss)
    rows["learned mse+prob beta 0.1 from 1.5, no warm-up"] = learned(1.5, 0.1, None, "mse+prob")
    return rows


def train(method: Method, data: Data, seed: int, epochs: int) -> tuple[nn.Module, list[dict[str, float]], float]:
    """Returns LeNet-5 after Adam 1e-3 with batches of 64, in evaluation mode, each epoch's metrics and the
    seconds.
    """
    device = torch.device("cpu")
    model = LeNet5(shape=data.shape, classes=data.classes)
    initialise(model, generator(device, seed, 0))
    recipe = Recipe(epochs=epochs, batch_size=64, lr=1e-3)
    fit = Fit(model, method, data.train, recipe, seed=seed, device=device)
    start = time.perf_counter()
    history = [fit.run_epoch() for _ in range(epochs)]
    return model.eval(), history, time.perf_counter() - start


def evaluate(model: nn.Module, data: Data, source: nn.Module | None, images: int) -> dict[str, Any]:
    """Returns the numbers of a row: clean accuracy of the test split, PGD, transfer, worst case, flags, logit
    size.
    """
    with torch.no_grad():
        outputs = [(model(x), y) for x, y in data.test.batches(500)]
    logits, labels = (torch.cat(part) for part in zip(*outputs, strict=True))
    x, y = (part[:images] for part in next(data.test.batches(max(images, 1))))
    rows = attack_rows(model, x, y, "linf", EPSILONS, Strength(), 0, source)

    def column(corruption: str, metric: str) -> list[float]:
        return [round(row.value, 4) for row in rows if (row.corruption, row.metric) == (corruption, metric)]

    return {
        "clean": round((logits.argmax(1) == labels).double().mean().item(), 4),
        "pgd": column("pgd", "accuracy"),
        "transfer": column("transfer", "accuracy"),
        "worst": column("worst", "accuracy"),
        "masked": column("masking", "flag"),
        "margin": round(-margin(logits, labels).median().item(), 2),
        "operator_norm": round(operator_norm(first_layer(model), (28, 28)).item(), 3),
    }


def main() -> None:
    """Trains and measures what is missing from the output file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", help="rows whose name starts so; vanilla is always trained")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--images", type=int, default=250)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    data = load(root=chosen.root, device=torch.device("cpu"))
    lines = chosen.out.read_text().splitlines() if chosen.out.exists() else []
    stored = {(row["name"], row["seed"], row["epochs"]) for row in map(json.loads, lines)}
    for seed in chosen.seeds:
        source, *history = train(Standard(), data, seed, chosen.epochs)
        for name, method in trainings().items():
            wanted = name == "vanilla" or not chosen.only or name.startswith(tuple(chosen.only))
            if not wanted or (name, seed, chosen.epochs) in stored:
                continue
            row: dict[str, Any] = {"name": name, "seed": seed, "epochs": chosen.epochs}
            try:
                model, epochs, seconds = (
                    (source, *history) if name == "vanilla" else train(method(), data, seed, chosen.epochs)
                )
            except ArithmeticError as error:
                row["diverged"] = str(error)
            else:
                row |= evaluate(model, data, None if name == "vanilla" else source, chosen.images)
                row |= {
                    "seconds": round(seconds, 1),
                    "sigma": [round(e["sigma"], 3) for e in epochs if "sigma" in e],
                }
            with chosen.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
