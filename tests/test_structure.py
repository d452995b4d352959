"""The house's rules: arrows point down, no circles, rooms that are not warehouses, files that hold one idea."""

import ast
from collections.abc import Collection, Mapping
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
#: pairs of folders of which the first imports the second, as it should, and the second the first, and why it may
UPWARD = {
    # a figure is found in its folder by the name that a paper's file gives it, and draws what `papers/evidence.py`,
    # `study_evidence.py` and `times.py` have chosen: the folder is a part of the other, which draws and lists it
    ("reports/papers", "reports/papers/figures"),
}


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


def circles(arrows: Mapping[str, Collection[str]]) -> list[str]:
    """What lies on a circle, or between two: what is left once the ends of all ways are taken away again and again."""
    left = {name: set(targets) for name, targets in arrows.items()}
    while True:
        pointed_at = set[str]().union(*left.values())
        ends = [name for name, targets in left.items() if name not in pointed_at or not targets & left.keys()]
        if not ends:
            return sorted(left)
        for name in ends:
            del left[name]


def folder_arrows() -> dict[str, set[str]]:
    """The folders below the packages, each with those from which its modules import."""
    folders = {name: path.parent.relative_to(ROOT).as_posix() for name, path in modules().items()}
    arrows: dict[str, set[str]] = {folder: set() for folder in folders.values() if "/" in folder}
    for name, targets in imports().items():
        if folders[name] in arrows:
            arrows[folders[name]] |= {folders[target] for target in targets} & arrows.keys() - {folders[name]}
    return arrows


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles(imports()) == []


def test_no_folder_imports_from_itself_by_way_of_others() -> None:
    """A package's first level is no folder below it: what all floors stand on may lie there."""
    arrows = folder_arrows()
    for above, below in UPWARD:
        arrows[below].remove(above)  # a KeyError: it is gone, and is to be struck off the list
    assert circles(arrows) == []


def test_a_circle_is_found_without_what_points_to_it_or_from_it() -> None:
    arrows = {"planning": {"tuning"}, "tuning": {"planning", "specs"}, "specs": set[str](), "commands": {"tuning"}}
    assert circles(arrows) == ["planning", "tuning"]


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
