"""One test image under every corruption that a study measures, for its page."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from study.datasets.core.data import Data
from study.evaluation.core.corrupted import known_benchmark
from study.evaluation.corruptions.benchmark import at_all_severities
from study.evaluation.corruptions.catalog import BENCHMARKS

LARGEST = 48
"""Pixels of a stored image's longer side; larger ones are made smaller after they were corrupted."""


def examples(data: Data, evaluate: Mapping[str, Mapping[str, Any]]) -> bytes | None:
    """Returns the first test image under every corruption, None where the metric "corruption" is not measured.

    evaluate: metric -> its options, checked. A NumPy archive: names (K,) of the benchmark's corruptions, and images
    (K, 6, H, W, C) uint8, the clean one first, then severities 1 to 5.
    """
    if "corruption" not in evaluate:
        return None
    options = evaluate["corruption"]
    names = BENCHMARKS[known_benchmark(options["benchmark"], data, "corruption")]
    first, _ = next(data.test.batches(1))
    image = (first[:1] * 255).round_().to(torch.uint8)
    rows = [at_all_severities(image, name, seed=options["seed"])[:, 0] for name in names]
    out = io.BytesIO()
    np.savez_compressed(out, names=np.array(names), images=np.stack([_small(row).numpy() for row in rows]))
    return out.getvalue()


def _small(images: Tensor) -> Tensor:
    """Returns images (N, C, H, W) as (N, H, W, C), no side longer than LARGEST."""
    factor = LARGEST / max(images.shape[-2:])
    if factor < 1:
        images = interpolate(images.float(), scale_factor=factor, mode="area").round_().to(torch.uint8)
    return images.permute(0, 2, 3, 1).contiguous().cpu()
