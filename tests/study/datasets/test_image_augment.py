import pytest
import torch
import torch.nn.functional as F

from study.datasets.core.augment import crop_and_flip, random_crop, random_flip


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("shape", "pad"), [((300, 3, 32, 32), 4), ((200, 1, 8, 12), 2), ((5, 2, 1, 1), 1)])
def test_each_crop_is_a_slice_of_its_padded_image(shape: tuple[int, ...], pad: int) -> None:
    x = torch.rand(shape, generator=_rng(1)) + 0.1
    out = random_crop(x, pad, _rng())
    height, width = shape[2:]
    seen = set()
    for image, got in zip(F.pad(x, [pad] * 4), out, strict=True):
        places = [
            (top, left)
            for top in range(2 * pad + 1)
            for left in range(2 * pad + 1)
            if torch.equal(image[:, top : top + height, left : left + width], got)
        ]
        assert places
        seen.update(places)
    if shape[0] == 300:
        assert len(seen) >= 75  # of the 81 places; 300 draws miss 2 on average


def test_the_place_is_the_generators_draw() -> None:
    x = torch.rand(64, 3, 16, 16)
    top, left = torch.randint(9, (2, 64, 1), generator=_rng()).flatten(1).tolist()
    want = [F.pad(x, [4] * 4)[i, :, top[i] : top[i] + 16, left[i] : left[i] + 16] for i in range(64)]
    assert torch.equal(random_crop(x, 4, _rng()), torch.stack(want))


def test_a_flip_mirrors_the_columns_of_about_its_share() -> None:
    x = torch.rand(4000, 1, 2, 3)
    out = random_flip(x, 0.3, _rng())
    flipped = torch.tensor([torch.equal(a[..., [2, 1, 0]], b) for a, b in zip(x, out, strict=True)])
    kept = torch.tensor([torch.equal(a, b) for a, b in zip(x, out, strict=True)])
    assert (flipped ^ kept).all()
    assert abs(flipped.float().mean() - 0.3) < 4 * (0.3 * 0.7 / 4000) ** 0.5


@pytest.mark.parametrize(("pad", "flip"), [(4, None), (None, 0.5), (4, 0.5)])
def test_input_is_not_written_and_draws_repeat(pad: int | None, flip: float | None) -> None:
    augment = crop_and_flip(pad, flip)
    assert augment is not None
    x = torch.rand(16, 3, 8, 8)
    before, state = x.clone(), torch.get_rng_state()
    assert torch.equal(augment(x, _rng()), augment(x, _rng()))
    assert not torch.equal(augment(x, _rng()), augment(x, _rng(1)))
    assert torch.equal(x, before) and torch.equal(state, torch.get_rng_state())


def test_off_is_none() -> None:
    assert crop_and_flip(None, None) is None
