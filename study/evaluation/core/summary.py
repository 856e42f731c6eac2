"""From accuracies of many corruptions to one number: plain arithmetic over names and arrays.

`accuracy`, `error` and `flips` map a name to its values over severities, fractions in [0, 1].
"""

from collections.abc import Mapping, Sequence

import numpy as np

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
"""The fifteen corruptions of ImageNet-C and CIFAR-10-C, by family (Hendrycks & Dietterich, 2019)."""

HELD_OUT = {"noise": "speckle_noise", "blur": "gaussian_blur", "weather": "spatter", "digital": "saturate"}
"""The four extra corruptions meant for tuning on, by family; not part of any mean."""

ALEXNET_ERROR: Mapping[str, float] = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
"""The reference of ImageNet-C: AlexNet's top-1 error, the mean over the five severities."""

ALEXNET_CLEAN_ERROR = 0.4348
"""AlexNet's top-1 error on clean ImageNet, for the relative mCE of ImageNet-C."""

Values = Mapping[str, Sequence[float]]


def family(name: str) -> str | None:
    """Returns the family of a corruption, held out or not; None for a name of another benchmark."""
    return next((key for key, names in FAMILIES.items() if name in (*names, HELD_OUT[key])), None)


def mean_accuracy(accuracy: Values) -> float:
    """Returns the mean over corruptions of the mean over severities."""
    return float(np.mean([np.mean(values) for values in accuracy.values()]))


def corruption_accuracies(accuracy: Values) -> dict[str, float]:
    """Returns mean accuracies: `all`, `without_noise`, and one for each family that occurs.

    Held-out corruptions count nowhere. Names of other benchmarks (MNIST-C's stripe) count in `all`, and in
    `without_noise` unless they end in `_noise`.
    """
    kept = {name: values for name, values in accuracy.items() if name not in HELD_OUT.values()}
    groups = {"all": list(kept), "without_noise": [name for name in kept if not name.endswith("_noise")]}
    groups |= {key: [name for name in kept if name in names] for key, names in FAMILIES.items()}
    return {key: mean_accuracy({name: kept[name] for name in names}) for key, names in groups.items() if names}


def mce(error: Values, reference: Values) -> float:
    """Returns mean_c(sum_s E_c,s / sum_s R_c,s), the mean corruption error against a reference's errors R.

    Hendrycks & Dietterich, 2019, "Benchmarking neural network robustness". 1 is as good as the reference, and
    less is better. The reference decides the corruptions; both must have the same severities of each, except
    that one reference value stands for the mean over severities (`{name: [value]}`, as ALEXNET_ERROR is
    known). KeyError where a corruption of the reference was not measured.
    """
    return float(np.mean([np.mean(error[name]) / np.mean(values) for name, values in reference.items()]))


def relative_mce(error: Values, clean: float, reference: Values, reference_clean: float) -> float:
    """Returns mean_c(sum_s (E_c,s - E_clean) / sum_s (R_c,s - R_clean)): how much worse than on clean images.

    Source and arguments as in `mce`; `clean` and `reference_clean` are the errors on clean images.
    """
    ratios = [
        (np.mean(error[name]) - clean) / (np.mean(values) - reference_clean) for name, values in reference.items()
    ]
    return float(np.mean(ratios))


def alexnet() -> dict[str, list[float]]:
    """Returns ImageNet-C's reference errors in the form that `mce` takes."""
    return {name: [value] for name, value in ALEXNET_ERROR.items()}


def mean_flip_rate(flips: Values, reference: Values) -> float:
    """Returns mean_p(FP_p / R_p), flip probabilities against a reference's (Hendrycks & Dietterich, 2019).

    The reference decides the perturbations; KeyError where one of them was not measured.
    """
    return mce(flips, reference)
