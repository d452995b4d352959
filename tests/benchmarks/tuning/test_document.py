"""A file that lies where tuning writes: what would be lost or is no such document is refused before the first trial."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.command_line import main
from benchmarks.planning.tuned_file import read_tuned
from benchmarks.tuning.document import Outcome, write_outcome
from environments.typed_options import UsageError
from tests.support.tuned_algorithms import write_tuned
from tests.support.tuned_files import tuned_text, write

SUITE = "half-cheetah-velocity[horizon=5,control_cost=10]"
HEAD = f'suite = "{SUITE}"\nprofile = "smoke"\n'


def words(folder: Path) -> list[str]:
    return [
        *("tune", write_tuned(folder, "mine"), "--suites", SUITE, "--profile", "smoke", "--trials", "2"),
        *("--results", str(folder / "store"), "--into", str(folder / "into"), "--workers", "1"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "algorithms = 3\n", "algorithms must be tables, as in [algorithms.promp], got 3"),
        (HEAD + "[algorithms]\nmine = 5\n", "algorithms.mine must be a table, got 5"),
        (HEAD + "[algorithms]\nother = 5\n", "algorithms.other must be a table, got 5"),
        (HEAD + "[algorithms.mine]\nsetting = 3\n", "algorithms.mine.setting must be a table, as in"),
        (HEAD + "controls = 4\n", "controls must be a table of names, as in"),
        (HEAD + "controls = { mine = 4 }\n", "controls must be a table of names, as in"),
        (HEAD + 'note = "by hand"\n', "it has no key 'note', which would be lost"),
        (
            HEAD + 'sibling = "half-cheetah-direction"\n',
            "sibling is 'half-cheetah-direction', whose values all methods",
        ),
        (HEAD + "sibling = 3\n", "sibling is 3, whose values all methods"),
        (HEAD.replace("smoke", "quick"), "profile is 'quick', but the file lies where 'smoke' belongs"),
        (HEAD.replace("horizon=5", "horizon=6"), "but the file lies where 'half-cheetah-velocity[horizon=5"),
        ("a = " + "[" * 5000, "cannot be read: "),
        ("suite = \n", "cannot be read: "),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_file_that_could_not_keep_what_it_holds_is_refused_before_the_first_trial(
    text: str, said: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "into", text, SUITE, "smoke")
    assert main([*words(tmp_path), *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"metarl: {path}") and said in line
    assert path.read_text() == text and not (tmp_path / "store").exists()


def test_comparisons_with_trials_are_refused_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "into", HEAD + "controls = 4\n", SUITE, "smoke")
    cells = ["--suites", SUITE, "--profile", "smoke", "--seeds", "1", "--tuned", "into", "--tune", "--dry-run"]
    assert main(["compare", write_tuned(tmp_path, "mine"), *cells]) == 2
    assert "controls must be a table of names" in capsys.readouterr().err


def test_an_entry_that_was_changed_by_hand_is_written_again_and_others_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, tuned_text().replace("chosen = 1", "chosen = 2"))
    with pytest.raises(UsageError, match="the chosen one"):
        read_tuned(path)
    setting = tomllib.loads(path.read_text())["algorithms"]["promp"]["setting"]
    identity = dict.fromkeys(("code", "suite_digest", "split_digest"), "")
    own = Outcome([{"step_size": 0.1}], [[1.0]], 0, 0, 0, [1000], "qmc", identity, setting)
    for name in ("maml-vpg", "promp"):
        write_outcome(tmp_path, "quick", path.stem, name, own)
    assert sorted(read_tuned(path).algorithms) == ["maml-vpg", "promp"]
