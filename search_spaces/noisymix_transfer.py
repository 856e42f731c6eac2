"""Does robustness transfer? Fine-tunes trained models on another dataset (Erichson et al. 2022, table 5).

Sized for the embedded digits: parents learn to tell 0 to 4 apart, their children 5 to 9, with a new last layer. The
paper has ImageNet parents and CIFAR children. Other datasets: launch the parents with `--data A`, the children with
`--data B`, both with one `--model`; one of fixed size (`small_cnn`) needs images of one size, a residual network none.
"""

from search_spaces.core.space import Arm, Study

PARENTS = ("Baseline", "PuzzleMix", "Mixup", "AutoAugment", "AugMix", "NoisyMix")

STUDY = Study(
    question="Do models that were trained to be robust stay so when they are fine-tuned on another dataset?",
    arms=(
        Arm(method="standard", label="From scratch"),
        *(Arm(method="standard", label=label, parent=label) for label in PARENTS),
    ),
    data_options={"labels": (5, 6, 7, 8, 9)},
    recipe={"epochs": 10, "lr": 3e-4},
    reports=("transfer_table", "corruption_table"),
    trial_seconds=2.0,
    parents="augmentation_baselines --set data.labels=[0,1,2,3,4]",
)
