"""Named recipes: options of training, as `trainers.core.recipe.Recipe` explains them, for `--recipe NAME`."""

from collections.abc import Mapping
from typing import Any

RECIPES: Mapping[str, Mapping[str, Any]] = {
    "fast": {
        "epochs": 20,
        "batch_size": 128,
        "optimizer": "sgd",
        "lr": 0.1,
        "weight_decay": 5e-4,
        "schedule": "linear",
        "warmup_ratio": 0.2,
        "label_smoothing": 0.1,
        "ema_decay": 0.98,
    },
}
"""fast: for networks on images of CIFAR's size and few epochs: what public speed runs share and what holds for any
method (a short linear warm-up, a linear fall to 0, smoothed labels, averaged weights)."""
