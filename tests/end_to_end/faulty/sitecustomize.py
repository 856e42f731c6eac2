"""Python runs this at its start where this folder is on its path: the registries then know what stands here, too."""

from pathlib import Path

import reports
import study.evaluation
import trainers

for package, name in ((trainers, "methods"), (study.evaluation, "metrics"), (reports, "reports")):
    package.__path__.append(str(Path(__file__).parent / name))
