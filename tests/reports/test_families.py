"""Corruptions by family: their places in a grid of panels."""

import pytest

from reports.core.families import cells_by_family, named


@pytest.mark.parametrize(
    ("sizes", "cells"),
    [
        ([3, 4, 4, 4], [0, 1, 2, *range(4, 16)]),
        ([2, 2, 5, 1], [0, 1, 2, 3, *range(4, 9), 9]),  # the last fits beside what the third leaves
        ([3, 2], [0, 1, 2, 4, 5]),
        ([1], [0]),
    ],
)
def test_no_family_is_broken_that_fits_a_row(sizes: list[int], cells: list[int]) -> None:
    families = [name for name, size in zip("abcd", sizes, strict=False) for _ in range(size)]
    assert cells_by_family(families, 4) == cells


def test_names_are_as_print_has_them() -> None:
    assert named("jpeg_compression") == "JPEG compression" and named("all") == "all corruptions"
    assert named("gaussian_noise") == "gaussian noise"
