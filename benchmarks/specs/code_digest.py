"""Digest of the code that decides a result: syntax trees over the import closure, read from files, nothing imported.

Comments, docstrings, layout and neighbours that are not imported do not count; every statement that is reachable
through imports from the algorithm, the suite or the training loop does.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from environments.discovery import ClassEntry

#: packages whose every module counts where it is imported
WHOLE_PACKAGES = frozenset({"algorithms", "environments"})
#: of `benchmarks`, only what computes a run's numbers; the rest decides what is run and what is shown
DECIDING = frozenset(
    {
        "benchmarks",
        "benchmarks.execution",
        "benchmarks.execution.training",
        "benchmarks.execution.session",
        "benchmarks.execution.evaluation",
    }
)
#: of `benchmarks`, what a measurement may import without its deciding any number
PLANNING = frozenset({"benchmarks.specs.run_spec"})
#: nodes that a docstring may begin
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """What a file imports (names of modules, or of what is in them) and the digest of its statements."""

    imports: tuple[str, ...]
    digest: str


def code_digest(algorithm: ClassEntry, suite: ClassEntry) -> str:
    """SHA-256 (hex) of the code that decides a run of the algorithm on the suite."""
    return _digest(closure(algorithm, suite))


def measurement_digest(measurement: ClassEntry, named: Iterable[ClassEntry]) -> str:
    """SHA-256 (hex) of the code that decides a measurement of the named algorithms and suites."""
    return _digest(measurement_closure(measurement, named))


def _digest(modules: Mapping[str, Path]) -> str:
    listed = [f"{name} {_read(path, name, _version(path)).digest}" for name, path in sorted(modules.items())]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def closure(algorithm: ClassEntry, suite: ClassEntry) -> dict[str, Path]:
    """Modules that decide a run, and their files: what the three roots import, directly or not.

    Packages of third parties count where an algorithm or a suite comes from them.
    """
    roots = {found.module: _file_of(found) for found in (algorithm, suite)}
    packages = WHOLE_PACKAGES | {module.partition(".")[0] for module in roots}
    roots["benchmarks.execution.training"] = located("benchmarks.execution.training")
    return _reached(roots, lambda name: name.partition(".")[0] in packages or name in DECIDING)


def measurement_closure(measurement: ClassEntry, named: Iterable[ClassEntry]) -> dict[str, Path]:
    """Modules that decide a measurement of the named algorithms and suites.

    All of `benchmarks` that it imports counts, but for what only plans runs.
    """
    roots = {found.module: _file_of(found) for found in (measurement, *named)}
    packages = WHOLE_PACKAGES | {"benchmarks"} | {module.partition(".")[0] for module in roots}
    return _reached(roots, lambda name: name.partition(".")[0] in packages and name not in PLANNING)


def _reached(roots: Mapping[str, Path | None], decides: Callable[[str], bool]) -> dict[str, Path]:
    """Modules that the roots import, directly or not, of those that decide."""
    reached: dict[str, Path] = {}
    waiting = [(module, path) for module, path in roots.items() if path is not None]
    while waiting:
        module, path = waiting.pop()
        if module in reached:
            continue
        reached[module] = path
        for name in _read(path, module, _version(path)).imports:
            if decides(name):
                found = located(name)
                if found is not None:
                    waiting.append((name, found))
    return reached


def located(module: str) -> Path | None:
    """The file of a module, found without importing it or its parents; None if it is no module of Python source."""
    top, *rest = module.split(".")
    origin = _origin(top)
    if origin is None or not rest:
        return origin
    path = origin.parent.joinpath(*rest)
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def _origin(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _file_of(found: ClassEntry) -> Path | None:
    return found.path if found.path is not None else located(found.module)


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4096)
def _read(path: Path, module: str, version: tuple[int, int]) -> Module:
    """`version` is there for the cache alone: a file that was changed is read again."""
    tree = ast.parse(path.read_bytes(), filename=str(path))
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parent, *filter(None, [node.module])])
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)  # may name a module or what is in it
        elif isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    parents = {name.rsplit(".", depth)[0] for name in names for depth in range(1, name.count(".") + 1)}
    texts: list[str] = []
    _dump(tree, texts)
    return Module(tuple(sorted(names | parents)), hashlib.sha256("".join(texts).encode()).hexdigest())


def _dump(node: object, texts: list[str]) -> None:
    """Like `ast.dump`, leaving out empty fields, so that versions of Python which differ in these agree."""
    if isinstance(node, ast.AST):
        texts.append(f"({type(node).__name__}")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != []:
                texts.append(f" {name}=")
                _dump(value, texts)
        texts.append(")")
    elif isinstance(node, list):
        texts.append("[")
        for item in node:
            _dump(item, texts)
            texts.append(",")
        texts.append("]")
    else:
        texts.append(repr(node))
