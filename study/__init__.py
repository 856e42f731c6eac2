"""The platform, in rooms. A room is a folder or a module of this package, and imports only rooms named after it.

cli          parses, calls one function, prints
terminal     what a person sees: the live panel, descriptions, tables
launch       a launch, from its plan to its outcome
engine       Ray: trials, searches, populations, the cluster; nothing else imports ray
tracking     MLflow: runs, mirror, restore, the user interface; nothing else imports mlflow
reporting    rows of studies joined, and reports made of them
plan         names and options -> checked trials
work         one trial: build, train, evaluate
evaluation   a file is a metric
datasets     a file is a dataset
models       a file is an architecture
registry     name -> object, and its options read from its signature
ledger       a study's directory, the only truth about it
errors       the exception for users' mistakes
"""

ROOMS = ("cli", "terminal", "launch", "engine", "tracking", "reporting", "plan", "work", "evaluation", "datasets",
         "models", "registry", "ledger", "errors")  # fmt: skip
"""From top to bottom."""
