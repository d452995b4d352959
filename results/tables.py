"""The record's tables: their columns, and Parquet whose bytes depend on the rows alone."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from results.files import StoreError, damaged, read_bytes, reason, write_whole

if TYPE_CHECKING:
    import pandas as pd

Columns: TypeAlias = Mapping[str, np.ndarray]
Rows: TypeAlias = "Sequence[Mapping[str, Any]] | pd.DataFrame"


def _schema(columns: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


TEXT, WHOLE, REAL, FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()

#: the final evaluation on validation and test tasks: one row per split, task, adaptation step and episode
SCORES = _schema(
    {
        "split": TEXT,
        "task": TEXT,
        "step": WHOLE,
        "episode": WHOLE,
        "return": REAL,
        "discounted_return": REAL,
        "success": FLAG,
        "length": WHOLE,
    }
)
#: evaluations on validation tasks during training: one row per point, task and adaptation step, means over episodes
LEARNING = _schema(
    {
        "point": WHOLE,
        "environment_steps": WHOLE,
        "iteration": WHOLE,
        "task": TEXT,
        "step": WHOLE,
        "return": REAL,
        "discounted_return": REAL,
        "success": REAL,
        "length": REAL,
    }
)
#: what an algorithm reports of its meta-iterations: one row per iteration and metric
TRAINING = _schema({"iteration": WHOLE, "environment_steps": WHOLE, "metric": TEXT, "value": REAL})
#: seconds, one row per meta-iteration
TIMING = _schema(
    {
        "iteration": WHOLE,
        "environment_steps": WHOLE,
        "wall_seconds": REAL,
        "sampling_seconds": REAL,
        "process_seconds": REAL,
    }
)

#: a study's numbers: what was measured, where, of whom; `index` counts repeats, points or steps, `x` places a row
#: on an axis (environment steps, a coordinate); what each quantity's columns mean is said where it is measured
VALUES = _schema(
    {"quantity": TEXT, "suite": TEXT, "algorithm": TEXT, "task": TEXT, "index": WHOLE, "x": REAL, "value": REAL}
)
#: seconds, one row per part of a study
PARTS = _schema({"part": TEXT, "wall_seconds": REAL, "process_seconds": REAL})


@dataclass(frozen=True)
class TableKind:
    """digested: the same work writes it again byte for byte; tables of times do not."""

    schema: pa.Schema
    digested: bool = True


Tables: TypeAlias = Mapping[str, TableKind]
#: the files of a run's record, and of a study's
RUN_TABLES: Tables = {
    "scores.parquet": TableKind(SCORES),
    "learning.parquet": TableKind(LEARNING),
    "training.parquet": TableKind(TRAINING),
    "timing.parquet": TableKind(TIMING, digested=False),
}
STUDY_TABLES: Tables = {"values.parquet": TableKind(VALUES), "timing.parquet": TableKind(PARTS, digested=False)}

#: what no record reaches, and a small file can claim
MOST_ROWS, MOST_BYTES = 10_000_000, 1 << 30
#: texts of no more than this in one chunk are not counted one by one
FEW_BYTES = 1 << 24

#: kinds of numpy types that a column takes without loss
KINDS = {WHOLE: "iu", REAL: "fiub", FLAG: "b"}


def write_table(path: Path, rows: Rows, schema: pa.Schema) -> None:
    """Write the rows in the order given, whole or not at all; equal rows give equal bytes.

    rows: a DataFrame or a list of mappings with exactly the schema's columns, in any order, nothing missing.
    Raises ValueError or TypeError naming the column that does not fit, StoreError if the file cannot be written.
    """
    table = pa.Table.from_arrays(_columns(rows, schema), schema=schema)
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        version="2.6",
        compression="zstd",
        compression_level=3,
        row_group_size=1 << 20,
        store_schema=False,
        write_page_checksum=True,
    )
    write_whole(path, buffer.getvalue())


def as_table(columns: Columns) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(dict(columns))  # copied, so that what is done to it does not reach the columns


def read_columns(path: Path, schema: pa.Schema) -> Columns:
    """The rows in the order written, by column.  Raises StoreError naming a file that is damaged or has other columns.

    They are no DataFrame: pandas takes longer to make one of a record's few rows than to read them.
    """
    content = read_bytes(path)
    # texts stay apart from their places until it is known how much they are together
    texts = [field.name for field in schema if field.type == TEXT]
    try:
        with _opened(content, texts) as file:
            if not file.schema_arrow.equals(_apart(schema)):
                raise damaged(path, f"its columns are {_listed(file.schema_arrow)}, not {_listed(schema)}")
            if file.metadata.num_rows > MOST_ROWS or _unpacked(file.metadata) > MOST_BYTES:
                raise damaged(path, f"it has {file.metadata.num_rows:,} rows, more than any record")
            table = file.read(use_threads=False)
        if sum(_text_bytes(table[name]) for name in texts) > MOST_BYTES:
            raise damaged(path, "its texts are longer than those of any record")
        return {name: _values(table[name]) for name in table.column_names}
    except StoreError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        raise damaged(path, f"it is no readable Parquet file ({reason(error)})") from error


def _opened(content: bytes, texts: list[str]) -> pq.ParquetFile:
    # from memory: given a path, pyarrow would read `name[option=value]` in a folder's name as a partition column
    source = pa.BufferReader(content)
    try:
        return pq.ParquetFile(source, page_checksum_verification=True, read_dictionary=texts)
    except KeyError:  # one of the texts is no column of it, as its schema then tells
        return pq.ParquetFile(source, page_checksum_verification=True)


@cache
def _apart(schema: pa.Schema) -> pa.Schema:
    """The schema with texts as places in a dictionary, as pyarrow reads them when asked."""
    kept_apart = pa.dictionary(pa.int32(), TEXT)
    return pa.schema([field.with_type(kept_apart) if field.type == TEXT else field for field in schema])


def _values(column: pa.ChunkedArray) -> np.ndarray:
    if not pa.types.is_dictionary(column.type):
        return column.to_numpy()
    parts = [chunk.dictionary.to_numpy(zero_copy_only=False)[chunk.indices.to_numpy()] for chunk in column.chunks]
    return np.concatenate(parts) if parts else np.empty(0, dtype=object)


def _unpacked(metadata: pq.FileMetaData) -> int:
    """Bytes that the file says its columns take once they are unpacked."""
    return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))


def _text_bytes(column: pa.ChunkedArray) -> int:
    """Bytes of all rows' texts, a text counted as often as it stands there; more, where even that is little."""
    total = 0
    for chunk in column.chunks:
        most = chunk.dictionary.nbytes * len(chunk)
        total += most if most <= FEW_BYTES else _counted_bytes(chunk)
    return total


def _counted_bytes(texts: pa.DictionaryArray) -> int:
    lengths = np.asarray(pc.binary_length(texts.dictionary), dtype=np.int64)
    counts = np.bincount(np.asarray(texts.indices), minlength=len(lengths))
    return int(lengths @ counts) if len(lengths) else 0


def _columns(rows: Rows, schema: pa.Schema) -> list[pa.Array]:
    names = schema.names
    if isinstance(rows, Sequence):
        found = next((set(row) for row in rows if set(row) != set(names)), set(names))
    else:
        found = set(rows.columns)
    if found != set(names):
        raise ValueError(f"missing columns {sorted(set(names) - found)}, unknown columns {sorted(found - set(names))}")
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows] if isinstance(rows, Sequence) else rows[field.name].to_numpy()
        columns.append(_column(values, field))
    return columns


def _column(values: Any, field: pa.Field) -> pa.Array:
    if len(values) and field.type != TEXT:
        # through numpy, since pyarrow cuts a list's 1.5 to 1 without a word; NaN stays NaN, never null
        values = np.asarray(values)
        if values.dtype.kind not in KINDS[field.type]:
            raise TypeError(f"column {field.name} holds {values.dtype} values, must be {field.type}")
    array = pa.array(values, type=field.type, from_pandas=False)
    if array.null_count:
        raise ValueError(f"column {field.name} misses {array.null_count} of {len(array)} values")
    return array


def _listed(schema: pa.Schema) -> str:
    kinds = [field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in schema]
    return ", ".join(f"{field.name} {kind}" for field, kind in zip(schema, kinds, strict=True))
