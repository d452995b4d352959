"""Finished measurements of a store: studies that are no scores, kept as runs are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.attestations import Proof
from results.files import StoreError, damaged, reason, sha256_of
from results.identity import measurement_folder_name
from results.run_folder import DONE, RUN, MeasurementFolder
from results.store import Store
from results.tables import PARTS, VALUES, read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class StoredMeasurement:
    """A finished measurement.  `run` and `done` are run.json and done.json; tables are read when first asked for."""

    path: Path
    run: dict[str, Any]
    done: dict[str, Any]
    proof: Proof | None = None  # what its attestations prove; None: not yet asked
    shown_with: str | None = None  # digest of the configuration that it is shown with, where that is not its own

    @property
    def identity(self) -> dict[str, Any]:
        return self.run["identity"]

    @property
    def name(self) -> str:
        return self.identity["measurement"]

    @property
    def seed(self) -> int:
        return self.identity["seed"]

    @property
    def digest(self) -> str:
        """Digest of the identity without the seed, 64 hex digits."""
        return self.run["digest"]

    @property
    def profile(self) -> str:
        return self.run["description"]["profile"]

    @cached_property
    def values(self) -> pd.DataFrame:
        """Columns of `tables.VALUES`.  Raises StoreError naming a damaged file."""
        return read_table(self.path / "values.parquet", VALUES)

    @cached_property
    def timing(self) -> pd.DataFrame:
        """Columns of `tables.PARTS`."""
        return read_table(self.path / "timing.parquet", PARTS)

    def verify_digests(self) -> None:
        """Raises StoreError naming the table whose bytes are not those that the measurement wrote."""
        for name, digest in self.done["digests"].items():
            found = sha256_of(self.path / name)
            if found != digest:
                raise damaged(self.path / name, f"its SHA-256 is {found[:12]}, done.json says {digest[:12]}")


def finished_measurements(store: Store) -> tuple[list[StoredMeasurement], list[str]]:
    """Every finished measurement, its digest verified, by name, digest and seed; and a line for each damaged one."""
    found, problems = list[StoredMeasurement](), list[str]()
    for done in sorted(store.measurements.glob(f"*/*/seed-*/{DONE}")):
        try:
            found.append(_load(done.parent))
        except StoreError as error:
            problems.append(str(error))
    return sorted(found, key=lambda entry: (entry.name, entry.digest, entry.seed)), problems


def _load(path: Path) -> StoredMeasurement:
    folder = MeasurementFolder(path, read_only=True)
    done, run = folder.read_done(), folder.read_run()
    if done is None or run is None:
        raise damaged(path / RUN, "it is missing from a finished measurement")
    try:
        name = measurement_folder_name(run["identity"])
        _ = run["description"]["profile"], run["description"]["seconds"], run["identity"]["configuration"]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path / RUN, f"its identity or description is incomplete ({reason(error)})") from error
    if path.parts[-3:] != name.parts:
        raise StoreError(f"{path} holds the measurement {name}; move it to its own place")
    stored = StoredMeasurement(path, run, done)
    stored.verify_digests()
    return stored
