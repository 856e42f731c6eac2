"""The one exception for users' mistakes."""


class UserError(Exception):
    """What was wrong, what was got, where, and what is valid, in one line. The CLI prints it and exits with 2."""
