"""What adversarial noise training owes to each of its parts (Rusak et al. 2020, section 4.2 and appendix).

Sized for the embedded digits: minutes on two cores; `search_spaces/ant_vs_gnt.py` says what to raise for a paper.
"No restart" and "Static generator" have the training before epoch 0 alone; without restarts, replay is of the states in
which the one generator began each epoch.
ANT+SIN needs stylised images, in a folder beside train/. They come with the data, at the start of each batch, to all
arms at once, so it is a launch of its own: `--data image_folder --set data.stylised=FOLDER --set p_clean=0.55 --set
order=clean_first`: 25% clean, 30% stylised, 45% noise. Or, as the arm of such a study: Arm(method="ant",
label="ANT+SIN", space={"p_clean": 0.55, "order": "clean_first", **RESTARTS}).
"""

from search_spaces.ant_vs_gnt import RESTARTS
from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="What does adversarial noise training owe to replay, restarts, a learning generator and correlation?",
    arms=(
        Arm(method="ant", label="ANT 1x1", space=RESTARTS),
        Arm(method="ant", label="No replay", space={**RESTARTS, "p_replay": None}),
        Arm(method="ant", label="No restart", space={**RESTARTS, "restart_every": None}),
        Arm(method="ant", label="Static generator", space={**RESTARTS, "generator_lr": None, "restart_every": None}),
        Arm(method="ant", label="Constant gamma", space={**RESTARTS, "gamma": "constant"}),
        Arm(method="ant", label="ANT 3x3", space={**RESTARTS, "correlation": 3}),
    ),
    recipe={"schedule": "cosine"},
    evaluate={
        "clean": {},
        "corruption": {},
        "noise_distance": {"images": 1000, "generators": 4, "max_steps": 300, "lr": 2e-3, "batch": 64},
    },
    reports=("noise_distance_table", "method_table", "noise_density", "corruption_table"),
    trial_seconds=20.0,
)
