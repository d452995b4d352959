"""Every field of a record is held by a digest, a seal or a rule before anything is worked out from it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results.files import StoreError
from results.identity import run_digest
from results.record_schema import SEAL, seal_holds, sealed
from results.run_folder import ERROR_LIMIT, RunFolder
from results.store import Store
from tests.support.stored_runs import finished_run, identity, run

#: kinds of values that a field may be replaced by
OTHERS: tuple[Any, ...] = (
    None, -1, 1.5, 10**400, True, "", " ", "a\nb", "\x1b[2J", "\u202e", [], {}, [None], {"": 1}, {"a\x00": {}}, [[[]]],
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], other)
    return copy


def unsealed(path: Path, change: Callable[[Any], Any] = lambda content: content) -> None:
    """The file changed, as a record from before there were seals."""
    content = change(json.loads(path.read_text()))
    content.pop(SEAL, None)
    if path.name == "run.json" and isinstance(content.get("identity"), dict):
        content["digest"] = run_digest(content["identity"])
    path.write_text(json.dumps(content))


def test_any_other_value_of_any_field_is_named_or_read_by_all(tmp_path: Path) -> None:
    """Without the seal's help, as of records from before there was one."""
    from reports.scores.boards import make_boards
    from reports.scores.entries import collect_entries
    from reports.summary import summary_json

    folder = finished_run(tmp_path)
    named = 0
    for name in ("run.json", "done.json"):
        whole = json.loads((folder.path / name).read_text())
        del whole[SEAL]
        for place in places(whole)[1:]:
            for other in OTHERS:
                (folder.path / name).write_text(json.dumps(replaced(whole, place, other)))
                store = Store(tmp_path, read_only=True)
                try:
                    entries, _ = collect_entries(store.finished(skip_corrupt=True))
                    summary_json(make_boards(entries)).encode()
                except Exception as error:
                    raise AssertionError(f"{name} {place} = {other!r}") from error
                assert all("\n" not in line for line in store.problems)
                named += len(store.problems)
        (folder.path / name).write_text(json.dumps(whole))
    assert named > 500


@pytest.mark.parametrize("name", ["run.json", "done.json"])
def test_no_flipped_bit_of_a_sealed_record_is_silent(tmp_path: Path, name: str) -> None:
    path = finished_run(tmp_path).path / name
    whole, content = path.read_bytes(), json.loads(path.read_text())
    generator = random.Random(0)
    for _ in range(400):
        changed = bytearray(whole)
        changed[generator.randrange(len(whole))] ^= 1 << generator.randrange(8)
        path.write_bytes(changed)
        store = Store(tmp_path, read_only=True)
        found = store.finished(skip_corrupt=True)
        if found:  # white space, or the name of the seal, after which all else is as it was
            read = json.loads(path.read_text())
            assert {key: read[key] for key in content if key != SEAL} == {
                key: content[key] for key in content if key != SEAL
            }
        else:
            assert len(store.problems) == 1 and "\n" not in store.problems[0]


def test_a_record_from_before_there_were_seals_is_read(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    for name in ("run.json", "done.json"):
        unsealed(folder.path / name)
    assert len(Store(tmp_path).finished()) == 1


def test_a_seal_holds_what_it_was_made_of_and_nothing_else() -> None:
    record = sealed({"a": 1, "b": [1.5, "x"]})
    assert seal_holds(record) and seal_holds({"a": 1})
    assert not seal_holds({**record, "a": 2}) and not seal_holds({**record, "c": None})
    assert sealed(record) == record


def test_a_finished_record_without_an_attempt_is_damaged(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    unsealed(folder.path / "run.json", lambda content: {**content, "attempts": []})
    with pytest.raises(StoreError, match="it has no attempt"):
        Store(tmp_path).finished()


def test_what_could_not_be_read_again_is_not_recorded(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder(identity())
    described = {**run(), "description": {**run()["description"], "profile": "\x1b[2J"}}
    with pytest.raises(StoreError, match=r"cannot be recorded: description\.profile must be a name in one line"):
        folder.begin_attempt(described)
    assert not (folder.path / "run.json").exists()


def test_an_endless_error_is_cut_and_half_a_character_written(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder(identity())
    folder.begin_attempt(run())
    folder.end_attempt("failed", "first\ud800" + "x" * 5_000_000 + "last")
    (attempt,) = (RunFolder(folder.path).read_run() or {})["attempts"]
    assert len(attempt["error"]) < ERROR_LIMIT + 100
    assert attempt["error"].startswith("first\\ud800x") and attempt["error"].endswith("xlast")


@pytest.mark.parametrize("parents", [[1], [{}], {"a": 1}, [{"role": "guide", "algorithm": "promp"}]])
def test_what_a_run_began_with_is_held_field_by_field(tmp_path: Path, parents: Any) -> None:
    folder = finished_run(tmp_path)
    unsealed(folder.path / "run.json", lambda content: replaced(content, ("identity", "parents"), parents))
    with pytest.raises(StoreError, match=r"run\.json is damaged: identity\.parents"):
        folder.read_run()


@pytest.mark.parametrize("name", ["run.json", "done.json"])
def test_values_within_each_other_without_end_are_damage(tmp_path: Path, name: str) -> None:
    folder = finished_run(tmp_path)
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"a": deep}
    unsealed(folder.path / name, lambda content: {**content, "more": deep})
    with pytest.raises(StoreError, match="nested more than 50 deep"):
        _ = folder.read_run(), folder.read_done()
