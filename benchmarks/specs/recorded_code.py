"""Code that a record names: it runs only if the command names it too, or says that what records name may run.

A results folder may be a stranger's.  Its records name files and modules as the source of algorithms and suites, and
importing one runs it, whatever it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from algorithms.catalogue import algorithms
from environments.discovery import choose
from environments.typed_options import UsageError

#: of the command line
FLAG = "--run-recorded-code"

_named: set[str] = set()
_all: list[bool] = [False]


class UnnamedCode(UsageError):
    """A record alone names this code."""


def name_source(source: str | None) -> None:
    """The command itself, or its plan, names this source: from now on records that name it too may run it."""
    if source is not None:
        _named.add(source)


def is_named(source: str | None) -> bool:
    """Whether code of this source may run; None is our own."""
    return source is None or _all[0] or source in _named


def refuse_unnamed(source: str | None) -> None:
    """Raises UnnamedCode for a source that may not run."""
    if not is_named(source):
        raise UnnamedCode(f"its record names code of its own, {source!r}; look at it, and run it with {FLAG}")


def require_name(algorithm: str) -> None:
    """Raises UsageError for what is no algorithm's name.

    Where a name is asked for, a command takes a file or a module as well; a record has another place for these.
    """
    choose(algorithms(), algorithm, "algorithm")


@contextmanager
def recorded_code_runs(allowed: bool) -> Iterator[None]:
    """Within, all that records name may run, if that is allowed."""
    before = _all[0]
    _all[0] = before or allowed
    try:
        yield
    finally:
        _all[0] = before
