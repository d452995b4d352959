"""The tuned values that a run takes: those found for its very suite, options included, and profile; or a sibling's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.planning.tuned_file import TunedSuite, read_tuned
from environments.discovery import ClassEntry
from environments.typed_options import UsageError

#: made by `metarl tune` for the algorithms of this package, and shipped
SHIPPED = Path(__file__).parent.parent / "tuned"
#: in it, a folder for each paper whose methods are tuned under terms of its own
PAPERS = SHIPPED / "papers"
#: of the working directory, made by `metarl tune` for an algorithm of one's own
OWN = Path("tuned")


@dataclass(frozen=True)
class TunedCell:
    """The tuned values of one suite and algorithm."""

    values: Mapping[str, Any]  # of the searched options
    by_profile: Mapping[str, Any]  # of these, where the profile, or a benchmark in it, had them when they were tried
    trials: int
    seeds: int  # of each trial
    digest: str  # of the trials
    origin: Mapping[str, Any] | None  # of which trials these were the best: see `origin_of`
    source: str  # as in "tuned/quick/half-cheetah-velocity.toml: 16 trials × 2 seeds"
    sibling: str | None  # the suite that they were tuned on, where it is another one
    suite: str  # the full name of the suite that they were tuned on
    code: str  # digest
    suite_digest: str
    split_digest: str
    setting: Mapping[str, Any]  # of the trials, as `setting_of` gives it
    fresh_tasks: int = 0  # that they were scored on, in place of validation tasks
    others: int = 0  # configurations that earlier tunings had tried beside these

    @property
    def runs(self) -> int:
        """Of all trials, those included that chose what was tried."""
        before = self.origin["trials"] * self.origin["seeds"] if self.origin else 0
        return before + self.trials * self.seeds

    def note(self, by_hand: Sequence[str] = ()) -> dict[str, Any]:
        """What a run's record holds of it.  by_hand: the run's options of which a setting chose another value."""
        found = {"trials": self.trials, "seeds": self.seeds, "digest": self.digest, "sibling": self.sibling}
        origin = {"origin": dict(self.origin)} if self.origin else {}
        fresh = {"fresh_tasks": self.fresh_tasks} if self.fresh_tasks else {}
        others = {"others": self.others} if self.others else {}
        hand = {"by_hand": list(by_hand)} if by_hand else {}
        return {**found, **origin, **fresh, **others, **hand}


def shipped_folder(benchmark: str) -> Path:
    """The shipped folder with the values that the benchmark takes: its own if it is a paper that has one."""
    return own_folder(benchmark) or SHIPPED


def own_folder(paper: str) -> Path | None:
    """The shipped folder with the values that were found under the paper's own terms, None if it has none."""
    folder = PAPERS / paper
    return folder if paper and folder.is_dir() else None


def written_folder(benchmark: str) -> Path:
    """Below the working directory, where `metarl tune` writes what is not shipped; such a paper's apart from others."""
    return OWN / PAPERS.name / benchmark if own_folder(benchmark) else OWN


def every_folder() -> tuple[Path, ...]:
    """All that may hold the values that a stored run took, those of papers apart from other boards' last."""
    return OWN, SHIPPED, *papers_folders()


def papers_folders() -> tuple[Path, ...]:
    """The shipped ones and those below the working directory."""
    return tuple(sorted(each for root in (OWN / PAPERS.name, PAPERS) for each in root.glob("*") if each.is_dir()))


def folders_for(entry: ClassEntry, tuned: bool | Path, benchmark: str = "") -> tuple[Path, ...]:
    """Where to look for the algorithm's tuned values, the first that has them counting.

    tuned: True for the benchmark's shipped folder and that of `written_folder`, which comes first unless `metarl tune`
    writes the algorithm's to the other; False for none; or the one folder that has them.  Raises UsageError if there is
    no such folder.
    """
    if isinstance(tuned, Path):
        if not tuned.is_dir():
            raise UsageError(f"no folder {str(tuned)!r} with tuned values; `metarl tune` makes one")
        return (tuned,)
    if not tuned:
        return ()
    places = shipped_folder(benchmark), written_folder(benchmark)
    return places if writes_shipped([entry]) else places[::-1]


def writes_shipped(entries: Iterable[ClassEntry]) -> bool:
    """Whether tuned values of these algorithms go to the shipped folder: all are ours, and it can be written to."""
    ours = all(entry.module.partition(".")[0] == "algorithms" for entry in entries)
    return ours and os.access(SHIPPED if SHIPPED.exists() else SHIPPED.parent, os.W_OK)


def tuned_cell(
    profile: str, suite_full_name: str, algorithm: str, folders: Sequence[Path] = (SHIPPED,)
) -> TunedCell | None:
    """The tuned values of the algorithm on the suite, None if there are none.  Raises UsageError for a broken file."""
    suite = sibling_of(profile, suite_full_name, folders) or suite_full_name
    for folder in folders:
        content = tuned_suite(folder, profile, suite)
        if content is not None and algorithm in content.algorithms:
            found = content.algorithms[algorithm]
            sibling = suite if suite != suite_full_name else None
            place = place_of(content)
            fresh = f" on {found.fresh_tasks} fresh tasks" if found.fresh_tasks else ""
            control = f" of {content.controls[algorithm]}" if algorithm in content.controls else ""
            source = f"{place}: {len(found.trials)} trials × {len(found.seeds)} seeds{control}{fresh}"
            return TunedCell(
                values=found.values,
                by_profile=found.trials[found.profile].values,
                trials=len(found.trials),
                seeds=len(found.seeds),
                digest=found.digest,
                origin=origin_of(content, algorithm, folders),
                source=f"{source}, as on its sibling" if sibling else source,
                sibling=sibling,
                suite=suite,
                code=found.code,
                suite_digest=found.suite_digest,
                split_digest=found.split_digest,
                setting=found.setting,
                fresh_tasks=found.fresh_tasks,
                others=found.others,
            )
    return None


def origin_of(content: TunedSuite, algorithm: str, folders: Sequence[Path] = (SHIPPED,)) -> dict[str, Any] | None:
    """The "profile" whose best trials were tried again, and the "trials" and "seeds" that it took to know them.

    Both are what a file says today, 0 where there is none: that beside the content's own first, the shipped one last.
    None where a sampler proposed the trials.
    """
    found = content.algorithms[algorithm]
    if found.origin is None:
        return None
    for folder in places_of_trials(content.path.parents[1], *folders):
        there = tuned_suite(folder, found.origin, content.suite)
        if there is not None and algorithm in there.algorithms:
            before = there.algorithms[algorithm]
            return {"profile": found.origin, "trials": len(before.trials), "seeds": len(before.seeds)}
    return {"profile": found.origin, "trials": 0, "seeds": 0}


def places_of_trials(*folders: Path) -> tuple[Path, ...]:
    """Where the best of another profile's trials are looked for: in these folders, then among all boards' shipped ones,
    under whose terms a paper's methods may have been tried, and of one's own methods in the working directory."""
    return tuple(dict.fromkeys((*folders, SHIPPED, OWN)))


def sibling_of(profile: str, suite_full_name: str, folders: Sequence[Path] = (SHIPPED,)) -> str | None:
    """The suite whose values this one takes, as one of the folders or the shipped one says; None for its own."""
    if not folders:
        return None
    for folder in dict.fromkeys([*folders, SHIPPED]):
        content = tuned_suite(folder, profile, suite_full_name)
        if content is not None and content.sibling is not None:
            return content.sibling
    return None


def place_of(content: TunedSuite) -> str:
    """As a page names the file: "tuned/quick/corners.toml", or of a paper's own "xmrl-g/quick/corners.toml"."""
    return "/".join(content.path.parts[-3:])


def tuned_algorithms(profile: str, suite_full_name: str, folders: Sequence[Path] = (SHIPPED,)) -> frozenset[str]:
    """The algorithms that have tuned values on the suite."""
    suite = sibling_of(profile, suite_full_name, folders) or suite_full_name
    found = [tuned_suite(folder, profile, suite) for folder in folders]
    return frozenset(name for content in found if content is not None for name in content.algorithms)


def tuned_suite(folder: Path, profile: str, suite_full_name: str) -> TunedSuite | None:
    """The folder's file for the suite and profile, None if it has none.  Raises UsageError for a broken one."""
    path = (folder / profile / f"{suite_full_name}.toml").absolute()
    try:
        status = path.stat()
    except OSError:
        return None
    return _read(path, (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=256)
def _read(path: Path, version: tuple[int, int]) -> TunedSuite:
    """`version` is there for the cache alone: a file that was changed is read again."""
    return read_tuned(path)
