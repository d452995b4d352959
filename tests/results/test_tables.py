"""Tables: equal rows give equal bytes, and nothing is lost or let in on the way."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from results.files import StoreError
from results.tables import LEARNING, SCORES, TIMING, TRAINING, as_table, read_columns, write_table

ROOT = Path(__file__).parents[2]
WRITE = """
import sys
from pathlib import Path
from results.tables import TRAINING, write_table
values = [0.1 * index for index in range(5000)]
rows = [{"iteration": i, "environment_steps": 10 * i, "metric": f"m{i % 3}", "value": v} for i, v in enumerate(values)]
write_table(Path(sys.argv[1]), rows, TRAINING)
"""


def score_rows(count: int = 200) -> list[dict]:
    generator = np.random.default_rng(0)
    return [
        {
            "split": ("validation", "test")[index % 2],
            "task": f"task-{index % 7}",
            "step": index % 3,
            "episode": index,
            "return": float(generator.normal()),
            "discounted_return": float(generator.normal()),
            "success": bool(index % 5 == 0),
            "length": 100,
        }
        for index in range(count)
    ]


def training_rows() -> list[dict]:
    return [
        {"iteration": 0, "environment_steps": 10, "metric": "loss", "value": float("nan")},
        {"iteration": 1, "environment_steps": 20, "metric": "loss", "value": -0.5},
    ]


def test_rows_come_back_in_their_order_and_types(tmp_path: Path) -> None:
    rows = score_rows()
    write_table(tmp_path / "t", rows, SCORES)
    frame = as_table(read_columns(tmp_path / "t", SCORES))
    assert frame.to_dict("records") == rows
    assert list(frame.columns) == SCORES.names
    assert [str(kind) for kind in frame.dtypes] == [
        "object",
        "object",
        *["int64"] * 2,
        *["float64"] * 2,
        "bool",
        "int64",
    ]


def test_rows_and_frame_give_the_same_bytes_whatever_their_column_order_and_index(tmp_path: Path) -> None:
    rows = score_rows()
    frame = pd.DataFrame(rows, index=range(1000, 1000 + len(rows)))[sorted(SCORES.names)]
    write_table(tmp_path / "rows", rows, SCORES)
    write_table(tmp_path / "frame", frame, SCORES)
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "frame").read_bytes()


def test_nan_is_kept_and_is_the_same_bytes_from_rows_and_frame(tmp_path: Path) -> None:
    write_table(tmp_path / "rows", training_rows(), TRAINING)
    write_table(tmp_path / "frame", pd.DataFrame(training_rows()), TRAINING)
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "frame").read_bytes()
    assert np.isnan(read_columns(tmp_path / "rows", TRAINING)["value"][0])


def test_a_second_process_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / name)], cwd=ROOT, check=True, timeout=120)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    frame = as_table(read_columns(tmp_path / "a", TRAINING))
    write_table(tmp_path / "c", frame, TRAINING)
    assert len(frame) == 5000 and (tmp_path / "c").read_bytes() == (tmp_path / "a").read_bytes()


def test_the_file_holds_no_pandas_metadata(tmp_path: Path) -> None:
    write_table(tmp_path / "t", pd.DataFrame(training_rows()), TRAINING)
    assert not pq.read_schema(tmp_path / "t").metadata


@pytest.mark.parametrize("schema", [SCORES, LEARNING, TRAINING, TIMING])
def test_a_table_without_rows_keeps_its_columns(tmp_path: Path, schema: pa.Schema) -> None:
    write_table(tmp_path / "t", [], schema)
    frame = as_table(read_columns(tmp_path / "t", schema))
    assert len(frame) == 0 and list(frame.columns) == schema.names


def test_options_in_a_folder_name_are_not_read_as_columns(tmp_path: Path) -> None:
    folder = tmp_path / "half-cheetah-velocity[horizon=200]" / "step=1"
    folder.mkdir(parents=True)
    write_table(folder / "t.parquet", training_rows(), TRAINING)
    assert list(read_columns(folder / "t.parquet", TRAINING)) == TRAINING.names


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"iteration": 1.5}, TypeError, "column iteration holds float64"),
        ({"iteration": True}, TypeError, "column iteration holds bool"),
        ({"value": "high"}, TypeError, "column value"),
        ({"value": None}, TypeError, "column value"),
        ({"metric": None}, ValueError, "column metric misses 1 of 1"),
        ({"extra": 1}, ValueError, r"unknown columns \['extra'\]"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_nothing_is_written(
    tmp_path: Path, change: dict, error: type[Exception], message: str
) -> None:
    row = training_rows()[1] | change
    for rows in ([row], pd.DataFrame([row])):
        with pytest.raises(error, match=message):
            write_table(tmp_path / "t", rows, TRAINING)
    assert not list(tmp_path.iterdir())


def test_a_row_without_a_column_is_refused(tmp_path: Path) -> None:
    rows = training_rows()
    del rows[1]["value"]
    with pytest.raises(ValueError, match=r"missing columns \['value'\]"):
        write_table(tmp_path / "t", rows, TRAINING)


def test_a_truncated_table_is_refused_at_every_length(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write_table(path, score_rows(), SCORES)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"scores\.parquet is damaged"):
            read_columns(path, SCORES)


def test_a_flipped_bit_is_refused_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write_table(path, score_rows(), SCORES)
    whole, frame = path.read_bytes(), as_table(read_columns(path, SCORES))
    generator = random.Random(0)
    refused = 0
    for _ in range(300):
        content = bytearray(whole)
        content[generator.randrange(len(content) - 8)] ^= 1 << generator.randrange(8)
        path.write_bytes(content)
        try:
            found = as_table(read_columns(path, SCORES))
        except StoreError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
        else:
            pd.testing.assert_frame_equal(found, frame)
    assert refused > 50


def test_a_table_of_other_columns_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "t", training_rows(), TRAINING)
    with pytest.raises(StoreError, match=r"its columns are iteration int64, .*not split string"):
        read_columns(tmp_path / "t", SCORES)
    with pytest.raises(StoreError, match=r"metric string, value double, not .*metric string, value int64") as refused:
        read_columns(tmp_path / "t", TRAINING.set(3, pa.field("value", pa.int64(), nullable=False)))
    assert "dictionary" not in str(refused.value)  # how texts are read is nobody's business


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot read .*nowhere.parquet: No such file"):
        read_columns(tmp_path / "nowhere.parquet", SCORES)
