"""Classes of one's own: what their file raises when it is read or imported is told in one line, as other bad input."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from algorithms.algorithm import Algorithm
from algorithms.catalogue import find_algorithm
from environments.discovery import ClassEntry
from environments.typed_options import UsageError


def find_own(text: str) -> ClassEntry:
    """The algorithm that `find_algorithm` finds.  Raises UsageError, also for a file that is no Python source."""
    with read_as_source(text):
        return find_algorithm(text)


@contextmanager
def read_as_source(text: str) -> Iterator[None]:
    """Within, what a file raises that is read as Python source is a UsageError naming it."""
    try:
        yield
    except UsageError:
        raise
    except (MemoryError, RecursionError) as error:
        raise UsageError(f"{text!r} cannot be read as Python: it is nested too deeply") from error
    except (OSError, SyntaxError, TypeError, ValueError) as error:  # another encoding; a literal that cannot be one
        raise UsageError(f"{text!r} cannot be read as Python: {error}") from error


def load_algorithm(found: ClassEntry) -> Any:
    """As `load_own`; raises UsageError for a class that is no algorithm, or whose options are none."""
    cls = load_own(found)
    if not (isinstance(cls, type) and issubclass(cls, Algorithm)):
        raise UsageError(f"{found.class_name} in {found.path or found.module} is no subclass of Algorithm")
    if not (isinstance(cls.Config, type) and is_dataclass(cls.Config)):
        raise UsageError(
            f"{found.class_name} in {found.path or found.module}: its Config must be a dataclass, as in `@dataclass"
            f"(frozen=True) class Config(Algorithm.Config)`, is {cls.Config!r}"
        )
    return cls


def load_own(found: ClassEntry) -> Any:
    """The class.  Raises UsageError, naming error and line, if the file that holds it raises anything."""
    try:
        return found.load()
    except UsageError:
        raise
    except (Exception, SystemExit) as error:  # the file's own, whatever it is
        frames = traceback.extract_tb(error.__traceback__)
        own = str(found.path)
        place = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
        where = f"{Path(place.filename).name}, line {place.lineno}"
        kind = type(error).__name__
        raise UsageError(f"{found.path or found.module} cannot be imported: {kind}: {error} ({where})") from error
