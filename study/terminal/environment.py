"""The process's environment, as shells, notebooks and containers leave it, made fit for the libraries used."""

import os
import sys
import warnings
from getpass import getuser
from pathlib import Path
from tempfile import gettempdir

from study.errors import UserError


def settle() -> None:
    """Sets variables that libraries fail without, or with another's value. Raises UserError where nothing
    temporary can be written.
    """
    # A notebook's kernel names a backend of its own environment here, at which importing matplotlib would fail.
    os.environ["MPLBACKEND"] = "agg"
    if sys.flags.optimize > 1:
        raise UserError("PYTHONOPTIMIZE is 2, with which Ray and MLflow do not start. Unset it, or set it to 1")
    if os.environ.pop("PYTHONWARNINGS", None):  # meant for the user's code: libraries' warnings would end workers
        warnings.simplefilter("ignore")
    try:
        temporary = gettempdir()
    except FileNotFoundError as error:
        raise UserError(
            f"no folder for temporary files can be written: {error.strerror or error}. Set TMPDIR"
        ) from None
    try:
        Path.home()
    except RuntimeError:  # a container's user, whom the system does not know
        os.environ["HOME"] = temporary
    try:
        getuser()
    except (KeyError, OSError):
        os.environ["USER"] = str(os.getuid())
