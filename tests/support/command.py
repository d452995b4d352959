"""Runs `metarl` within the test's own process, and a leaderboard of seconds for it."""

from __future__ import annotations

import pytest

from benchmarks.command_line import main

LAKE = "frozen-lake-low[horizon=10]"


def said_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command's exit code, output and errors."""
    capsys.readouterr()
    try:
        code = main(arguments)
    except SystemExit as error:
        code = int(error.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def smoke(*more: str, algorithms: str = "random-init,promp") -> tuple[str, ...]:
    """Arguments of a leaderboard of seconds."""
    cells = ("--suites", LAKE, "--algorithms", algorithms, "--seeds", "2", "--profile", "smoke")
    return ("leaderboard", *cells, "--set", "promp.tasks=20", "--workers", "2", *more)
