"""The catalogue of corruptions, assembled from the family files, and the benchmarks made of them."""

from difflib import get_close_matches

from torch import Generator, Tensor

from study.errors import UserError
from study.evaluation.corruptions import blur, digital, geometric, lenses, noise, occlusions, stroke, waves, weather
from study.evaluation.corruptions.contract import Corruption
from study.evaluation.corruptions.levels import Level

CATALOG: dict[str, Corruption] = {
    corruption.name: corruption
    for module in (noise, blur, weather, digital, geometric, stroke, waves, occlusions, lenses)
    for corruption in module.CORRUPTIONS
}
"""Name -> corruption, family by family."""

SEVERITIES = (1, 2, 3, 4, 5)

_BOTH_BARS = ("blue_noise_sample", "brownish_noise", "checkerboard_cutout", "inverse_sparkles", "sparkles")
"""Corruptions of CIFAR-10-C-bar and of ImageNet-C-bar."""

BENCHMARKS: dict[str, tuple[str, ...]] = {
    "common": (
        *("gaussian_noise", "shot_noise", "impulse_noise"),
        *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
        *("snow", "frost", "fog", "brightness"),
        *("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    ),
    "extra": ("speckle_noise", "gaussian_blur", "spatter", "saturate"),
    "mnist": (
        *("shot_noise", "impulse_noise", "glass_blur", "motion_blur"),
        *("shear", "scale", "rotate", "brightness", "translate", "stripe", "fog", "spatter"),
        *("dotted_line", "zigzag", "canny_edges"),
    ),
    "c_bar": (
        *_BOTH_BARS,
        *("circular_motion_blur", "lines", "pinch_and_twirl", "ripple", "transverse_chromatic_abberation"),
    ),
    "c_bar_large": (
        *_BOTH_BARS,
        *("caustic_refraction", "cocentric_sine_waves", "perlin_noise", "plasma_noise", "single_frequency_greyscale"),
    ),
}
"""common: ImageNet-C's and CIFAR-10-C's 15. extra: their four held out. mnist: MNIST-C's 15. c_bar, c_bar_large: the
ten of CIFAR-10-C-bar and of ImageNet-C-bar (Mintun et al. 2021), chosen to resemble none of the 15."""


def corrupt(x: Tensor, name: str, severity: int, rng: Generator) -> Tensor:
    """Returns a new tensor: the images under a corruption, clipped to [0, 1].

    x: (B, C, H, W) float32 in [0, 1], C 1 or 3, H and W at least 8; untouched. severity: 1 to 5. rng: on x's
    device; each image has its own draws. Raises UserError for an unknown name or severity.
    """
    level = parameters(name, severity, (x.shape[1], x.shape[2], x.shape[3]))
    return CATALOG[name].apply(x, level, rng).clamp_(0, 1)


def parameters(name: str, severity: int, shape: tuple[int, int, int]) -> Level:
    """Returns the corruption's parameters for images of shape (channels, height, width); see `levels`."""
    if severity not in SEVERITIES:
        raise UserError(f"severity {severity!r} of {name} (from corruptions) is unknown. Valid: 1 to 5")
    channels, height, width = shape
    if channels not in (1, 3) or min(height, width) < 8:
        what = f"images of shape {shape} (from corruptions) cannot be corrupted."
        raise UserError(f"{what} They need 1 or 3 channels and at least 8 x 8 pixels")
    return _find(name).levels.at(severity, channels, min(height, width))


def benchmark_for(shape: tuple[int, int, int]) -> str:
    """Returns the benchmark for images of shape (channels, height, width): "mnist" at 1 x 28 x 28, else "common"."""
    return "mnist" if shape == (1, 28, 28) else "common"


def _find(name: str) -> Corruption:
    if name not in CATALOG:
        close = get_close_matches(name, CATALOG, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        valid = ", ".join(CATALOG)
        raise UserError(f"corruption {name!r} (from corruptions) is unknown. {hint}There are: {valid}")
    return CATALOG[name]
