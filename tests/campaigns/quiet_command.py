"""A command in this process, its output caught."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

from benchmarks.command_line import main


def command(*arguments: str) -> tuple[int | None, str, BaseException | None]:
    """Exit code, what it said on standard error, and what it raised where it should have said something."""
    output, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    code: int | None = None
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            code = main(arguments)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0
    except BaseException as error:
        return None, errors.getvalue(), error
    return code, errors.getvalue(), None


def shortened(arguments: Sequence[str]) -> str:
    return " ".join(repr(each) if len(each) <= 40 else f"{each[:40]!r}..." for each in arguments)
