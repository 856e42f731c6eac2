"""What `study check` prints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from study.plan.contracts.user_file import Verdict


def show_verdicts(verdicts: "Sequence[Verdict]", console: Console) -> None:
    """Prints one line a finding, or that an object passes, and what could not be looked at."""
    for verdict in verdicts:
        start = f"{verdict.file}: {verdict.constant}"
        for text in verdict.wrong:
            console.print(f"{start}: {text}", style="red", markup=False, soft_wrap=True)
        if not verdict.wrong:
            name = f" {verdict.name}" if verdict.name else ""
            console.print(f"{start}{name} passes {verdict.count} checks", style="green", markup=False, soft_wrap=True)
        for remark in verdict.remarks:
            console.print(f"{start}: {remark}", style="yellow", markup=False, soft_wrap=True)
