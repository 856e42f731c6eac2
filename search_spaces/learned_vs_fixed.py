"""Is a learned sigma as good as the best fixed one, and where does it settle? (Question 1 of Arous et al. 2023.)

The default is the embedded digits; the numbers of docs/learned_sigma_notes.md are LeNet-5 on MNIST: `--data mnist
--model lenet5 --epochs 20`. beta 0 is the ablation: without a price of information sigma has nothing to hold it up.
"""

from search_spaces.core.space import Arm, Grid, Study
from search_spaces.stochastic_sigma import ROBUST

STARTS = Grid(0.1, 0.6, 1.5)

STUDY = Study(
    question="Does a learned sigma settle whatever its start, and is it as good as the best fixed one?",
    arms=(
        Arm(method="learned_sigma", label="Learned", space={"sigma": STARTS, "beta": Grid(0.1, 0.0, 0.5)}),
        Arm(method="learned_sigma", label="Learned a channel", space={"sigma": STARTS, "channels": True}),
        Arm(method="learned_sigma", label="Fixed", space={"learn": False, "sigma": Grid(0.4, 0.6, 0.8, 1.1)}),
    ),
    evaluate={"clean": {}, "robust": ROBUST},
    reports=("sigma_trajectory", "attack_curve"),
    trial_seconds=15.0,
)
