"""Which spatial frequencies break which training (Yin et al. 2019): Fourier heat maps beside corruptions."""

from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="To which spatial frequencies do noise, augmentation and adversarial training make a classifier robust?",
    arms=(
        Arm(method="standard", label="Vanilla"),
        Arm(method="gnt", label="GNT", space={"sigma": 0.5}),
        Arm(method="patch_gaussian", label="Patch Gaussian"),
        Arm(method="augmix", label="AugMix"),
        Arm(method="auto_augment", label="AutoAugment"),
        Arm(method="adversarial", label="Adversarial (PGD)"),
    ),
    evaluate={"clean": {}, "corruption": {}, "fourier": {}},
    reports=("fourier_map", "corruption_heatmap", "corruption_table"),
)
