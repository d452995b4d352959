"""Standard output, which may be closed or full, or have no sign for a character of a path."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress


def take_any_text() -> None:
    """From now on what it has no sign for is spelt out: `\\udcff`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def write_the_rest() -> None:
    """Raises OSError here rather than at the end of this process."""
    print(end="", flush=True)


def write_no_more() -> None:
    """What is left of it goes nowhere, so that the end of this process does not try again."""
    with suppress(OSError, ValueError, AttributeError):  # there is none
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
