"""What arguments of commands are read as."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """A whole number of at least 1.  Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


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
