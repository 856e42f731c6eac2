"""Ablation of NoisyMix: the ten rows of table 4 of Erichson et al. 2022."""

from search_spaces.core.space import Arm, Study

PIECES = ("augment", "mix", "noise", "consistency")

ROWS = {
    "Baseline": "",
    "Noise injections": "noise",
    "Feature mixing": "mix",
    "Feature mixing, noise (NFM)": "mix noise",
    "Augmentations": "augment",
    "Augmentations, noise, JSD": "augment noise consistency",
    "Augmentations, JSD (AugMix)": "augment consistency",
    "Augmentations, mixing, noise": "augment mix noise",
    "Augmentations, mixing, JSD": "augment mix consistency",
    "NoisyMix": "augment mix noise consistency",
}
"""Label -> the pieces that are on, in the paper's order."""

STUDY = Study(
    question="Which of NoisyMix's four pieces (augmentations, feature mixing, noise, JSD) make it robust?",
    arms=tuple(
        Arm(method="noisymix", label=label, space={piece: None for piece in PIECES if piece not in on.split()})
        for label, on in ROWS.items()
    ),
    reports=("ablation", "component_effects", "corruption_heatmap", "corruption_table"),
    trial_seconds=5.0,
)
