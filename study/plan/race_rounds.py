"""How many seeds a race gives each setting, round by round."""

from study.errors import UserError
from study.plan.options import Options

ROUNDS = (3, 5, 8, 12, 20)
"""Seeds of a setting after each round, where no limit is given."""


def rounds_of(options: Options) -> tuple[int, ...]:
    """Returns the seeds of a setting after each round: `ROUNDS` up to --max-seeds, which is the last one.

    Raises UserError for options of a race where there is none.
    """
    if not options.until_sure:
        typed = {"--within": options.within, "--max-seeds": options.max_seeds}
        if wrong := [name for name, value in typed.items() if value is not None]:
            raise UserError(f"{wrong[0]} belongs to a race. Add --until-sure")
        return ()
    limit = options.max_seeds or ROUNDS[-1]
    return (*(seeds for seeds in ROUNDS if seeds < limit), limit)
