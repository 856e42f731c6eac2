"""Augmentation schemes side by side, as in tables 2 and 3 of Erichson et al. 2022, beside noise and attacks.

The stylised row of table 1 comes with the data, to all arms at once, so it is a launch of its own, of which it is the
Baseline: `--data image_folder --set data.stylised=FOLDER`, a folder of restyled images beside train/.
"""

from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="How do augmentation, mixing, noise and adversarial training compare in robustness to corruptions?",
    arms=(
        Arm(method="standard", label="Baseline"),
        Arm(method="mixup", label="Mixup"),
        Arm(method="manifold_mixup", label="Manifold mixup"),
        Arm(method="cutmix", label="CutMix"),
        Arm(method="puzzle_mix", label="PuzzleMix"),
        Arm(method="nfm", label="NFM"),
        Arm(method="augmix", label="AugMix"),
        Arm(method="auto_augment", label="AutoAugment"),
        Arm(method="trivial_augment", label="TrivialAugment"),
        Arm(method="prime", label="PRIME"),
        Arm(method="afa", label="AFA"),
        Arm(method="patch_gaussian", label="Patch Gaussian"),
        Arm(method="gnt", label="GNT", space={"sigma": 0.5}),
        # Radii of the L2 ball are for images of one size; those of the other norms are for all.
        Arm(method="p_norm_noise", label="p-norm noise", space={"l2": None}),
        Arm(method="adversarial", label="Adversarial (PGD)"),
        Arm(method="free_adversarial", label="Adversarial (free)"),
        Arm(method="augmax", label="AugMax"),
        Arm(method="noisymix", label="NoisyMix"),
    ),
    evaluate={"clean": {}, "corruption": {}, "c_bar": {}, "calibration": {"severities": (1, 2, 3, 4, 5)}},
    reports=(
        *("method_comparison", "family_bars", "corruption_heatmap", "severity_curves", "trade_off", "reliability"),
        "carries_over",
        "corruption_table",
        "mce_table",
        "calibration_table",
    ),
    trial_seconds=5.0,
)
