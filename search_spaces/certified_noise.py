"""Certified accuracy of networks trained with Gaussian noise (Cohen et al. 2019): which training sigma certifies how
far.

All images are noisy in training, as there. With half of them clean, GNT's own default: --set p_clean=0.5.
"""

from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="Which training noise gives the best certified accuracy at which radius?",
    arms=(Arm(method="gnt", label="GNT", space={"sigma": Grid(0.0, 0.12, 0.25, 0.5), "p_clean": 0.0}),),
    evaluate={"clean": {}, "corruption": {}, "certified": {"sigmas": (0.12, 0.25, 0.5), "images": 200}},
    reports=("certified_curve", "accuracy_curve", "corruption_table"),
    trial_seconds=8.0,
)
