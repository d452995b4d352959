"""What a Python session needs beyond a command: its own classes as algorithms, and code that changes under its feet."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algorithms.algorithm import Algorithm
from algorithms.catalogue import SESSION, algorithms, find_algorithm, offered
from benchmarks.specs.code_digest import closure
from benchmarks.specs.run_spec import RunSpec, known_suite
from environments.catalogue import suites
from environments.discovery import ClassEntry, read_classes
from environments.typed_options import UsageError

#: the version of each deciding file when this process first used it
_used: dict[Path, tuple[int, int]] = {}


@dataclass(frozen=True)
class _Defined(ClassEntry):
    """A class that this process holds.  `path`: the text that stands for its code."""

    cls: Any = None

    def load(self) -> Any:
        return self.cls


@contextmanager
def named(algorithm: str | type[Algorithm], workers: int) -> Iterator[str]:
    """Within, the text by which `find_algorithm` knows the algorithm; a text stays as it is.

    A class of a package or of a loose file goes by its place, which any process can load.  Any other is known to this
    process alone.  Its code is then the script that defines it; without one (in a notebook) nothing could tell whether
    the code has changed, so it counts as new each time.
    Raises UsageError for what is no algorithm, and for a class that worker processes cannot load.
    """
    if isinstance(algorithm, str):
        yield algorithm
        return
    if not (isinstance(algorithm, type) and issubclass(algorithm, Algorithm)):
        raise UsageError(f"algorithm {algorithm!r} is neither a name nor a subclass of algorithms.algorithm.Algorithm")
    if not isinstance(getattr(algorithm, "name", None), str):
        raise UsageError(f"class {algorithm.__qualname__} has no `name`; an algorithm needs one that is a text")
    text = _importable(algorithm)
    if text is not None:
        yield text
        return
    if workers:
        raise UsageError(
            f"class {algorithm.__qualname__} is defined in this session, where worker processes cannot import it; "
            f"define it in a file, or run it in this process with workers=0"
        )
    with tempfile.TemporaryDirectory(prefix="metarl-session-") as folder:
        path = _script_of(algorithm)
        if path is None:
            path = Path(folder, "session.py")
            path.write_text(f"session = {uuid.uuid4().hex!r}\n")
        summary = (algorithm.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        with offered(_Defined(algorithm.name, SESSION, algorithm.__qualname__, summary, {}, path, algorithm)) as text:
            yield text


def refuse_changed_code(spec: RunSpec) -> None:
    """Raises UsageError if a file that decides the run has changed since this process loaded it for another one.

    The record would name the new code, and the numbers would be the old one's.  Loose files are loaded again instead.
    """
    for module, path in closure(find_algorithm(spec.source or spec.algorithm), _suite(spec)).items():
        status = path.stat()
        version = (status.st_mtime_ns, status.st_size)
        if not module.startswith("loose_") and _used.setdefault(path, version) != version:
            raise UsageError(f"{path} has changed since this session first used it; restart the session")


def _suite(spec: RunSpec) -> ClassEntry:
    return suites()[known_suite(spec.suite).name]


def _importable(cls: type[Algorithm]) -> str | None:
    """The text that any process can load the class by, None if there is none."""
    known = algorithms().get(cls.name)
    if known is not None and (known.module, known.class_name) == (cls.__module__, cls.__qualname__):
        return cls.name
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if cls.__module__ == "__main__" or file is None:
        return None
    loose = cls.__module__.startswith("loose_")
    text = f"{file if loose else cls.__module__}:{cls.__qualname__}"
    try:
        return text if find_algorithm(text).load() is cls else None
    except UsageError:
        return None


def _script_of(cls: type[Algorithm]) -> Path | None:
    """The file that holds the class as it is, None for one that was typed in, or made by a call."""
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    if file is None or not file.endswith(".py") or not Path(file).is_file():
        return None
    if getattr(module, cls.__qualname__, None) is not cls:
        return None
    if cls.__qualname__ not in [entry.class_name for entry in read_classes(Path(file), SESSION)]:
        return None
    own = [each for each in cls.__mro__ if each.__module__ == cls.__module__]
    codes = [value.__code__ for each in own for value in vars(each).values() if hasattr(value, "__code__")]
    same = all(os.path.basename(code.co_filename) == os.path.basename(file) for code in codes)
    return Path(file) if same else None
