"""Files of tuned values as what the report shows of them; `reports/` reads no file of the planner's."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.planning.tuned_file import TunedSuite
from benchmarks.planning.tuned_values import every_folder, origin_of, papers_folders, place_of, sibling_of, tuned_suite
from environments.typed_options import UsageError
from reports.scores.tuning import Origin, TunedMethod, TunedTrial
from results.store import StoredRun


def tuned_methods(runs: Iterable[StoredRun], folders: Sequence[Path] = ()) -> list[TunedMethod]:
    """What was tried for the runs' suites and profiles, or for siblings whose values they took.

    folders: that have it; `every_folder` unless given.

    What the runs' records name by its digest is told of every folder; where they name none of a method's, the last
    folder's, and nothing that was found under a paper's own terms.
    A file that is broken is named on the terminal and left out.
    """
    shown = {(run.suite, str(run.profile)) for run in runs}
    recorded = {(run.run["description"].get("tuning") or {}).get("digest") for run in runs}
    taken: dict[tuple[str, str, str, str], TunedMethod] = {}
    others: dict[tuple[str, str, str], TunedMethod] = {}
    folders, apart = folders or every_folder(), papers_folders()
    for folder in folders:
        for suite, profile in sorted(shown):
            try:
                content = tuned_suite(folder, profile, sibling_of(profile, suite, folders) or suite)
            except UsageError as error:
                print(f"metarl: left out: {error}", file=sys.stderr)
                continue
            for name, own in (content.algorithms if content is not None else {}).items():
                assert content is not None
                if own.digest in recorded:
                    taken[content.suite, profile, name, own.digest] = _method(content, name, folders)
                elif folder not in apart:
                    others[content.suite, profile, name] = _method(content, name, folders)
    known = {place[:3] for place in taken}
    return [*taken.values(), *(method for place, method in others.items() if place not in known)]


def _method(content: TunedSuite, algorithm: str, folders: Sequence[Path]) -> TunedMethod:
    tuned = content.algorithms[algorithm]
    trials = tuple(
        TunedTrial({name: _plain(value) for name, value in trial.values.items()}, trial.scores)
        for trial in tuned.trials
    )
    indices = (tuned.chosen, tuned.published, tuned.profile)
    origin = origin_of(content, algorithm, folders)
    return TunedMethod(
        content.suite,
        content.profile,
        algorithm,
        trials,
        *indices,
        tuned.seeds,
        tuned.sampler,
        tuned.digest,
        source=place_of(content),
        setting=tuned.setting,
        origin=Origin(**origin) if origin else None,
        fresh_tasks=tuned.fresh_tasks,
        others=tuned.others,
    )


def _plain(value: Any) -> Any:
    return None if value == "none" else value  # TOML has no null
