"""A paper's studies: which its data name, at the size that the profile chooses."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from algorithms.catalogue import algorithms
from benchmarks.planning.plan import Setting
from benchmarks.planning.profiles import find_profile
from benchmarks.specs.run_spec import known_suite
from benchmarks.specs.study_spec import StudySpec, find_study, resolved, studies
from environments.discovery import ClassEntry
from results.identity import base_name
from results.published import Paper, PaperFigure, ScoreTable
from results.published_claims import Claim


def studies_of(paper: Paper) -> list[str]:
    """Names of the studies that its tables, figures and claims rest on, in the file's order, if they exist or not."""
    resting: list[ScoreTable | PaperFigure | Claim] = [*paper.tables, *paper.figures, *paper.claims]
    return list(dict.fromkeys(entry.measured_by for entry in resting if entry.measured_by))


def plan_studies(
    paper: Paper, profile: str, seeds: int | None, suites: Sequence[str] | None, settings: Iterable[Setting] = ()
) -> list[StudySpec]:
    """One for each study of the paper that exists and each seed, from 0; of a deterministic one for seed 0 alone.

    suites: full names in place of the study's own of the same base; one that has none of them is left out.
    Raises UsageError.
    """
    chosen, planned, settings = find_profile(profile), list[StudySpec](), list(settings)
    count = chosen.seeds if seeds is None else seeds
    for name in studies_of(paper):
        if name not in studies():
            print(f"metarl: left out, since there is no such study yet: {name}", file=sys.stderr)
            continue
        found = find_study(name)
        cls = found.load()
        values = dict(cls.profiles.get(chosen.name, {}))
        values |= {setting.option: setting.value for setting in settings if setting.algorithm == name}
        configuration = _that_exist(found, resolved(found, values), suites)
        if configuration is not None:
            spec = StudySpec(name, configuration, 0, chosen.name, paper.name)
            code = spec.code_now()
            planned += [replace(spec, seed=seed, code=code) for seed in range(1 if cls.deterministic else count)]
    return planned


def _that_exist(
    found: ClassEntry, configuration: dict[str, Any], suites: Sequence[str] | None
) -> dict[str, Any] | None:
    """The configuration with the chosen suites and without algorithms that do not exist; None if nothing is left."""
    own = [known_suite(name) for name in configuration["suites"]]
    if suites is not None:
        bases = {suite.name for suite in own}
        own = [known_suite(name) for name in suites if base_name(name) in bases]
    kept = [name for name in configuration["algorithms"] if name in algorithms()]
    absent = sorted(set(configuration["algorithms"]) - set(kept))
    if absent:
        print(f"metarl: {found.name} without {', '.join(absent)}: no such algorithms yet", file=sys.stderr)
    if (configuration["suites"] and not own) or (configuration["algorithms"] and not kept):
        return None
    return {**configuration, "suites": [suite.full_name for suite in own], "algorithms": kept}
