"""The store: every run and measurement under one root, found again by what it is."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from results.attestations import Proof
from results.files import StoreError, damaged, make_folder, reason, sha256_of
from results.identity import measurement_folder_name, run_folder_name
from results.run_folder import DONE, RUN, MeasurementFolder, RunFolder
from results.tables import LEARNING, SCORES, TIMING, TRAINING, read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A finished run.  `run` and `done` are run.json and done.json; tables are read when first asked for."""

    path: Path
    run: dict[str, Any]
    done: dict[str, Any]
    proof: Proof | None = None  # what its attestations prove; None: not yet asked
    shown_with: str | None = None  # digest of the configuration that it is shown with, where that is not its own

    @property
    def identity(self) -> dict[str, Any]:
        return self.run["identity"]

    @property
    def suite(self) -> str:
        return self.identity["suite"]

    @property
    def algorithm(self) -> str:
        return self.identity["algorithm"]

    @property
    def seed(self) -> int:
        return self.identity["seed"]

    @property
    def digest(self) -> str:
        """Digest of the identity without the seed, 64 hex digits."""
        return self.run["digest"]

    @property
    def metric(self) -> str:
        """The column of `scores` and `learning` that decides."""
        return self.run["description"]["metric"]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Columns of `tables.SCORES`.  This and the other tables raise StoreError naming a damaged file."""
        return read_table(self.path / "scores.parquet", SCORES)

    @cached_property
    def learning(self) -> pd.DataFrame:
        """Columns of `tables.LEARNING`."""
        return read_table(self.path / "learning.parquet", LEARNING)

    @cached_property
    def training(self) -> pd.DataFrame:
        """Columns of `tables.TRAINING`."""
        return read_table(self.path / "training.parquet", TRAINING)

    @cached_property
    def timing(self) -> pd.DataFrame:
        """Columns of `tables.TIMING`."""
        return read_table(self.path / "timing.parquet", TIMING)

    @cached_property
    def times_problem(self) -> str:
        """Why `timing` is of no use, in one line; empty if it is.  Times have no digest and decide no score."""
        try:
            seconds = self.timing.filter(like="seconds").to_numpy()
        except StoreError as error:
            return str(error)
        if not (np.isfinite(seconds) & (seconds >= 0)).all():
            return str(damaged(self.path / "timing.parquet", "it holds times that are negative or not finite"))
        return ""

    @cached_property
    def times(self) -> pd.DataFrame:
        """`timing`, without rows where it is missing or damaged."""
        return TIMING.empty_table().to_pandas() if self.times_problem else self.timing

    def verify_digests(self) -> None:
        """Raises StoreError naming the first table whose bytes are not those that the run wrote."""
        for name, digest in self.done["digests"].items():
            found = sha256_of(self.path / name)
            if found != digest:
                raise damaged(self.path / name, f"its SHA-256 is {found[:12]}, done.json says {digest[:12]}")


class Store:
    """Runs under `<root>/runs/<suite>/<algorithm>/<digest12>/seed-<n>/`, and measurements, which `results.measured`
    reads, under `<root>/measurements/<name>/<digest12>/seed-<n>/`.

    A read-only store makes nothing and may not exist.  Raises StoreError if any other cannot be written to.
    """

    def __init__(self, root: Path | str, read_only: bool = False) -> None:
        self.root = Path(root)
        self.read_only = read_only
        self.problems: list[str] = []
        if not read_only:
            self._refuse_unwritable()

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def measurements(self) -> Path:
        return self.root / "measurements"

    def folder(self, identity: Mapping[str, Any]) -> RunFolder:
        """The folder where the run or measurement of this identity is or would be."""
        if "measurement" in identity:
            return MeasurementFolder(self.measurements / measurement_folder_name(identity), self.read_only)
        return RunFolder(self.runs / run_folder_name(identity), self.read_only)

    def finished(self, skip_corrupt: bool = False) -> list[StoredRun]:
        """Every finished run, its digests verified, sorted by suite, algorithm, digest and seed.

        Raises StoreError naming the first damaged file; with `skip_corrupt` such runs are left out and `problems`
        holds a line for each.
        """
        self.problems = []
        found = []
        for done in sorted(self.runs.glob(f"*/*/*/seed-*/{DONE}")):
            try:
                run = _load(done.parent)
            except StoreError as error:
                if not skip_corrupt:
                    raise
                self.problems.append(str(error))
                continue
            if run is not None:
                found.append(run)
        return sorted(found, key=lambda run: (run.suite, run.algorithm, run.digest, run.seed))

    def merge_from(self, other: Store) -> list[RunFolder]:
        """Copy the finished runs and measurements that are not finished here; what is finished here stays.

        Attestations come with them, also with what is finished on both sides, marked as merged.  Returns what was
        copied.  Raises StoreError, having copied some whole runs, if one is damaged there or running here.
        """
        from results.merging import merge  # it reads measurements, which know the store

        return merge(self, other)

    def _refuse_unwritable(self) -> None:
        make_folder(self.runs)
        try:
            with tempfile.TemporaryFile(dir=self.runs) as file:
                file.write(b"\0")
        except OSError as error:
            raise StoreError(f"cannot write to {self.runs}: {reason(error)}; use another results folder") from error


def _load(path: Path) -> StoredRun | None:
    folder = RunFolder(path, read_only=True)
    done = folder.read_done()
    if done is None:
        return None
    run = folder.read_run()
    if run is None:
        raise damaged(path / RUN, "it is missing from a finished run")
    try:
        name = run_folder_name(run["identity"])
        metric = run["description"]["metric"]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path / RUN, f"its identity or description is incomplete ({reason(error)})") from error
    if path.parts[-4:] != name.parts:
        raise StoreError(f"{path} holds the run {name}; move it to its own place")
    if metric not in ("return", "discounted_return", "success"):
        raise damaged(path / RUN, f"its metric {metric!r} is no column of the scores")
    stored = StoredRun(path, run, done)
    stored.verify_digests()
    return stored
