"""Classes of one's own: what their file raises when it is read or imported is told in one line, as other bad input."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from algorithms.algorithm import Algorithm
from algorithms.catalogue import find_algorithm
from environments.discovery import ClassEntry, read_classes
from environments.typed_options import UsageError


def find_own(text: str) -> ClassEntry:
    """The algorithm that `find_algorithm` finds.  Raises UsageError, also for a file that is no Python source."""
    with read_as_source(text):
        try:
            return find_algorithm(text)
        except UsageError:
            check_class_name(text)
            raise


def check_class_name(text: str) -> None:
    """Raises UsageError, with the names that there are, if the file or module of `...:Class` has no such named class.

    Leaves a file that is not there or no Python source to others.
    """
    class_name, (path, classes) = text.partition(":")[2], classes_beside(text)
    if path is not None and class_name and class_name not in classes:
        there = ", ".join(classes) or "none"
        raise UsageError(f"{path} has no class {class_name!r} with a literal `name`; it has {there}")


def classes_beside(text: str) -> tuple[Path | None, dict[str, ClassEntry]]:
    """The file of `path.py[:Class]` or `package.module:Class`, and its classes with a literal `name`.

    None for a file that is not there or no Python source.
    """
    source, loose = text.partition(":")[0], text.partition(":")[0].endswith(".py")
    try:
        spec = None if loose else importlib.util.find_spec(source)
        path = Path(source if loose else str(spec and spec.origin))
        classes = read_classes(path, f"loose_{path.stem}" if loose else source)
    except (ImportError, MemoryError, OSError, RecursionError, SyntaxError, TypeError, ValueError):
        return None, {}
    return path, {entry.class_name: entry for entry in classes}


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
