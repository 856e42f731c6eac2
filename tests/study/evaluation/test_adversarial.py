"""Adversarial accuracy against a linear classifier, whose worst case is known."""

import math

import pytest
import torch
from torch import Tensor, nn

from study.datasets.core.data import Data, TensorSplit

pytest.importorskip("foolbox")

WEIGHTS = torch.randn(64, generator=torch.Generator().manual_seed(4))


class Halfspace(nn.Module):
    """Class 1 where WEIGHTS . (x - 1/2) > 0."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, x: Tensor) -> Tensor:
        score = self.scale * ((x.flatten(1) - 0.5) @ WEIGHTS)
        return torch.stack([-score, score], dim=1)


def measured(shape: tuple[int, int, int] = (1, 8, 8), **options: float) -> tuple[dict[str, float], Tensor]:
    from study.evaluation.adversarial import measure

    x = 0.3 + 0.4 * torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(5))
    split = TensorSplit((x * 255).to(torch.uint8), torch.zeros(60, dtype=torch.int64))
    score = (split.images.float().div(255).flatten(1) - 0.5) @ WEIGHTS
    split.labels[:] = (score > 0).long()
    split.labels[:6] = 1 - split.labels[:6]  # already wrong
    score[:6] = 0
    model = Halfspace().train()
    rows = measure(model, Data(split, split, split, 2, shape, ""), batch=25, **options)
    assert model.training and model.scale.requires_grad and model.scale.grad is None
    assert {(row.benchmark, row.severity, row.metric) for row in rows} == {("adversarial", 0, "accuracy")}
    return {row.corruption: row.value for row in rows}, score.abs()


def test_accuracy_is_the_share_further_away_than_the_budget():
    found, score = measured(epsilon_l2=0.1, epsilon_linf=0.02)
    far = float((score / WEIGHTS.norm() > 0.1).float().mean())
    assert 0.1 < far < 0.9
    assert found["pgd_l2"] == pytest.approx(far, abs=0.04)
    assert found["ddn_l2"] == pytest.approx(far, abs=0.04)
    assert found["worst_l2"] <= min(found["pgd_l2"], found["ddn_l2"])
    far = float((score / WEIGHTS.abs().sum() > 0.02).float().mean())
    assert found["pgd_linf"] == pytest.approx(far, abs=0.04)


def test_default_budget_grows_with_the_image():
    budget = 0.12 * math.sqrt(64 / (3 * 224 * 224))
    default, _ = measured()
    assert default == measured(epsilon_l2=budget, epsilon_linf=0.001)[0]
    assert default["worst_l2"] > 0.8
    assert measured(epsilon_l2=0.5)[0]["worst_l2"] < default["worst_l2"]
