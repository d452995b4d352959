"""Whatever a command line names, the command says in one line what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import said_by

BASE = "from algorithms.algorithm import Algorithm\n"
SOURCES: dict[str, tuple[bytes, str]] = {
    "latin": (b"# caf\xe9\nclass A:\n    name = 'a'\n", "can't decode byte"),
    "utf16": ("class A:\n    name = 'a'\n".encode("utf-16"), "can't decode byte"),
    "zero": (b"class A:\n    name = 'a'\0\n", "null bytes"),
    "unhashable": (f"{BASE}class A(Algorithm):\n    name = 'a'\n    x = {{[]: 1}}\n".encode(), "unhashable"),
    "frozen": (f"{BASE}class A(Algorithm):\n    name = 'a'\n    x = frozenset([[]])\n".encode(), "unhashable"),
    "nested": (f"{BASE}class A(Algorithm):\n    name = 'a'\n    x = {'-' * 100_000}1\n".encode(), "nested too deeply"),
    "syntax": (b"class A(:\n", "not valid Python"),
    "raises": (f"{BASE}1 / 0\nclass A(Algorithm):\n    name = 'a'\n".encode(), "ZeroDivisionError"),
    "exits": (f"{BASE}raise SystemExit(0)\nclass A(Algorithm):\n    name = 'a'\n".encode(), "SystemExit"),
    "stranger": (b"class A:\n    name = 'a'\n", "no subclass"),
    "bare": (f"{BASE}class A(Algorithm):\n    name = 'a'\n    Config = None\n".encode(), "must be a dataclass"),
    "number": (f"{BASE}class A(Algorithm):\n    name = 'a'\n    Config = int\n".encode(), "must be a dataclass"),
}

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def metarl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The exit code, and what was said on standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        code, _, errors = said_by(capsys, *arguments)
        return code, errors

    return run


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_that_holds_no_algorithm_is_named_by_every_command(name: str, tmp_path: Path, metarl: Command) -> None:
    content, says = SOURCES[name]
    file = tmp_path / f"{name}.py"
    file.write_bytes(content)
    for command in (
        ("check", file.name),
        ("show", "corners", file.name),
        ("compare", file.name, "--dry-run"),
        ("leaderboard", "--algorithms", file.name, "--dry-run"),
        ("tune", file.name, "--dry-run"),
    ):
        code, errors = metarl(*command)
        assert code == 2 and errors.count("\n") == 1, (command, errors)
        assert errors.startswith("metarl: ") and says.replace("no subclass", "subclass") in errors, (command, errors)


@pytest.mark.parametrize("name", ["latin", "unhashable", "nested", "exits"])
def test_a_file_that_holds_no_suite_is_named(name: str, tmp_path: Path, metarl: Command) -> None:
    (tmp_path / f"{name}.py").write_bytes(SOURCES[name][0])
    code, errors = metarl("leaderboard", "--suites", f"{name}.py", "--dry-run")
    assert code == 2 and errors.count("\n") == 1 and errors.startswith("metarl: ")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000, b"profile = nan"])
def test_a_broken_toml_file_is_named(content: bytes, tmp_path: Path, metarl: Command) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    for option in ("--benchmark", "--profile"):
        code, errors = metarl("leaderboard", option, "mine.toml", "--dry-run")
        assert code == 2 and errors.count("\n") == 1 and "mine" in errors


@pytest.mark.parametrize("path", ["x" * 300, "a\0b", ""])
def test_a_path_that_cannot_be_is_named(path: str, metarl: Command) -> None:
    for command in (
        ("verify", path),
        ("verify", "--all", path),
        ("report", "--results", path),
        ("report", "--shipped", "--suites", "none", "--output", path),
        ("leaderboard", "--results", path, "--suites", "corners", "--algorithms", "random-init", "--dry-run"),
        ("explain", path),
    ):
        code, errors = metarl(*command)
        assert code == 2 and errors.count("\n") == 1 and len(errors) < 800, (command, errors)


@pytest.mark.parametrize("option", ["--workers", "--seeds"])
def test_a_number_that_cannot_be_meant_is_refused_before_it_takes_memory(option: str, metarl: Command) -> None:
    cells = ("--suites", "corners", "--algorithms", "random-init", "--dry-run")
    for number in ("1000000000", "9" * 5000):
        code, errors = metarl("leaderboard", option, number, *cells)
        assert code == 2 and "at most" in errors and errors.count("\n") == 1 and len(errors) < 300


def test_what_a_terminal_would_act_on_is_spelt_out(metarl: Command) -> None:
    code, errors = metarl("show", "\x1b[2J", "promp")
    assert code == 2 and "\x1b" not in errors
    assert os.linesep not in errors[:-1]
    code, errors = metarl("list", "\x1b[2J\n")
    assert code == 2 and "\x1b" not in errors and errors.count("\n") == 1
