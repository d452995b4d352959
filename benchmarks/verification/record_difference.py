"""The first record in which a run or study that was made again differs from the stored one."""

from __future__ import annotations

from results.store import Stored

#: the columns that place a row, of each table that is compared
PLACES = {
    "scores": ("split", "task", "step", "episode"),
    "learning": ("point", "task", "step"),
    "training": ("iteration", "metric"),
    "values": ("quantity", "suite", "algorithm", "task", "index"),
}


def first_difference(stored: Stored, again: Stored) -> str | None:
    """The first record that differs, None if all agree."""
    for table, places in PLACES.items():
        name = f"{table}.parquet"
        if name not in stored.folder.tables or stored.done["digests"][name] == again.done["digests"][name]:
            continue
        ours, theirs = stored.table(table), again.table(table)
        for row, (before, now) in enumerate(zip(ours.to_dict("records"), theirs.to_dict("records"), strict=False)):
            for column, value in before.items():
                if repr(value) != repr(now[column]):
                    place = ", ".join(f"{key} {before[key]}" for key in places)
                    return f"{name}, row {row} ({place}): {column} was {value!r}, now {now[column]!r}"
        if len(ours) != len(theirs):
            return f"{name}: {len(ours)} rows were stored, now there are {len(theirs)}"
    return None
