"""What arguments of commands are read as."""

from __future__ import annotations

import argparse
from pathlib import Path

#: more of anything that is counted cannot be meant, and would take all memory
MOST = 100_000
#: where a command keeps whether code that records name may run
RECORDED_CODE = "run_recorded_code"


def positive(text: str) -> int:
    """A whole number of at least 1 and at most MOST.  Raises ArgumentTypeError."""
    if not text.isdecimal() or not text.strip("0"):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text[:20]!r}")
    if len(text) > 20 or int(text) > MOST:
        raise argparse.ArgumentTypeError(f"must be at most {MOST}, got {text[:20]}")
    return int(text)


def a_path(text: str) -> Path:
    """Raises ArgumentTypeError for what cannot name a file."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"must name a file or folder, got {text!r}")
    return Path(text)


def add_benchmark(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument("--benchmark", default="quick", metavar="NAME or FILE", help=f"{what} (default: quick)")


def add_recorded_code(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--run-recorded-code", action="store_true", dest=RECORDED_CODE,
        help="import files of their own that records name as their code (a stranger's record may name anything)",
    )  # fmt: skip


def names(text: str | None) -> list[str] | None:
    """Names with commas between them, those within a suite's brackets apart.  Raises UsageError for an empty list."""
    from environments.catalogue import split_suite_names
    from environments.typed_options import UsageError

    if text is None:
        return None
    found = split_suite_names(text)
    if not found:
        raise UsageError(f"a list of names is empty: {text!r}; give names with commas between them")
    return found
