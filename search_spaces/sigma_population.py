"""Noise and learning rate that change during training: a population finds the schedule (Jaderberg et al. 2017)."""

from search_spaces.core.space import Arm, Population, Range, Study

STUDY = Study(
    question="Should the noise level and the learning rate change during training, and how?",
    arms=(Arm(method="gnt", label="GNT"),),
    recipe={"epochs": 24},
    population=Population(
        mutate={"sigma": Range(0.05, 1.0, log=True), "lr": Range(2e-4, 2e-2, log=True)}, size=8, interval=3
    ),
    reports=("corruption_table",),
)
