"""The wheel: it carries its data, and it says so where a foreign package hides one of its own."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("algorithms", "benchmarks", "environments", "reports", "results")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the checkout stays clean."""
    folder = tmp_path_factory.mktemp("build")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=_not_part_of_a_checkout)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    stored = folder / "results" / "reference" / "runs" / "corners[horizon=50]" / "promp" / "0123456789ab" / "seed-0"
    stored.mkdir(parents=True)
    (stored / "done.json").write_text("{}")
    options = ("--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", "out")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "."], cwd=folder, check=True, capture_output=True)
    (built,) = (folder / "out").glob("*.whl")
    return built


def _not_part_of_a_checkout(folder: str, names: list[str]) -> set[str]:
    stored = {"runs"} if Path(folder) == ROOT / "results" else set()
    return ({"__pycache__"} | stored) & set(names)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages, `bin/metarl` among them."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Somebody's project with packages of the same plain names."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a foreign package was imported')\n")
    return tmp_path


def test_tox_asks_for_the_pythons_that_the_package_takes_before_it_installs_anything() -> None:
    """Or pip, under an older one, would blame the first package that has no release for it."""
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    assert tox["testenv"]["base_python"] == needed
    assert not any("base_python" in tox[name] for name in tox.sections() if name.startswith("testenv:"))


def metarl(installed: Path, *arguments: str, cwd: Path, path: tuple[Path, ...]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, str(installed / "bin" / "metarl"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def test_the_wheel_carries_splits_definitions_templates_and_reference_results(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {str(path.relative_to(ROOT)) for path in (ROOT / "environments" / "splits").glob("*.json")}
    expected |= {str(path.relative_to(ROOT)) for path in (ROOT / "benchmarks").rglob("*.toml")}
    templates = [path for name in ("html", "css", "js") for path in (ROOT / "reports" / "assets").glob(f"*.{name}")]
    expected |= {str(path.relative_to(ROOT)) for path in templates}
    expected |= {
        str(path.relative_to(ROOT))
        for name in ("reference", "published")
        for path in (ROOT / "results" / name).rglob("*")
        if path.is_file()
    }
    assert len(expected) > 20
    assert expected <= names
    assert "results/reference/runs/corners[horizon=50]/promp/0123456789ab/seed-0/done.json" in names
    assert not [name for name in names if name.startswith(("tests", "docs", "results/runs"))]


def test_the_installed_command_lists_what_the_checkout_has_even_beside_foreign_packages(
    installed: Path, foreign: Path
) -> None:
    done = metarl(installed, "list", "--json", cwd=foreign, path=(installed,))
    assert done.returncode == 0, done.stderr
    names = {suite["name"] for suite in json.loads(done.stdout)["suites"]}
    # of a suite's later version the split has a name of its own
    versions = {"dow30-risk-levels"}
    assert names == {path.stem for path in (ROOT / "environments" / "splits").glob("*.json")} - versions


def test_workers_of_the_installed_command_import_no_foreign_package(installed: Path, foreign: Path) -> None:
    cells = ("--suites", "corners[horizon=10]", "--algorithms", "random-init", "--seeds", "2", "--profile", "smoke")
    done = metarl(installed, "leaderboard", *cells, "--results", "stored", cwd=foreign, path=(installed,))
    assert done.returncode == 0, done.stderr
    assert len(list(foreign.rglob("done.json"))) == 2


@pytest.mark.parametrize("package", ["algorithms", "environments", "reports", "results"])
def test_a_foreign_package_that_hides_one_of_ours_is_named(package: str, installed: Path, foreign: Path) -> None:
    for name in PACKAGES:
        if name != package:
            shutil.rmtree(foreign / name)
    done = metarl(installed, "list", cwd=foreign, path=(foreign, installed))
    assert done.returncode == 2
    assert done.stderr.startswith(f"metarl: package {package!r} is hidden by {foreign / package}")
    assert done.stderr.count("\n") == 1
    assert str(installed / package) in done.stderr
