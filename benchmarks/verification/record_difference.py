"""The first record in which a run or measurement that was made again differs from the stored one."""

from __future__ import annotations

from benchmarks.verification.proofs import Stored
from results.measured import StoredMeasurement

#: what is compared, in this order, with the columns that place a row
PLACES = {
    "scores": ("split", "task", "step", "episode"),
    "learning": ("point", "task", "step"),
    "training": ("iteration", "metric"),
}
MEASURED_PLACES = {"values": ("quantity", "suite", "algorithm", "task", "index")}


def first_difference(stored: Stored, again: Stored) -> str | None:
    """The first record that differs, None if all agree."""
    tables = MEASURED_PLACES if isinstance(stored, StoredMeasurement) else PLACES
    for table, places in tables.items():
        name = f"{table}.parquet"
        if stored.done["digests"][name] == again.done["digests"][name]:
            continue
        ours, theirs = getattr(stored, table), getattr(again, table)
        for row, (before, now) in enumerate(zip(ours.to_dict("records"), theirs.to_dict("records"), strict=False)):
            for column, value in before.items():
                if repr(value) != repr(now[column]):
                    place = ", ".join(f"{key} {before[key]}" for key in places)
                    return f"{name}, row {row} ({place}): {column} was {value!r}, now {now[column]!r}"
        if len(ours) != len(theirs):
            return f"{name}: {len(ours)} rows were stored, now there are {len(theirs)}"
    return None
