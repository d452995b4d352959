"""Finds suites and algorithms by reading their files: a class with a literal `name` is available.

Nothing is imported to list names; loading one imports its file alone.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from environments.typed_options import UsageError, nearest

#: where a module remembers which file it was loaded from, and that file's version
_VERSION = "__metarl_version__"


@dataclass(frozen=True)
class ClassEntry:
    """A class that was found, not yet imported.  `literals`: the class body's literal assignments."""

    name: str
    module: str
    class_name: str
    summary: str
    literals: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None  # set for a loose file, and for a file of one of our packages

    def load(self) -> Any:
        if self.path is not None and self.module.startswith("loose_"):
            return getattr(import_file(self.path, self.module), self.class_name)
        return getattr(importlib.import_module(self.module), self.class_name)


def discover(package: str, group: str) -> dict[str, ClassEntry]:
    """All named classes under the top-level package (a folder) and of the entry-point group."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"package {package} not found")
    root = Path(spec.origin).parent
    found: dict[str, ClassEntry] = {}
    for path in sorted(root.rglob("*.py")):
        module = ".".join((package, *path.relative_to(root).with_suffix("").parts))
        for entry in read_classes(path, module):
            if entry.name in found:
                raise RuntimeError(f"two classes are named {entry.name!r}: {found[entry.name].module} and {module}")
            found[entry.name] = entry
    for point in entry_points(group=group):
        cls = point.load()
        if cls.name in found:
            raise UsageError(
                f"entry point {point.name!r} names its class {cls.name!r}, which {found[cls.name].module} has"
            )
        found[cls.name] = ClassEntry(
            cls.name, cls.__module__, cls.__name__, _first_line(cls.__doc__), _literals_of(cls)
        )
    return found


def choose(found: dict[str, ClassEntry], name: str, kind: str) -> ClassEntry:
    """The entry of that name.  Raises UsageError offering the nearest name."""
    if name not in found:
        raise UsageError(f"unknown {kind} {name!r}; {nearest(name, found)}")
    return found[name]


def read_classes(path: Path, module: str) -> list[ClassEntry]:
    """The named classes of one file, read as text."""
    classes = []
    for node in ast.parse(path.read_text(), filename=str(path)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        literals = _literals(node)
        if isinstance(literals.get("name"), str):
            summary = _first_line(ast.get_docstring(node))
            classes.append(ClassEntry(literals["name"], module, node.name, summary, literals, path))
    return classes


def read_loose_file(text: str, kind: str) -> ClassEntry:
    """The class of `path.py` or `path.py:Class`.  Raises UsageError if there is none or more than one."""
    file, _, class_name = text.partition(":")
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"no file {file!r}")
    try:
        classes = read_classes(path, f"loose_{path.stem}")
    except SyntaxError as error:
        raise UsageError(f"{file} is not valid Python: {error}") from None
    if class_name:
        classes = [entry for entry in classes if entry.class_name == class_name]
    if len(classes) != 1:
        names = ", ".join(entry.class_name for entry in classes) or "none"
        raise UsageError(f"{file} must hold one {kind} class with a `name`; found: {names} (choose by FILE:CLASS)")
    return classes[0]


def read_module_class(text: str, kind: str) -> ClassEntry:
    """The class of `package.module:Class`.  Raises UsageError if there is no such module, or no such named class."""
    module, _, class_name = text.partition(":")
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # a parent that is no package, or a module made by hand
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise UsageError(f"no module {module!r} that is a file can be imported")
    for entry in read_classes(Path(spec.origin), module):
        if entry.class_name == class_name:
            return entry
    raise UsageError(f"{spec.origin} has no {kind} class {class_name!r} with a literal `name`")


def import_file(path: Path, module: str) -> Any:
    """Import a loose file under the given module name; again only if it has changed, or if another had the name."""
    status = path.stat()
    version = (str(path.resolve()), status.st_mtime_ns, status.st_size)
    before = sys.modules.get(module)
    if before is not None and getattr(before, _VERSION, version) == version:
        return before
    spec = importlib.util.spec_from_file_location(module, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported")
    loaded = importlib.util.module_from_spec(spec)
    setattr(loaded, _VERSION, version)
    sys.modules[module] = loaded
    try:
        spec.loader.exec_module(loaded)
    except BaseException:
        del sys.modules[module]
        raise
    return loaded


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target: ast.expr = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target = statement.target
        else:
            continue
        if isinstance(target, ast.Name) and statement.value is not None:
            try:
                values[target.id] = ast.literal_eval(statement.value)
            except ValueError:
                continue
    return values


def _literals_of(cls: type) -> dict[str, Any]:
    plain = (str, int, float, bool, tuple)
    return {key: getattr(cls, key) for key in dir(cls) if isinstance(getattr(cls, key), plain)}


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().split("\n")[0].rstrip(".")
