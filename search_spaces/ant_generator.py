"""How large, how correlated and how loud ANT's generator should be (Rusak et al. 2020, appendix K), with references.

Sized for the embedded digits: about ten minutes on two cores. For a paper raise the epochs and take the published
restarts as `search_spaces/ant_vs_gnt.py` says, `generators` to 4 and `max_steps` to 3000, and add widths: hidden 100,
and correlation 7.
"""

from search_spaces.ant_vs_gnt import RESTARTS
from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="How large, how correlated and how loud should the noise generator of adversarial noise training be?",
    arms=(
        Arm(
            method="ant",
            label="ANT",
            space={
                "hidden": Grid(5, 20, 50),
                "correlation": Grid(1, 3, 5),
                "rms": Grid(0.2, 0.348, 0.5),
                **RESTARTS,
            },
        ),
        Arm(method="standard", label="Vanilla"),
        Arm(method="gnt", label="GNT 0.5", space={"sigma": 0.5}),
        Arm(method="gnt", label="GNT, set of sigmas", space={"sigma": (0.08, 0.12, 0.18, 0.26, 0.38)}),
        Arm(method="speckle", label="Speckle"),
    ),
    recipe={"schedule": "cosine"},
    evaluate={
        "clean": {},
        "corruption": {},
        "noise_distance": {"images": 500, "generators": 2, "max_steps": 300, "lr": 2e-3, "batch": 64},
    },
    reports=("noise_distance_table", "method_table"),
    seeds=2,
    trial_seconds=12.0,
)
