"""Suites in loose files: known to a process, by name like any other, once their file is offered to it.

A plan offers the files that it names, and each run offers its own to the process that it runs in.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.specs.own_code import check_class_name, load_own, read_as_source
from environments.catalogue import parse_suite_name, suites
from environments.discovery import ClassEntry, read_loose_file, read_module_class
from environments.suite import Suite
from environments.typed_options import UsageError

#: by name: what was offered, and the version of its file
_offered: dict[str, tuple[ClassEntry, tuple[int, int] | None]] = {}


def is_source(text: str) -> bool:
    """Whether the text, perhaps with options, names a suite by its file or module, as in `walk.py:Walk[horizon=50]`."""
    return ":" in text.partition("[")[0] or text.partition("[")[0].rstrip().endswith(".py")


def offer_suite(source: str) -> tuple[ClassEntry, bool]:
    """The suite of `path.py`, `path.py:Class` or `package.module:Class`, which `suites()` has from now on; and whether
    it is another than before.

    Raises UsageError if there is none, or if its name is another suite's.
    """
    found = read_suite(source)
    status = found.path.stat() if found.path is not None else None
    version = None if status is None else (status.st_mtime_ns, status.st_size)
    before = _offered.get(found.name)
    if before is None and found.name in suites():
        taken = suites()[found.name]
        if (taken.module, taken.class_name) == (found.module, found.class_name):
            return taken, False
        raise UsageError(f"{source}: the name {found.name!r} is taken by {taken.module}; give the class another")
    if before is not None and source_of_suite(found.name) != _source(found):
        taken_by = source_of_suite(found.name)
        raise UsageError(f"{source}: the name {found.name!r} is taken by {taken_by}; give the class another")
    if before == (found, version):
        return before[0], False
    cls = load_own(found)
    if not (isinstance(cls, type) and issubclass(cls, Suite)):
        raise UsageError(f"{source}: {found.class_name} is no subclass of environments.suite.Suite")
    suites()[found.name] = found
    _offered[found.name] = found, version
    return found, True


def read_suite(source: str) -> ClassEntry:
    """The suite, as its file says, which is not run.  Raises UsageError."""
    with read_as_source(source):
        check_class_name(source)
        if not source.partition(":")[0].endswith(".py"):
            return read_module_class(source, "Suite")
        found = read_loose_file(source, "Suite")
        # an algorithm's file may have the same name
        return replace(found, module=f"loose_suite_{found.module.removeprefix('loose_')}")


def source_of_suite(name: str) -> str | None:
    """What `offer_suite` takes, in any process, for a suite that it was given; None for any other."""
    entry = _offered.get(name)
    return None if entry is None else _source(entry[0])


def split_source(text: str) -> tuple[str, str]:
    """Source and options of `walk.py:Walk[horizon=50]`, as in ("walk.py:Walk", "[horizon=50]").  Raises UsageError."""
    name, _ = parse_suite_name(text)
    return name, text.strip()[len(name) :]


def _source(found: ClassEntry) -> str:
    loose = found.module.startswith("loose_") and found.path is not None
    return f"{Path(str(found.path)).resolve() if loose else found.module}:{found.class_name}"
