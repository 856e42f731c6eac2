"""Mixing, noise levels and learning rate of NoisyMix that change during training: a population finds the schedule."""

from search_spaces.core.space import Arm, Population, Range, Study

STUDY = Study(
    question="Should NoisyMix's mixing and noise levels change during training, and how?",
    arms=(Arm(method="noisymix", label="NoisyMix"),),
    recipe={"epochs": 24},
    population=Population(
        mutate={
            "mix.alpha": Range(0.1, 2.0, log=True),
            "noise.additive": Range(0.05, 1.0),
            "noise.multiplicative": Range(0.05, 1.0),
            "lr": Range(2e-4, 2e-2, log=True),
        },
        size=8,
        interval=3,
    ),
    reports=("corruption_table",),
    trial_seconds=5.0,
)
