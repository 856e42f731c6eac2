"""Seconds and memory of a training step against vanilla, sampled noise and PGD-k training (question 4 of Arous et
al. 2023).

The metric `step_cost` times all ways of training in turn, in one process; so the one arm is the network on which they
take their steps, and seeds are repetitions. Give the machine nothing else to do: `--max-concurrent 1`. At the size of
the paper: `--data mnist --model lenet5`; beyond it: `--data cifar10 --model preact_resnet18`.
At test time all of them are the deterministic network: there is nothing to compare.
"""

from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="What does the closed form cost beside vanilla, sampled noise and adversarial training?",
    arms=(Arm(method="standard", label="Vanilla"),),
    recipe={"epochs": 1},
    evaluate={"clean": {}, "step_cost": {"pgd": (1, 2, 3, 7)}},
    reports=("step_cost",),
    trial_seconds=10.0,
)
