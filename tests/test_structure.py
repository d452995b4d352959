"""The house's rules: arrows point down, no circles, rooms that are not warehouses, files that hold one idea."""

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path

import pytest

from algorithms.catalogue import algorithms

ROOT = Path(__file__).parents[1]
#: what each package may import of the five
BELOW = {
    "benchmarks": {"benchmarks", "reports", "algorithms", "environments", "results"},
    "reports": {"reports", "results"},
    "algorithms": {"algorithms", "environments"},
    "environments": {"environments"},
    "results": {"results"},
}
#: entries on the first level of a package, methods of `algorithms` not counted
MOST = {"algorithms": 14, "reports": 16, "benchmarks": 18}
LINES = 350


def modules() -> dict[str, Path]:
    return {dotted(path): path for package in BELOW for path in sorted((ROOT / package).rglob("*.py"))}


def dotted(path: Path) -> str:
    """The name that a module is imported by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports() -> dict[str, set[str]]:
    """The modules of the five packages that each of them imports, function by function included."""
    known = modules()
    return {name: imported(path, known) - {name} for name, path in known.items()}


def imported(path: Path, known: Collection[str]) -> set[str]:
    """Those of the known modules that a file imports."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & set(known)
            named |= inner or {node.module}
    return named & set(known)


@pytest.mark.parametrize("package", BELOW)
def test_a_package_imports_from_packages_below_it_alone(package: str) -> None:
    upward = [
        (name, target)
        for name, targets in imports().items()
        if name.partition(".")[0] == package
        for target in targets
        if target.partition(".")[0] not in BELOW[package]
    ]
    assert upward == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    """What is left once modules that import nothing of the rest are taken away again and again lies on a circle."""
    left = {name: set(targets) for name, targets in imports().items()}
    while done := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in done:
            del left[name]
    assert sorted(left) == []


@pytest.mark.parametrize("package", MOST)
def test_the_first_level_of_a_package_can_be_taken_in_at_a_glance(package: str) -> None:
    """A method's file stands under the name that users type, so that more of them hide nothing."""
    methods = {entry.module.rpartition(".")[2] + ".py" for entry in algorithms().values()}
    entries = {path.name for path in (ROOT / package).iterdir() if path.name != "__pycache__"}
    assert len(entries - methods if package == "algorithms" else entries) <= MOST[package]


def test_a_file_of_the_packages_holds_one_idea() -> None:
    long = [str(path) for path in modules().values() if len(path.read_text().splitlines()) > LINES]
    assert long == []


def test_no_module_of_tests_imports_from_a_test_module() -> None:
    """What several of them need stands in tests/support."""
    tests = {dotted(path) for path in (ROOT / "tests").rglob("test_*.py")}
    found = {dotted(path): imported(path, tests) for path in (ROOT / "tests").rglob("*.py")}
    assert {name: targets for name, targets in found.items() if targets} == {}
