"""What the shell completes."""

from study.terminal.command_line import completed


def test_names_of_studies_are_completed() -> None:
    assert {"sigma_sweep", "sigma_population"} <= set(completed("sigma_")) and completed("no such") == []
