"""What made the numbers: versions of the packages and the commit of the code."""

import contextlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("noise-study", "torch", "torchvision", "ray", "optuna", "mlflow", "numpy", "pyarrow", "scikit-learn")
EXTRAS = ("timm",)
"""Packages of models that are named where they are installed."""


def versions() -> dict[str, str]:
    """Returns name -> version of Python and of the packages that take part."""
    named = {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}
    for name in EXTRAS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            named[name] = metadata.version(name)
    return named


def commit() -> str:
    """Returns the git commit of the code that runs, with "+" where files differ from it, or "unknown" outside git."""
    try:
        # A repository around the installation, such as one with a virtual environment in it, is somebody else's.
        if not _git("ls-files", Path(__file__).name):
            return "unknown"
        return _git("rev-parse", "HEAD") + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*command: str) -> str:
    """Returns what git says of the folder of this file, whatever repository the environment names (GIT_DIR)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    here = Path(__file__).parent
    run = subprocess.run(["git", *command], cwd=here, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.strip()
