"""The code digest covers what decides a result and nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from algorithms.catalogue import find_algorithm
from benchmarks.specs.code_digest import DECIDING, closure, code_digest, located
from environments.catalogue import suites
from environments.discovery import ClassEntry
from tests.support.adapters import GOOD, write_good
from tests.support.changed_module import change_module

LAKE = "frozen-lake-low"
CLOSURE = closure(find_algorithm("promp"), suites()[LAKE])


def digest_of_text(folder: Path, text: str) -> str:
    path = folder / "drift.py"
    path.write_text(text)
    return code_digest(find_algorithm(str(path)), suites()[LAKE])


def digest_of_package(folder: Path, name: str) -> str:
    found = ClassEntry("drift", f"{name}.methods.drift", "Drift", "", {}, None)
    assert located(f"{name}.methods.drift") == folder / name / "methods" / "drift.py"
    return code_digest(found, suites()[LAKE])


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A third party's package, with a name of its own for each test."""
    name = f"their_{request.node.name}"
    methods = tmp_path / name / "methods"
    methods.mkdir(parents=True)
    (tmp_path / name / "__init__.py").write_text("")
    (methods / "__init__.py").write_text("")
    (methods / "drift.py").write_text("from . import surrogate\nfrom .steps import size\n" + GOOD)
    (methods / "surrogate.py").write_text("clip = 0.3\n")
    (methods / "steps.py").write_text("size = 1\n")
    (methods / "neighbour.py").write_text("size = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_comments_docstrings_and_layout_do_not_count(tmp_path: Path) -> None:
    text = GOOD.replace('"""Acts alike everywhere."""', '"""Another docstring."""')
    text = text.replace("space = problem.action_space", "space = (  # a comment\n problem.action_space\n )")
    assert text != GOOD
    assert digest_of_text(tmp_path, text) == digest_of_text(tmp_path, GOOD)


def test_a_docstring_alone_in_a_body_does_not_count_but_a_statement_does(tmp_path: Path) -> None:
    first, second, third = (
        digest_of_text(tmp_path, f"{GOOD}\n\ndef more():\n    {body}\n") for body in ('"""a"""', '"""b"""', "return 1")
    )
    assert first == second != third


PLAIN = "    step: float = 0.1"
DECLARED = [
    '    step: float = searched(0.1, LogRange(0.01, 1.0), tabular="a reason")',
    '    step: float = unsearched(0.1, "another reason")',
]


def declared(field: str, imports: str = "", more: str = "") -> str:
    return f"{imports}{GOOD}\n\nclass Options:\n{field}\n{more}"


@pytest.mark.parametrize("field", DECLARED)
def test_the_space_in_which_an_option_is_tuned_does_not_count_but_its_default_does(field: str, tmp_path: Path) -> None:
    imports = "from algorithms.search_space import LogRange, searched, unsearched\n"
    plain = digest_of_text(tmp_path, declared(PLAIN))
    assert digest_of_text(tmp_path, declared(field, imports)) == plain
    assert digest_of_text(tmp_path, declared(field.replace("0.1,", "0.2,"), imports)) != plain
    assert digest_of_text(tmp_path, declared(field, imports, "    print(LogRange)\n")) != plain
    assert digest_of_text(tmp_path, declared(field, "from theirs import LogRange, searched, unsearched\n")) != plain


def test_how_records_hold_a_declared_option_counts_as_it_does_without_a_space(tmp_path: Path) -> None:
    imports = "from algorithms.search_space import searched\n"
    first, second = (
        digest_of_text(tmp_path, declared(f"    step: float = {value}", imports))
        for value in ("searched(0.1, space, earlier=0.2)", "searched(0.1, space, earlier=0.3)")
    )
    assert first != second != digest_of_text(tmp_path, declared(PLAIN)) != first


OURS = "from algorithms.search_space import LogRange, searched\n"


@pytest.mark.parametrize(
    ("imports", "value"),
    [
        (f"{OURS}def searched(default, space): return space\n", "searched(0.1, %s)"),
        (f"{OURS}searched = max\n", "searched(0.1, %s)"),
        (f"{OURS}try:\n    from theirs import searched\nexcept ImportError: pass\n", "searched(0.1, %s)"),
        (f"{OURS}from theirs import *\n", "searched(0.1, %s)"),
        ("from .algorithms.search_space import searched\n", "searched(0.1, %s)"),
        ("from algorithms.search_space import LogRange as searched\n", "searched(0.1, %s)"),
        (OURS, "searched(0.1, print(%s))"),
        (OURS, "searched(0.1, (kept := %s))"),
        (OURS, 'searched(0.1, LogRange(0.01, 1.0), **{"earlier": %s})'),
    ],
)
def test_what_only_looks_like_a_declaration_counts(imports: str, value: str, tmp_path: Path) -> None:
    first, second = (
        digest_of_text(tmp_path, declared(f"    step: float = {value % number}", imports)) for number in ("0.3", "0.4")
    )
    assert first != second


@pytest.mark.parametrize(("old", "new"), [("0.9", "0.8"), (": score}", ": -score}"), ("bias +", "bias -")])
def test_a_changed_statement_counts(old: str, new: str, tmp_path: Path) -> None:
    text = GOOD.replace(old, new)
    assert text != GOOD
    assert digest_of_text(tmp_path, text) != digest_of_text(tmp_path, GOOD)


@pytest.mark.parametrize("module", ["surrogate", "steps", "__init__"])
def test_what_is_imported_counts(module: str, package: str, tmp_path: Path) -> None:
    before = digest_of_package(tmp_path, package)
    (tmp_path / package / "methods" / f"{module}.py").write_text("clip = 0.2\n")
    assert digest_of_package(tmp_path, package) != before


def test_a_neighbour_that_is_not_imported_does_not_count(package: str, tmp_path: Path) -> None:
    before = digest_of_package(tmp_path, package)
    (tmp_path / package / "methods" / "neighbour.py").write_text("size = 2\n")
    (tmp_path / package / "methods" / "new.py").write_text("size = 3\n")
    assert digest_of_package(tmp_path, package) == before


def test_the_closure_holds_algorithm_suite_and_training_loop_and_no_neighbour() -> None:
    reached = CLOSURE
    assert reached.keys() >= {
        "algorithms.promp",
        "algorithms.estimators.surrogates",
        "environments.frozen_lake",
        "environments.collector",
        *DECIDING,
    }
    assert not reached.keys() & {"algorithms.maml_trpo", "environments.corners", "environments.locomotion.velocity"}
    assert {module.partition(".")[0] for module in reached} == {"algorithms", "environments", "benchmarks"}


def test_the_training_loop_imports_nothing_else_of_benchmarks_that_decides() -> None:
    """Whoever moves what decides a result to a new module must name it in DECIDING; a failure has no result."""
    imported = set()
    for module in DECIDING:
        path = located(module)
        assert path is not None
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("benchmarks"):
                imported.add(node.module)
    assert imported - DECIDING == {"benchmarks.specs.run_spec", "benchmarks.execution.failure_place"}


def test_the_digest_is_computed_without_importing_what_it_covers(tmp_path: Path) -> None:
    source = write_good(tmp_path)
    program = (
        "import sys\n"
        "from algorithms.catalogue import find_algorithm\n"
        "from benchmarks.specs.code_digest import code_digest\n"
        "from environments.catalogue import suites\n"
        f"print(code_digest(find_algorithm({source!r}), suites()['hopper-params']))\n"
        "print(sorted({'torch', 'mujoco', 'environments.locomotion', 'loose_drift'} & set(sys.modules)))\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    printed, imported = done.stdout.splitlines()
    assert len(printed) == 64
    assert imported == "[]"
    assert printed == code_digest(find_algorithm(source), suites()["hopper-params"])


def test_a_moved_file_does_not_count_but_which_file_an_import_names_does(package: str, tmp_path: Path) -> None:
    methods, drift = tmp_path / package / "methods", tmp_path / package / "methods" / "drift.py"
    (methods / "steps.py").write_text("from .surrogate import clip\nsize = clip + 1\n")
    before = digest_of_package(tmp_path, package)
    deeper = tmp_path / package / "aside" / "deeper"
    deeper.mkdir(parents=True)
    for folder in (deeper, deeper.parent):
        (folder / "__init__.py").write_text('"""Moved here."""\n')
    (methods / "steps.py").rename(deeper / "steps.py")
    (methods / "surrogate.py").rename(deeper / "renamed.py")
    (deeper / "steps.py").write_text("from .renamed import clip\nsize = clip + 1\n")
    text = f"from {package}.aside.deeper.steps import size\nfrom ..aside.deeper import renamed as surrogate\n{GOOD}"
    drift.write_text(text)
    assert digest_of_package(tmp_path, package) == before
    (deeper / "others.py").write_text("clip = 1\nsize = clip + 1\n")
    drift.write_text(text.replace("deeper.steps", "deeper.others"))
    assert digest_of_package(tmp_path, package) != before


def test_imports_count_by_what_they_bind_and_not_by_their_order(tmp_path: Path) -> None:
    shuffled = GOOD.replace("from environments.task import TaskRef\n", "")
    shuffled = shuffled.replace("import gymnasium, numpy, torch", "from environments.task import TaskRef\nimport torch")
    shuffled = shuffled.replace("import os, random", "import gymnasium, numpy, os, random")
    assert digest_of_text(tmp_path, shuffled) == digest_of_text(tmp_path, GOOD)
    for old, new in (
        ("Categorical, Gaussian", "Categorical as Gaussian, Gaussian as Categorical"),
        ("import gymnasium, numpy, torch", "import gymnasium, numpy, numpy as torch"),
        ("from algorithms.policies.distributions import", "from algorithms.policies.networks import"),
    ):
        assert old in GOOD
        assert digest_of_text(tmp_path, GOOD.replace(old, new)) != digest_of_text(tmp_path, GOOD)


def test_of_two_imports_of_one_name_the_order_counts(package: str, tmp_path: Path) -> None:
    methods = tmp_path / package / "methods"
    (methods / "neighbour.py").write_text("size = 2\n")
    first, second = "from .steps import size\n", "from .neighbour import size\n"
    digests = []
    for lines in (first + second, second + first):
        (methods / "drift.py").write_text(lines + GOOD)
        digests.append(digest_of_package(tmp_path, package))
    assert digests[0] != digests[1]


def test_files_that_import_each_other_count_and_may_move(package: str, tmp_path: Path) -> None:
    methods = tmp_path / package / "methods"
    (methods / "steps.py").write_text("from . import surrogate\nsize = 1\n")
    (methods / "surrogate.py").write_text("from .steps import size\nclip = 0.3\n")
    before = digest_of_package(tmp_path, package)
    (methods / "steps.py").rename(methods / "sizes.py")
    (methods / "sizes.py").write_text("from . import surrogate\nsize = 1\n")
    (methods / "surrogate.py").write_text("from .sizes import size\nclip = 0.3\n")
    (methods / "drift.py").write_text("from . import surrogate\nfrom .sizes import size\n" + GOOD)
    assert digest_of_package(tmp_path, package) == before
    (methods / "sizes.py").write_text("from . import surrogate\nsize = 2\n")
    assert digest_of_package(tmp_path, package) != before


@pytest.mark.parametrize("depth", [1, 2])
def test_of_files_that_differ_in_their_imports_alone_the_one_imported_counts(
    depth: int, package: str, tmp_path: Path
) -> None:
    methods = tmp_path / package / "methods"
    (methods / "neighbour.py").write_text("size = 2\n")
    below = ("steps", "neighbour")
    for level in range(depth):
        twins = (f"careful{level}", f"bold{level}")
        for twin, imported in zip(twins, below, strict=True):
            (methods / f"{twin}.py").write_text(f"from .{imported} import size\nsize = 2 * size\n")
        below = twins
    digests = []
    for first, second in (below, below[::-1]):
        lines = f"from .{first} import size as careful\nfrom .{second} import size as bold\n"
        (methods / "drift.py").write_text(lines + GOOD)
        digests.append(digest_of_package(tmp_path, package))
    assert digests[0] != digests[1]


def test_another_class_of_the_same_file_is_another_algorithm(tmp_path: Path) -> None:
    path = tmp_path / "drift.py"
    path.write_text(GOOD + '\n\nclass Faster(Drift):\n    name = "faster"\n')
    first, second = (find_algorithm(f"{path}:{name}") for name in ("Drift", "Faster"))
    assert code_digest(first, suites()[LAKE]) != code_digest(second, suites()[LAKE])
    assert code_digest(first, suites()[LAKE]) != code_digest(first, suites()["frozen-lake-high"])


@pytest.mark.parametrize("module", [name for name, path in sorted(CLOSURE.items()) if path.read_text()])
def test_every_file_of_the_closure_counts(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest(find_algorithm("promp"), suites()[LAKE])
    changed = change_module(module, tmp_path, monkeypatch)
    found = find_algorithm("promp")
    if found.module == module:
        found = replace(found, path=changed)
    suite = suites()[LAKE]
    if suite.module == module:
        suite = replace(suite, path=changed)
    assert code_digest(found, suite) != before
