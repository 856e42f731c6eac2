"""Vanilla training, AugMix and NoisyMix on CIFAR-10 by the published recipe (Erichson et al. 2022, section 4.3).

On a CPU make it narrow and short: --set model.width=8 --epochs 10, and say so beside the numbers.
"""

from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="Does robustness to corruptions rise from vanilla training over AugMix to NoisyMix?",
    arms=(
        Arm(method="standard", label="Baseline"),
        Arm(method="augmix", label="AugMix"),
        Arm(method="noisymix", label="NoisyMix"),
    ),
    data="cifar10",
    model="preact_resnet18",
    recipe={
        "epochs": 200,
        "batch_size": 128,
        "optimizer": "sgd",
        "lr": 0.1,
        "weight_decay": 5e-4,
        "schedule": "cosine",
    },
    evaluate={"clean": {}, "corruption": {}, "c_bar": {}},
    reports=(
        "method_comparison",
        "family_bars",
        "corruption_heatmap",
        "severity_curves",
        "carries_over",
        "corruption_table",
        "mce_table",
    ),
    trial_seconds=550_000.0,
    test_images=10_000,
)
