"""What made the numbers: versions of the packages and the commit of the code."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("noise-study", "torch", "torchvision", "ray", "optuna", "mlflow", "numpy", "pyarrow", "scikit-learn")


def versions() -> dict[str, str]:
    """Returns name -> version of Python and of the packages that take part."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def commit() -> str:
    """Returns the git commit of the code that runs, with "+" where files differ from it, or "unknown" outside git."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        dirty = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if dirty.stdout else "")
