"""Whether a suite of one's own has the same tasks in another process, where every run of it is."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys

from benchmarks.specs.loose_suites import read_suite, split_source
from benchmarks.specs.own_code import load_own
from environments.catalogue import parse_suite_name
from environments.splits import NAMES
from environments.suite import Suite
from environments.task_digest import task_digest
from environments.typed_options import make_options

_CODE = "import sys; from benchmarks.conformance.another_process import tell; tell(sys.argv[1])"


def task_fault_elsewhere(suite: Suite) -> str | None:
    """What differs in a fresh interpreter, such as tasks that are drawn while the class is made, or by `hash`.

    None if nothing does, and of a suite of this package or of a notebook, which has no file that could be read again.
    """
    source = _source(type(suite))
    if source is None:
        return None
    text = f"{source}{suite.full_name[len(suite.name) :]}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONHASHSEED", None)
    process = subprocess.run([sys.executable, "-c", _CODE, text], env=environment, capture_output=True, text=True)
    if process.returncode:
        last = process.stderr.strip().rpartition("\n")[2]
        return f"another process cannot make it: {last}"
    there, here = json.loads(process.stdout.rpartition("\n")[2]), _tasks_of(suite)
    for name in NAMES:
        if there[name] != here[name]:
            return f"another process finds other {name} tasks; draw them with the generator that is given, or list them"
    return None


def tell(text: str) -> None:
    """Prints the tasks of the suite, a source perhaps with options."""
    source, _ = split_source(text)
    cls = load_own(read_suite(source))
    suite = cls(make_options(cls.Options, parse_suite_name(text)[1], source))
    sys.stdout.write("\n" + json.dumps(_tasks_of(suite)))


def _tasks_of(suite: Suite) -> dict[str, list[list[str]]]:
    return {name: [[task.id, task_digest(task)] for task in suite.split.tasks(name)] for name in NAMES}


def _source(cls: type[Suite]) -> str | None:
    """As `read_suite` takes it; None of the package's own, and of a class that is in no file."""
    if cls.__module__.partition(".")[0] in ("environments", "__main__"):
        return None
    try:
        path = inspect.getfile(cls)
    except (TypeError, OSError):
        return None
    return f"{path if cls.__module__.startswith('loose_') else cls.__module__}:{cls.__qualname__}"
