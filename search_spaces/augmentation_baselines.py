"""Augmentation schemes side by side, as in tables 2 and 3 of Erichson et al. 2022, beside noise and attacks."""

from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="How do augmentation, mixing, noise and adversarial training compare in robustness to corruptions?",
    arms=(
        Arm(method="standard", label="Baseline"),
        Arm(method="mixup", label="Mixup"),
        Arm(method="manifold_mixup", label="Manifold mixup"),
        Arm(method="cutmix", label="CutMix"),
        Arm(method="nfm", label="NFM"),
        Arm(method="augmix", label="AugMix"),
        Arm(method="auto_augment", label="AutoAugment"),
        Arm(method="patch_gaussian", label="Patch Gaussian"),
        Arm(method="gnt", label="GNT", space={"sigma": 0.5}),
        Arm(method="adversarial", label="Adversarial (PGD)"),
        Arm(method="noisymix", label="NoisyMix"),
    ),
    reports=("method_comparison", "corruption_table"),
    trial_seconds=5.0,
)
