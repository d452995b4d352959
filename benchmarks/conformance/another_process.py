"""A suite of one's own as another process has it, where every run of it is."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import torch

from benchmarks.conformance.batch_rules import STEPS, Unexamined, batch_of, episode
from benchmarks.conformance.trial import Violation
from benchmarks.specs.own_code import load_own
from environments.discovery import ClassEntry
from environments.splits import NAMES
from environments.streams import Streams
from environments.suite import Suite
from environments.task_digest import task_digest
from environments.typed_options import as_text, make_options

#: what is told of a suite, and what is said where another process tells something else
_SAYS = {
    **{name: f"finds other {name} tasks" for name in NAMES},
    "drawn": "draws another task from the same generator",
    "episode": "plays another episode with the same seed and actions",
}
_CODE = "import sys; from benchmarks.conformance.another_process import tell; tell(*sys.argv[1:])"


def judge_processes(suite: Suite) -> None:
    """Raises Violation where a fresh interpreter has other tasks or episodes, as where they are drawn while the file is
    read, or by `hash`; Unexamined of a suite of a notebook, which no other process can read."""
    cls = type(suite)
    if cls.__module__.partition(".")[0] == "environments":  # as other tests of this package show
        return
    told = _told_elsewhere(cls, _options_of(suite))
    for what, here in _seen(suite).items():
        if told.get(what) != here:
            raise Violation("processes", f"another process {_SAYS[what]}; draw with the generator that is given alone")


def tell(module: str, path: str, class_name: str, options: str, answer: str) -> None:
    """Writes what is seen of the suite, in JSON, to the file `answer`."""
    torch.set_num_threads(1)
    cls = load_own(ClassEntry("", module, class_name, "", path=Path(path) if path else None))
    seen = _seen(cls(make_options(cls.Options, json.loads(options), class_name)))
    Path(answer).write_text(json.dumps(seen), encoding="utf-8")


def _told_elsewhere(cls: type[Suite], options: Mapping[str, str]) -> dict[str, Any]:
    module, path = cls.__module__, ""
    if module == "__main__":
        raise Unexamined("no other process can read its class, which is in no file")
    if (
        PathFinder.find_spec(module.partition(".")[0]) is None
    ):  # of a loose file, or of a package by a finder of its own
        path = str(Path(inspect.getfile(cls)).resolve())
    # as workers do: found where this process finds them, not in the working directory
    found = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    environment = {**os.environ, "PYTHONPATH": found, "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONHASHSEED", None)
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        words = [module, path, cls.__qualname__, json.dumps(dict(options)), str(answer)]
        process = subprocess.run([sys.executable, "-c", _CODE, *words], env=environment, capture_output=True)
        if not answer.exists():
            last = process.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise Violation("processes", f"another process cannot make it: {last}")
        told: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return told


def _options_of(suite: Suite) -> dict[str, str]:
    """As text, those that are not at their default, by today's names."""
    default = type(suite).Options()
    values = {each.name: getattr(suite.options, each.name) for each in fields(suite.options)}
    return {name: as_text(value) for name, value in values.items() if value != getattr(default, name)}


def _seen(suite: Suite) -> dict[str, Any]:
    tasks = {name: [[task.id, task_digest(task)] for task in suite.split.tasks(name)] for name in NAMES}
    drawn = task_digest(suite.draw_task(Streams(0).numpy("tasks"), "drawn"))
    played = hashlib.sha256(b"".join(each.tobytes() for each in episode(batch_of(suite), 5, STEPS))).hexdigest()
    return {**tasks, "drawn": drawn, "episode": played}
