"""The store: every run and study under one root, found again by what it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from results.attestations import Proof, merge_attestations
from results.earlier_suites import earlier_cautions, shown_name
from results.files import StoreError, damaged, make_writable_folder, reason, sha256_of
from results.identity import base_name, folder_name
from results.run_folder import DONE, RUN, RunFolder, StudyFolder
from results.tables import Columns, as_table, read_columns

if TYPE_CHECKING:
    import pandas as pd


#: seconds that no part of a run takes
LONGEST = 1e12


@dataclass(frozen=True, eq=False)
class Stored(ABC):
    """A finished run or study.  `run` and `done` are run.json and done.json; tables are read when first asked for."""

    path: Path
    run: dict[str, Any]
    done: dict[str, Any]
    proof: Proof | None = None  # what its attestations prove; None: not yet asked
    shown_with: str | None = None  # digest of the configuration that it is shown with, where that is not its own

    #: what one is called
    word: ClassVar[str]
    #: where a store keeps them, and the folders that each has there
    home: ClassVar[str]
    pattern: ClassVar[str]
    folder: ClassVar[type[RunFolder]]

    @property
    def identity(self) -> dict[str, Any]:
        return self.run["identity"]

    @property
    @abstractmethod
    def name(self) -> str:
        """Of the algorithm or the study."""

    @property
    @abstractmethod
    def suites(self) -> tuple[str, ...]:
        """Full names."""

    @property
    @abstractmethod
    def algorithms(self) -> tuple[str, ...]: ...

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

    def columns(self, name: str) -> Columns:
        """Those of `<name>.parquet`, as in `results.tables`, read once.  Raises StoreError naming a damaged file."""
        if name not in self._columns:
            file = f"{name}.parquet"
            self._columns[name] = read_columns(self.path / file, self.folder.tables[file].schema)
        return self._columns[name]

    def table(self, name: str) -> pd.DataFrame:
        """The columns as a table.  Raises StoreError as they do."""
        return as_table(self.columns(name))

    @cached_property
    def _columns(self) -> dict[str, Columns]:
        return {}

    @cached_property
    def timing(self) -> pd.DataFrame:
        return self.table("timing")

    @cached_property
    def times_problem(self) -> str:
        """Why `timing` is of no use, in one line; empty if it is.  Times have no digest and decide no result."""
        try:
            seconds = [values for name, values in self.columns("timing").items() if name.endswith("seconds")]
        except StoreError as error:
            return str(error)
        if not all(((each >= 0) & (each < LONGEST)).all() for each in seconds):
            return str(damaged(self.path / "timing.parquet", "it holds times that are negative or without end"))
        return ""

    @cached_property
    def times(self) -> pd.DataFrame:
        """`timing`, without rows where it is missing or damaged."""
        if self.times_problem:
            return self.folder.tables["timing.parquet"].schema.empty_table().to_pandas()
        return self.timing

    @abstractmethod
    def check(self) -> None:
        """Raises KeyError or TypeError if something that is read later is missing, StoreError if it is wrong."""

    def verify_digests(self) -> None:
        """Raises StoreError naming the first table whose bytes are not those that were written at its end."""
        for name, digest in self.done["digests"].items():
            found = sha256_of(self.path / name)
            if found != digest:
                raise damaged(self.path / name, f"its SHA-256 is {found[:12]}, done.json says {digest[:12]}")


class StoredRun(Stored):
    """A finished run."""

    word, home, pattern, folder = "run", "runs", "*/*/*/seed-*", RunFolder

    @property
    def suite(self) -> str:
        """Its full name of today, which may show an option that the identity leaves out."""
        return shown_name(self.identity["suite"])

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of its scores must know of the suite's options, a sentence each."""
        recorded = self.run["description"].get("cautions")
        return tuple(recorded or earlier_cautions(self.identity["suite"]))

    @property
    def scripted(self) -> bool:
        """Whether its algorithm learns nothing and does not adapt."""
        return self.run["description"].get("scripted", False)

    @cached_property
    def records_success(self) -> bool:
        """Whether its suite tells success, by its own word or since there was any."""
        return self.run["description"].get("records_success", False) or bool(self.columns("scores")["success"].any())

    @property
    def algorithm(self) -> str:
        return self.identity["algorithm"]

    @property
    def name(self) -> str:
        return self.algorithm

    @property
    def suites(self) -> tuple[str, ...]:
        return (self.suite,)

    @property
    def algorithms(self) -> tuple[str, ...]:
        return (self.algorithm,)

    @property
    def metric(self) -> str:
        """The column of `scores` and `learning` that decides."""
        return self.run["description"]["metric"]

    @cached_property
    def scores(self) -> pd.DataFrame:
        return self.table("scores")

    @cached_property
    def learning(self) -> pd.DataFrame:
        return self.table("learning")

    @cached_property
    def training(self) -> pd.DataFrame:
        return self.table("training")

    def check(self) -> None:
        if self.metric not in ("return", "discounted_return", "success"):
            raise damaged(self.path / RUN, f"its metric {self.metric!r} is no column of the scores")


class StoredTrial(StoredRun):
    """A finished trial of tuning: a run that was scored on validation tasks alone, and that no board shows."""

    word, home = "trial", "trials"


class StoredStudy(Stored):
    """A finished study: values that are no scores."""

    word, home, pattern, folder = "study", "measurements", "*/*/seed-*", StudyFolder

    @property
    def name(self) -> str:
        return self.identity["measurement"]

    @property
    def configuration(self) -> dict[str, Any]:
        return self.identity["configuration"]

    @property
    def suites(self) -> tuple[str, ...]:
        return tuple(map(shown_name, self.configuration["suites"]))

    @property
    def algorithms(self) -> tuple[str, ...]:
        return tuple(self.configuration["algorithms"])

    @property
    def expected_seconds(self) -> float:
        """Of one core, as was expected before it began."""
        return self.run["description"]["seconds"]

    @cached_property
    def values(self) -> pd.DataFrame:
        return self.table("values")

    def check(self) -> None:
        _ = self.profile, self.expected_seconds, self.configuration


S = TypeVar("S", bound=Stored)
#: all that a store keeps
KINDS: tuple[type[Stored], ...] = (StoredRun, StoredTrial, StoredStudy)


def kind_of(identity: Mapping[str, Any]) -> type[Stored]:
    if "measurement" in identity:
        return StoredStudy
    return StoredTrial if identity.get("tuning") else StoredRun


class Store:
    """Runs under `<root>/runs/<suite>/<algorithm>/<digest12>/seed-<n>/`, trials of tuning likewise under
    `<root>/trials/`, and studies under `<root>/measurements/<name>/<digest12>/seed-<n>/`.

    A read-only store makes nothing and may not exist.  Raises StoreError if any other cannot be written to.
    """

    def __init__(self, root: Path | str, read_only: bool = False) -> None:
        self.root = Path(root)
        self.read_only = read_only
        #: a line for each damaged record that was left out when the store was last read
        self.problems: list[str] = []
        if not read_only:
            make_writable_folder(self.runs)

    @property
    def runs(self) -> Path:
        return self.root / StoredRun.home

    def folder(self, identity: Mapping[str, Any]) -> RunFolder:
        """The folder where the run or study of this identity is or would be."""
        kind = kind_of(identity)
        return kind.folder(self.root / kind.home / folder_name(identity), self.read_only)

    def find(self, identity: Mapping[str, Any]) -> Stored | None:
        """The finished record of this identity, its digests verified; None without one.  Raises StoreError."""
        return _load(self.folder(identity).path, kind_of(identity))

    def alike(self, identity: Mapping[str, Any]) -> list[Stored]:
        """The intact finished records of its kind, suite, algorithm and seed."""
        kind, place = kind_of(identity), self.folder(identity).path
        found = []
        for done in sorted(place.parent.parent.glob(f"*/{place.name}/{DONE}")):
            with suppress(StoreError):
                found.append(_load(done.parent, kind))
        return [stored for stored in found if stored is not None]

    def finished(self, skip_corrupt: bool = False, suites: Iterable[str] | None = None) -> list[StoredRun]:
        """Every finished run, by suite, algorithm, digest and seed; see `read`."""
        return self.read(StoredRun, skip_corrupt=skip_corrupt, suites=suites)

    def studies(self, skip_corrupt: bool = False) -> list[StoredStudy]:
        """Every finished study, by name, digest and seed; see `read`."""
        return self.read(StoredStudy, skip_corrupt=skip_corrupt)

    def read(self, *kinds: type[S], skip_corrupt: bool = False, suites: Iterable[str] | None = None) -> list[S]:
        """Every finished record of these kinds, its digests verified, in the order of folders and seeds.

        suites: no runs but those on these, whatever their options; nothing else is opened.
        Raises StoreError naming the first damaged file; with `skip_corrupt` such records are left out and `problems`
        holds a line for each.
        """
        self.problems = []
        found: list[S] = []
        bases = None if suites is None else {base_name(suite) for suite in suites}
        for kind in kinds:
            own: list[S] = []
            home = self.root / kind.home
            for done in sorted(home.glob(f"{kind.pattern}/{DONE}")):
                if bases is not None and base_name(done.relative_to(home).parts[0]) not in bases:
                    continue
                try:
                    stored = _load(done.parent, kind)
                except StoreError as error:
                    if not skip_corrupt:
                        raise
                    self.problems.append(str(error))
                    continue
                own += [] if stored is None else [stored]
            found += sorted(own, key=lambda stored: (stored.path.parent.parts, stored.seed))
        return found

    def merge_from(self, other: Store) -> list[RunFolder]:
        """Copy the finished runs and studies that are not finished here; what is finished here stays.

        Attestations come with them, also with what is finished on both sides, marked as merged.  Returns what was
        copied.  Raises StoreError, having copied some whole runs, if one is damaged there or running here.
        """
        copied = []
        for record in other.read(*KINDS):
            folder = self.folder(record.identity)
            with folder.lock(wait=False):
                if not folder.finished:
                    folder.copy_from(RunFolder(record.path, read_only=True))
                    copied.append(folder)
                merge_attestations(record.path, folder.path)
        return copied


def _load(path: Path, kind: type[S]) -> S | None:
    folder = kind.folder(path, read_only=True)
    done = folder.read_done()
    if done is None:
        return None
    run = folder.read_run()
    if run is None:
        raise damaged(path / RUN, f"it is missing from a finished {kind.word}")
    if not run["attempts"]:
        raise damaged(path / RUN, "it has no attempt, which a finished record must have")
    if kind_of(run["identity"]) is not kind:
        raise StoreError(f"{path} holds a {kind_of(run['identity']).word}, no {kind.word}; move it to its own place")
    stored = kind(path, run, done)
    try:
        place = folder_name(run["identity"])
        stored.check()
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged(path / RUN, f"its identity or description is incomplete ({reason(error)})") from error
    if path.parts[-len(place.parts) :] != place.parts:
        raise StoreError(f"{path} holds the {kind.word} {place}; move it to its own place")
    stored.verify_digests()
    return stored
