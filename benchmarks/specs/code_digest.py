"""Digest of the code that decides a result: syntax trees over the import closure, read from files, nothing imported.

Comments, docstrings, layout, the order of imports, neighbours that are not imported, where a file lies, and the spaces
in which options would be tuned do not count; every statement that is reachable through imports from the algorithm, the
suite or the training loop does, and so does which file each import names.

A file has two digests.  Level 0 is that of its statements, with the module that an import names left blank where it is
a file that decides.  Level 1 has that file's level 0 in this place, so that it knows what is imported and not from
where; since level 0 looks no further, files may import each other in a circle.  A run's digest is that of the set of
level 1 over the closure, with the roots' own named by role.  Files of one level 0, which differ in their imports alone,
are named by their level 1 where they are imported, and again until no more of them can be told apart.

An import that binds a module (`from package import module`, `import package.module as name`) is blind to that file's
name too, but not to the name it is bound to.  `import package.module` without an alias is not blind, since its uses
spell the path: import names from modules.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

from benchmarks.specs.undecided_parts import strip_undecided
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
#: of `benchmarks`, what a study may import without its deciding any number
PLANNING = frozenset({"benchmarks.specs.run_spec"})
#: packages whose files are never named by their place; where they do not decide, they are not named at all
OWN_PACKAGES = WHOLE_PACKAGES | {"benchmarks", "reports", "results"}


@dataclass(frozen=True)
class Import:
    """One name that an import statement binds.  `name`: what of the module; None for the module itself.

    `bound`: the name within the file; of `import a.b`, whose uses spell it, the whole path.
    """

    module: str
    name: str | None
    bound: str


@dataclass(frozen=True)
class Module:
    """What a file imports (names of modules, or of what is in them), and its statements.

    `parts`: digests of what lies between imports, and the imports that follow each other, by the name they bind.
    """

    imports: tuple[str, ...]
    parts: tuple[str | tuple[Import, ...], ...]
    empty: bool


@dataclass(frozen=True)
class Rule:
    """Which modules decide: all of the packages but `others`, and `more`."""

    packages: frozenset[str]
    more: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def decides(self, module: str) -> bool:
        return module in self.more or (module.partition(".")[0] in self.packages and module not in self.others)

    def owns(self, module: str) -> bool:
        """Whether a module may be moved without anything being another."""
        return module.partition(".")[0] in OWN_PACKAGES | self.packages


@dataclass(frozen=True)
class Root:
    """Where a closure begins: a file, the role it has in the run, and which class of the file has it."""

    role: str
    module: str
    path: Path | None
    class_name: str = ""


def code_digest(algorithm: ClassEntry, suite: ClassEntry) -> str:
    """SHA-256 (hex) of the code that decides a run of the algorithm on the suite."""
    return _digest(*_of_run(algorithm, suite))


def study_digest(study: ClassEntry, named: Iterable[ClassEntry]) -> str:
    """SHA-256 (hex) of the code that decides a study of the named algorithms and suites.

    All of `benchmarks` that it imports counts, but for what only plans runs.
    """
    return _digest(*_of_study(study, named))


def closure(algorithm: ClassEntry, suite: ClassEntry) -> dict[str, Path]:
    """Modules that decide a run, and their files: what the three roots import, directly or not.

    Packages of third parties count where an algorithm or a suite comes from them.
    """
    return _reached(*_of_run(algorithm, suite))


def located(module: str) -> Path | None:
    """The file of a module, found without importing it or its parents; None if it is no module of Python source."""
    top, *rest = module.split(".")
    origin = _origin(top)
    if origin is None or not rest:
        return origin
    path = origin.parent.joinpath(*rest)
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _of_run(algorithm: ClassEntry, suite: ClassEntry) -> tuple[list[Root], Rule]:
    theirs = [_root("algorithm", algorithm), _root("suite", suite)]
    training = Root("training loop", "benchmarks.execution.training", located("benchmarks.execution.training"))
    return [*theirs, training], Rule(WHOLE_PACKAGES | _packages(theirs), more=DECIDING)


def _of_study(study: ClassEntry, named: Iterable[ClassEntry]) -> tuple[list[Root], Rule]:
    roots = [_root("study", study), *(_root("named", found) for found in named)]
    return roots, Rule(WHOLE_PACKAGES | {"benchmarks"} | _packages(roots), others=PLANNING)


def _packages(roots: Iterable[Root]) -> set[str]:
    return {root.module.partition(".")[0] for root in roots}


def _root(role: str, found: ClassEntry) -> Root:
    path = found.path if found.path is not None else located(found.module)
    return Root(role, found.module, path, found.class_name)


def _reached(roots: Iterable[Root], rule: Rule) -> dict[str, Path]:
    """Modules that the roots import, directly or not, of those that decide."""
    own = {root.module: root.path for root in roots if root.path is not None}
    reached: dict[str, Path] = {}
    for module, path in own.items():
        reached |= _reached_from(module, path, rule)
    return reached | own


Versions: TypeAlias = "dict[Path, tuple[int, int]]"
#: by root: the files that were reached, each as it was, since a board asks for the same roots in many pairs
_closures: dict[tuple[str, Path, Rule], tuple[Versions, dict[str, Path]]] = {}


def _reached_from(root: str, file: Path, rule: Rule) -> dict[str, Path]:
    asked = (root, file, rule)
    files, reached = _closures.get(asked, ({}, {}))
    if not reached or _changed(files):
        waiting, reached = [(root, file)], {}
        while waiting:
            module, path = waiting.pop()
            if module in reached:
                continue
            reached[module] = path
            for name in _read(path, module, _version(path)).imports:
                if name not in reached and rule.decides(name):
                    found = located(name)
                    if found is not None:
                        waiting.append((name, found))
        _closures[asked] = ({path: _version(path) for path in reached.values()}, reached)
    return reached


#: by what was asked: the files that decided it, each as it was, and the digest
_digests: dict[tuple[tuple[Root, ...], Rule], tuple[Versions, str]] = {}


def _digest(roots: Iterable[Root], rule: Rule) -> str:
    asked = (tuple(roots), rule)
    files, known = _digests.get(asked, ({}, ""))
    if not known or _changed(files):
        reached = _reached(asked[0], rule)
        files, known = {path: _version(path) for path in reached.values()}, _digest_of(asked[0], rule, reached)
        _digests[asked] = (files, known)
    return known


def _changed(files: Versions) -> bool:
    return any(not path.is_file() or _version(path) != version for path, version in files.items())


def _digest_of(roots: Iterable[Root], rule: Rule, reached: Mapping[str, Path]) -> str:
    modules = {module: _read(path, module, _version(path)) for module, path in reached.items()}
    blank = {module: _hashed(read, rule, reached, {}) for module, read in modules.items()}
    whole = _told_apart(modules, rule, blank)
    # a module without a statement, such as most packages' own, decides nothing
    counted = {whole[module] for module, read in modules.items() if not read.empty}
    marked = [f"{root.role} {whole.get(root.module, '')} {root.class_name}" for root in roots]
    return hashlib.sha256("\n".join([*sorted(counted), *sorted(marked)]).encode()).hexdigest()


def _told_apart(modules: Mapping[str, Module], rule: Rule, blank: Mapping[str, str]) -> dict[str, str]:
    """Level 1 of each module.  blank: their level 0, which names what is imported where no other file has the same."""
    shared = {digest for digest, count in Counter(blank.values()).items() if count > 1}
    twins = [module for module, digest in blank.items() if digest in shared]
    named = dict(blank)
    while True:
        whole = {module: _hashed(read, rule, modules, named) for module, read in modules.items()}
        if len({whole[module] for module in twins}) == len({named[module] for module in twins}):
            return whole
        named.update({module: whole[module] for module in twins})


def _hashed(module: Module, rule: Rule, reached: Collection[str], named: Mapping[str, str]) -> str:
    """The file's level 1 with the level 0 of all that is reached in `named`, its level 0 with nothing in it."""
    texts: list[str] = []
    for part in module.parts:
        texts += [part] if isinstance(part, str) else [_as_text(entry, rule, reached, named) for entry in part]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _as_text(entry: Import, rule: Rule, reached: Collection[str], named: Mapping[str, str]) -> str:
    module, name = entry.module, entry.name
    if not rule.owns(module):
        return f"import of {module}: {name} as {entry.bound}"
    if name is not None and f"{module}.{name}" in reached:
        module, name = f"{module}.{name}", None
    place = f"deciding {named.get(module, '')}" if module in reached else "own"
    return f"import {place}: {name} as {entry.bound}"


@cache
def _origin(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _version(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4096)
def _read(path: Path, module: str, version: tuple[int, int]) -> Module:
    """`version` is there for the cache alone: a file that was changed is read again."""
    tree = ast.parse(path.read_bytes(), filename=str(path))
    strip_undecided(tree)
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for entry in _imports(node, package):
                names.add(entry.module)
                if entry.name is not None:
                    names.add(f"{entry.module}.{entry.name}")  # may name a module or what is in it
    parents = {name.rsplit(".", depth)[0] for name in names for depth in range(1, name.count(".") + 1)}
    return Module(tuple(sorted(names | parents)), tuple(_Statements(package).parts_of(tree)), not tree.body)


def _imports(node: ast.Import | ast.ImportFrom, package: list[str]) -> list[Import]:
    """What the statement binds, its modules by their whole names.  package: in which the file lies."""
    if isinstance(node, ast.Import):
        return [Import(alias.name, None, alias.asname or alias.name) for alias in node.names]
    parent = package[: len(package) - node.level + 1] if node.level else []
    base = ".".join([*parent, *filter(None, [node.module])])
    return [Import(base, alias.name, alias.asname or alias.name) for alias in node.names]


class _Statements:
    """Like `ast.dump`, leaving out empty fields, so that versions of Python which differ in these agree."""

    def __init__(self, package: list[str]) -> None:
        self._package = package
        self._texts: list[str] = []
        self._parts: list[str | tuple[Import, ...]] = []

    def parts_of(self, tree: ast.Module) -> list[str | tuple[Import, ...]]:
        self._dump(tree)
        self._end_text()
        return self._parts

    def _dump(self, node: object) -> None:
        if isinstance(node, ast.AST):
            self._texts.append(f"({type(node).__name__}")
            for name in node._fields:
                value = getattr(node, name, None)
                if value is not None and value != []:
                    self._texts.append(f" {name}=")
                    self._dump(value)
            self._texts.append(")")
        elif isinstance(node, list):
            self._texts.append("[")
            for importing, items in groupby(node, lambda item: isinstance(item, ast.Import | ast.ImportFrom)):
                if importing:
                    self._add_imports(list(items))
                    continue
                for item in items:
                    self._dump(item)
                    self._texts.append(",")
            self._texts.append("]")
        else:
            self._texts.append(repr(node))

    def _add_imports(self, nodes: list[ast.Import | ast.ImportFrom]) -> None:
        """A moved file's import is sorted to another line: imports in a row count by the names that they bind.

        Those that bind the same name keep their order, since the last one wins.
        """
        self._end_text()
        entries = [entry for node in nodes for entry in _imports(node, self._package)]
        self._parts.append(tuple(sorted(entries, key=lambda entry: entry.bound)))

    def _end_text(self) -> None:
        self._parts.append(hashlib.sha256("".join(self._texts).encode()).hexdigest())
        self._texts.clear()
