"""Files of tuned values as the report is given them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.commands.tuned_methods import tuned_methods
from benchmarks.tuning.document import Outcome, write_outcome
from reports.scores.tuning import Origin
from results.store import Store, StoredRun
from tests.support.scored_runs import store_run

IDENTITY = {"code": "c", "suite_digest": "s", "split_digest": "p"}


def write(folder: Path, suite: str, best: float) -> None:
    values: list[dict[str, Any]] = [{"step": 0.1, "size": None}, {"step": 0.2, "size": 3}, {"step": 0.3, "size": 4}]
    scores = [(1.0, 2.0), (best, best), (math.nan, 9.0)]
    outcome = Outcome(values, scores, 1, 0, 0, (1000, 1001), "qmc", IDENTITY)
    write_outcome(folder, "smoke", suite, "promp", outcome)


def runs(tmp_path: Path, digest: str = "", suite: str = "point") -> list[StoredRun]:
    store = Store(tmp_path / "results")
    tuning = {"trials": 3, "seeds": 2, "digest": digest} if digest else None
    store_run(store, suite, tuning=tuning)
    return store.finished()


def test_a_files_trials_become_plain_values(tmp_path: Path) -> None:
    write(tmp_path / "tuned", "point", 5.0)
    write(tmp_path / "tuned", "elsewhere", 5.0)
    (method,) = tuned_methods(runs(tmp_path), [tmp_path / "tuned"])
    assert (method.suite, method.profile, method.algorithm) == ("point", "smoke", "promp")
    assert (method.chosen, method.published, method.by_profile, method.sampler) == (1, 0, 0, "qmc")
    assert dict(method.trials[0].values) == {"step": 0.1, "size": None} and method.gain == 3.5
    assert method.failed == 1 and method.source == "tuned/smoke/point.toml" and len(method.digest) == 64


def test_of_several_folders_that_counts_whose_trials_the_runs_name(tmp_path: Path) -> None:
    folders = [tmp_path / "own", tmp_path / "shipped"]
    for folder, best in zip(folders, (5.0, 6.0), strict=True):
        write(folder, "point", best)
    silent = runs(tmp_path)
    (own,) = tuned_methods(silent, folders[:1])
    (last,) = tuned_methods(silent, folders)
    assert last.trials[1].score == 6.0
    (named,) = tuned_methods(runs(tmp_path / "again", own.digest), folders)
    assert named.digest == own.digest != last.digest


def test_a_broken_file_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "tuned", "point", 5.0)
    path = tmp_path / "tuned/smoke/point.toml"
    path.write_text(path.read_text().replace("5.0", "7.0"))
    assert tuned_methods(runs(tmp_path), [tmp_path / "tuned"]) == []
    assert "left out: tuned values" in capsys.readouterr().err


def test_a_suite_with_a_sibling_shows_the_siblings_trials(tmp_path: Path) -> None:
    write(tmp_path / "tuned", "point", 5.0)
    (tmp_path / "tuned/smoke/twin.toml").write_text('suite = "twin"\nprofile = "smoke"\nsibling = "point"\n')
    (method,) = tuned_methods(runs(tmp_path, suite="twin"), [tmp_path / "tuned"])
    assert method.suite == "point"


def test_setting_and_origin_are_handed_on(tmp_path: Path) -> None:
    values, scores, setting = [{"step": 0.1}], [(1.0, 2.0)], {"budget": 100, "config": {"tasks": 5}}
    for profile, sampler in (("smoke", "best of quick"), ("quick", "qmc")):
        outcome = Outcome(values, scores, 0, 0, 0, (1000, 1001), sampler, IDENTITY, setting)
        write_outcome(tmp_path / "tuned", profile, "point", "promp", outcome)
    stored = runs(tmp_path)
    (method,) = tuned_methods(stored, [tmp_path / "tuned"])
    assert (method.setting, method.origin) == (setting, Origin("quick", 1, 2))
    (tmp_path / "tuned/quick/point.toml").unlink()
    (method,) = tuned_methods(stored, [tmp_path / "tuned"])
    assert str(method.origin) == "the best of profile quick"
