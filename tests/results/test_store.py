"""The store finds finished runs by what they are, and trusts no damaged one."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path, PurePath

import pytest

from results.files import StoreError
from results.identity import canonical_json, digest_of, folder_name, run_digest
from results.store import Store
from tests.support.stored_runs import SUITE, finished_run, identity, record, run

ROOT = Path(__file__).parents[2]


def places(store: Store) -> list[tuple]:
    return [(stored.suite, stored.algorithm, stored.seed) for stored in store.finished()]


def test_equal_identities_are_equal_bytes_whatever_their_order() -> None:
    shuffled = dict(reversed(identity().items()))
    assert canonical_json(shuffled) == canonical_json(identity())
    assert canonical_json({"b": (1, 2.5), "a": "é"}) == '{"a":"é","b":[1,2.5]}'.encode()
    assert run_digest(json.loads(json.dumps(identity()))) == run_digest(identity())


def test_the_seed_alone_does_not_change_the_digest() -> None:
    assert run_digest(identity(seed=7)) == run_digest(identity(seed=0))
    for key in set(identity()) - {"seed"}:
        assert run_digest(identity(**{key: "other"})) != run_digest(identity())


def test_a_run_is_stored_under_suite_algorithm_digest_and_seed() -> None:
    digest = run_digest(identity())
    assert folder_name(identity(seed=3)) == PurePath(SUITE, "promp", digest[:12], "seed-3")
    assert len(digest) == 64


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../elsewhere", "a\\b"])
def test_a_name_cannot_leave_its_place(name: str) -> None:
    for key in ("suite", "algorithm"):
        with pytest.raises(StoreError, match=f"{key} name"):
            folder_name(identity(**{key: name}))


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        digest_of({"step_size": math.nan})
    with pytest.raises(TypeError, match="key 1 is a int"):
        digest_of({"layers": [{1: 64}]})
    with pytest.raises(TypeError, match="set"):
        digest_of({"access": {"train"}})


def test_finished_runs_are_listed_in_order_with_their_tables(tmp_path: Path) -> None:
    for algorithm, seed in (("trpo", 0), ("promp", 10), ("promp", 2)):
        finished_run(tmp_path, seed, algorithm=algorithm, seed=seed)
    store = Store(tmp_path)
    store.folder(identity(algorithm="maml")).begin_attempt(run(algorithm="maml"))
    assert places(store) == [(SUITE, "promp", 2), (SUITE, "promp", 10), (SUITE, "trpo", 0)]

    stored = store.finished()[1]
    assert stored.identity == json.loads(json.dumps(identity(seed=10)))
    assert stored.digest == run_digest(identity()) and stored.metric == "return"
    assert stored.scores["return"].tolist() == [10.0] * 4
    assert [len(stored.learning), len(stored.training), len(stored.timing)] == [1, 1, 1]
    assert stored.done["iterations"] == 2
    assert stored.scores is stored.scores


@pytest.mark.parametrize("name", ["scores.parquet", "learning.parquet", "training.parquet", "run.json", "done.json"])
@pytest.mark.parametrize("damage", ["truncated", "removed", "foreign"])
def test_a_damaged_run_is_named_or_left_out(tmp_path: Path, name: str, damage: str) -> None:
    broken = finished_run(tmp_path).path / name
    finished_run(tmp_path, seed=1)
    if damage == "truncated":
        broken.write_bytes(broken.read_bytes()[:-20])
    elif damage == "foreign":
        shutil.copy(finished_run(tmp_path / "elsewhere", 5.0, budget=5).path / name, broken)
    else:
        broken.unlink()
    store = Store(tmp_path)
    if (name, damage) == ("done.json", "removed"):
        assert places(store) == [(SUITE, "promp", 1)]
        return
    with pytest.raises(StoreError, match="seed-0") as caught:
        store.finished()
    assert "\n" not in str(caught.value)
    assert [stored.seed for stored in store.finished(skip_corrupt=True)] == [1]
    assert store.problems == [str(caught.value)]


def test_a_changed_table_fails_its_digest_even_if_it_reads(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    stored = Store(tmp_path).finished()[0]
    stored.verify_digests()
    shutil.copy(finished_run(tmp_path / "other", 2.0).path / "scores.parquet", folder.path)
    assert stored.scores["return"][0] == 2.0
    with pytest.raises(StoreError, match=r"scores\.parquet is damaged: its SHA-256"):
        stored.verify_digests()


def test_a_run_moved_to_another_place_is_noticed(tmp_path: Path) -> None:
    path = finished_run(tmp_path).path
    path.rename(path.with_name("seed-4"))
    with pytest.raises(StoreError, match="move it to its own place"):
        Store(tmp_path).finished()


def test_a_damaged_timing_table_is_named_when_it_is_read(tmp_path: Path) -> None:
    (finished_run(tmp_path).path / "timing.parquet").write_bytes(b"PAR1")
    stored = Store(tmp_path).finished()[0]
    with pytest.raises(StoreError, match=r"timing\.parquet is damaged"):
        len(stored.timing)


def test_stores_merge_by_copying_what_is_missing(tmp_path: Path) -> None:
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    finished_run(here.root, 1.0, seed=0)
    here.folder(identity(seed=2)).begin_attempt(run(seed=2))
    for seed in range(3):
        folder = finished_run(there.root, 5.0, seed=seed)
    (folder.path / "artefacts").mkdir()
    (folder.path / "artefacts" / "flight.csv").write_bytes(b"0")

    copied = here.merge_from(there)
    assert [folder.path.name for folder in copied] == ["seed-1", "seed-2"]
    assert [stored.scores["return"][0] for stored in here.finished()] == [1.0, 5.0, 5.0]
    assert (here.folder(identity(seed=2)).path / "artefacts" / "flight.csv").read_bytes() == b"0"
    for folder in copied:
        for file in ("run.json", "done.json", "scores.parquet", "timing.parquet"):
            assert (folder.path / file).read_bytes() == (
                there.runs / folder.path.relative_to(here.runs) / file
            ).read_bytes()
    assert here.merge_from(there) == []


def test_a_read_only_store_is_read_and_never_written(tmp_path: Path) -> None:
    finished_run(tmp_path)
    store = Store(tmp_path, read_only=True)
    assert len(store.finished()) == 1 and store.folder(identity()).finished
    folder = store.folder(identity(seed=1))
    writes = (
        lambda: folder.begin_attempt(run(seed=1)),
        lambda: folder.save_checkpoint({}),
        lambda: folder.finish(**record()),
        lambda: folder.lock().__enter__(),
        lambda: store.folder(identity()).clear(),
        lambda: store.merge_from(Store(tmp_path)),
    )
    for write in writes:
        with pytest.raises(StoreError, match="read-only"):
            write()
    assert not folder.path.exists() and len(store.finished()) == 1


def test_a_read_only_store_that_does_not_exist_is_empty_and_stays_so(tmp_path: Path) -> None:
    assert Store(tmp_path / "none", read_only=True).finished() == []
    assert not (tmp_path / "none").exists()


def test_an_unwritable_place_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"cannot make the folder .*file/runs: Not a directory") as caught:
        Store(tmp_path / "file")
    assert "\n" not in str(caught.value)

    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(StoreError, match=r"cannot write to .*runs: Permission denied; use another folder"):
        Store(tmp_path)


def test_opening_the_store_imports_neither_torch_nor_pandas() -> None:
    code = "import sys, results.store; print(sorted({'torch', 'pandas', 'gymnasium'} & set(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert output.stdout == "[]\n"


def test_runs_of_some_suites_are_read_without_opening_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for suite in ("lake", "lake[horizon=7]", "lake-other"):
        finished_run(tmp_path, suite=suite)
    for done in tmp_path.glob("runs/lake-other/*/*/*/done.json"):
        done.write_text("damaged")
    found = store.finished(suites=["lake[horizon=9]"])
    assert [stored.suite for stored in found] == ["lake", "lake[horizon=7]"]
    with pytest.raises(StoreError):
        store.finished()
