import pytest
import torch

from study.evaluation.corruptions.benchmark import corrupted
from trainers.core.method import generator

CPU = torch.device("cpu")
IMAGES = torch.randint(0, 256, (23, 3, 9, 8), generator=generator(CPU, 0)).to(torch.uint8)


@pytest.mark.parametrize("name", ["gaussian_noise", "snow", "glass_blur", "elastic_transform"])
def test_results_depend_on_seed_name_severity_and_chunk_alone(name):
    first = corrupted(IMAGES, name, 3, seed=1, chunk=10)
    corrupted(IMAGES, "fog", 2, seed=1)
    assert first.dtype == torch.uint8
    assert torch.equal(first, corrupted(IMAGES, name, 3, seed=1, chunk=10))
    assert torch.equal(first[:10], corrupted(IMAGES[:10], name, 3, seed=1, chunk=10))
    assert not torch.equal(first, corrupted(IMAGES, name, 3, seed=2, chunk=10))


def test_chunks_and_severities_have_draws_of_their_own():
    same = IMAGES[:1].repeat(20, 1, 1, 1)
    made = corrupted(same, "gaussian_noise", 3, seed=1, chunk=10)
    assert not torch.equal(made[:10], made[10:])
    quiet, loud = (corrupted(same, "gaussian_noise", s, seed=1).float() - same for s in (1, 5))
    correlation = torch.corrcoef(torch.stack((quiet.flatten(), loud.flatten())))[0, 1]
    assert abs(float(correlation)) < 0.3


def test_grey_levels_are_rounded_down_as_published():
    grey = torch.full((1, 1, 8, 8), 100, dtype=torch.uint8)
    made = corrupted(grey, "brightness", 1, seed=0)  # 100 / 255 + 0.1 is grey level 125.5
    assert made.unique().tolist() == [125]
