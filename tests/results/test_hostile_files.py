"""What lies in a results folder may be anything: nothing is waited for, nothing unpacked without end, nothing run."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from results.checkpoints import SEAL, load_checkpoint, save_checkpoint
from results.files import LIMIT, StoreError, read_bytes, read_json, sha256_of
from results.run_folder import RunFolder
from results.store import Store
from results.tables import TRAINING, read_columns
from tests.support.stored_runs import finished_run


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 << 30)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("kind", [pipe, device, folder, sparse, loop])
@pytest.mark.parametrize("name", ["run.json", "done.json", "scores.parquet", "timing.parquet"])
def test_a_special_file_is_named_and_the_rest_is_read(tmp_path: Path, kind: Callable[[Path], None], name: str) -> None:
    broken = finished_run(tmp_path).path / name
    finished_run(tmp_path, seed=1)
    broken.unlink()
    kind(broken)
    store = Store(tmp_path, read_only=True)
    found = store.finished(skip_corrupt=True)
    if name == "timing.parquet":  # times decide nothing
        assert [run.seed for run in found] == [0, 1] and name in found[0].times_problem
        assert len(found[0].times) == 0
        return
    assert [run.seed for run in found] == [1]
    if (name, kind) == ("done.json", loop):  # which is as if there were none
        assert store.problems == []
        return
    (problem,) = store.problems
    assert name in problem and "\n" not in problem


@pytest.mark.parametrize("read", [read_bytes, sha256_of, read_json])
def test_no_reader_waits_for_a_pipe(tmp_path: Path, read: Callable[[Path], object]) -> None:
    pipe(tmp_path / "pipe")
    with pytest.raises(StoreError, match="it is no plain file"):
        read(tmp_path / "pipe")


def test_a_sparse_file_takes_no_memory(tmp_path: Path) -> None:
    sparse(tmp_path / "table")
    with pytest.raises(StoreError, match=f"more than the {LIMIT:,} of any record"):
        sha256_of(tmp_path / "table")


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', "[" * 100_000, '{"a": -Infinity}'])
def test_json_that_could_not_be_written_again_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(StoreError, match=r"run\.json is damaged"):
        read_json(tmp_path / "run.json")


def test_a_small_table_of_endless_rows_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    rows = 30_000_000
    columns = [pa.array(np.zeros(rows, np.int64))] * 2 + [pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, np.int32)), pa.array(["loss"])
    )]  # fmt: skip
    table = pa.table([*columns, pa.array(np.zeros(rows))], names=TRAINING.names)
    table = table.cast(pa.schema([field.with_nullable(True) for field in TRAINING])).cast(TRAINING)
    pq.write_table(table, tmp_path / "training.parquet", compression="zstd", store_schema=False)
    assert (tmp_path / "training.parquet").stat().st_size < 1 << 20
    del table, columns
    with pytest.raises(StoreError, match=r"has 30,000,000 rows, more than any record"):
        read_columns(tmp_path / "training.parquet", TRAINING)


def test_one_long_text_that_a_million_rows_repeat_is_refused(tmp_path: Path) -> None:
    rows = 1_000_000
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * 100_000]))
    plain = TRAINING.remove(2).insert(2, pa.field("metric", texts.type, nullable=False))
    numbers = pa.array(np.zeros(rows, np.int64))
    table = pa.Table.from_arrays([numbers, numbers, texts, pa.array(np.zeros(rows))], schema=plain)
    pq.write_table(table, tmp_path / "training.parquet", store_schema=False)
    with pytest.raises(StoreError, match="its texts are longer"):
        read_columns(tmp_path / "training.parquet", TRAINING)


def test_a_packed_checkpoint_is_refused_though_its_seal_is_right(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "plain", {"iteration": 1})
    packed = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "plain") as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
        target.writestr("archive/data/0", bytes(1 << 24))
    content = packed.getvalue()[:-2] + SEAL.to_bytes(2, "little")
    (tmp_path / "checkpoint").write_bytes(content + hashlib.sha256(content).hexdigest().encode())
    with pytest.raises(StoreError, match="damaged or not ours"):
        load_checkpoint(tmp_path / "checkpoint")
    assert load_checkpoint(tmp_path / "plain") == {"iteration": 1}


def test_merging_follows_no_link_out_of_a_run(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    there = finished_run(tmp_path / "there").path
    (there / "artefacts").mkdir()
    (there / "artefacts" / "flight.png").symlink_to(secret)
    (copied,) = Store(tmp_path / "here").merge_from(Store(tmp_path / "there", read_only=True))
    assert not (copied.path / "artefacts").exists()


def test_what_a_terminal_would_act_on_is_spelt_out() -> None:
    assert str(StoreError("a\x1b[2J\nb\u202e\ud800")) == "a\\x1b[2J\\nb\\u202e\\ud800"


def test_no_link_is_followed_to_files_of_whoever_clears_or_copies(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    (private / "letter").write_text("dear")
    run = finished_run(tmp_path / "theirs")
    (run.path / "artefacts").symlink_to(private)
    copied = RunFolder(tmp_path / "copy")
    copied.copy_from(run)
    assert copied.finished and not (copied.path / "artefacts").exists()
    linked = RunFolder(tmp_path / "linked")
    linked.path.symlink_to(private)
    with pytest.raises(StoreError, match="it is a link"):
        linked.clear()
    assert (private / "letter").read_text() == "dear"
