"""Corruptions on a pretended GPU: none mixes it with the CPU."""

import pytest
import torch

from study.evaluation.corruptions.catalog import CATALOG, corrupt
from study.plan.contracts.core.findings import ContractError
from study.plan.contracts.core.pretended import GPU, pretended_gpu

READS = {"defocus_blur", "glass_blur", "motion_blur", "snow", "spatter", "canny_edges"}
"""Those that read a value, of a kernel or to end a loop; each is made once a dataset, not once a step."""


@pytest.mark.parametrize("name", CATALOG)
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28)])
def test_images_on_a_gpu_stay_there(name: str, shape: tuple[int, int, int]) -> None:
    try:
        with pretended_gpu(name) as rng:
            corrupted = corrupt(torch.rand(4, *shape, device=GPU), name, 3, rng)
        assert corrupted.device == GPU
    except ContractError as error:
        assert name in READS and "reads a tensor's value" in str(error)
