"""Fixes the references of normalised scores, and of each suite the ceiling among them.

`python -m benchmarks.commands.fix_reference_scores [--results DIR] [SUITE ...]`

The floor is a mean over test tasks and seeds of stored runs of random-init before adaptation.  The ceiling is the best
possible score where a suite knows it (`Suite.best_score`, an exact model), elsewhere the best mean over test tasks and
seeds among the algorithms of the benchmark `ceilings`, each in its configuration of the largest budget: experts that
are told the task, and the oracle, which trains on it.  Runs that a store has not are taken from the shipped ones.
An entry that exists is kept unless --replace is given, since every normalised score depends on it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.commands.report import reference_runs
from benchmarks.planning.definition import find_definition
from environments.catalogue import make_suite
from environments.suite import Suite
from environments.tabular import TabularMDP
from environments.typed_options import UsageError
from reports.scores.reading import read_test_scores
from results.files import StoreError
from results.identity import folder_name
from results.reference_scores import (
    EXACT,
    PATH,
    ReferenceScore,
    load_reference_scores,
    reference_key,
    write_reference_scores,
)
from results.store import Store, StoredRun

UNTRAINED = "random-init"
#: the benchmark whose algorithms may be a ceiling
CEILINGS = "ceilings"


def exact_scores(suite: Suite) -> ReferenceScore | None:
    """Exact means over the test tasks of a tabular suite scored by discounted return, None for any other suite."""
    if suite.metric != "discounted_return":
        return None
    try:
        mdp = TabularMDP.stack([suite.model(task) for task in suite.split.test])
    except TypeError:
        return None
    uniform = np.full((mdp.states, mdp.actions), 1 / mdp.actions)
    random, oracle = (
        float(mdp.finite_return(policy, suite.horizon).mean()) for policy in (uniform, mdp.optimum.policy)
    )
    source = (
        f"exact, means over {len(suite.split.test)} test tasks (split {suite.split.digest[:8]}) of {suite.horizon} "
        f"steps at discount {suite.discount}: the uniform policy and the optimal one"
    )
    return {"random": random, "oracle": oracle, "source": source, "ceiling": EXACT, "runs": [], "considered": {}}


def measured_scores(suite: Suite, runs: Sequence[StoredRun]) -> ReferenceScore:
    """The floor of stored runs, and the suite's best score or else the best of stored runs.

    Raises StoreError naming what is missing or contradicts.
    """
    name, best = suite.full_name, suite.best_score
    untrained = _configuration(name, UNTRAINED, runs)
    if untrained is None:
        raise StoreError(f"no finished run of {UNTRAINED} on {name} is stored; run it first")
    found = {} if best is not None else _candidates(name, runs)
    for algorithm, own in found.items():
        if _scored_as(untrained[0]) != _scored_as(own[0]):
            raise StoreError(f"{name}: {UNTRAINED} and {algorithm} were scored on other versions of it; run both again")
    random = float(np.mean([read_test_scores(run).values[0] for run in untrained]))
    means = {
        algorithm: float(np.mean([read_test_scores(run).values[-1] for run in own])) for algorithm, own in found.items()
    }
    ceiling = EXACT if best is not None else max(means, key=lambda algorithm: (means[algorithm], algorithm))
    oracle = means[ceiling] if best is None else best
    told = "the best possible score" if best is not None else _described(found[ceiling])
    if not random < oracle:
        raise StoreError(
            f"{name}: {told} with {oracle:.6g} is not above the {random:.6g} of {UNTRAINED}; the oracle and the "
            f"experts need a larger budget before one can be a reference"
        )
    return {
        "random": random,
        "oracle": oracle,
        "source": f"means over test tasks (split {suite.split.digest[:8]}): {_described(untrained)} before "
        f"adaptation; {told}",
        "ceiling": ceiling,
        "runs": [f"runs/{folder_name(run.identity)}" for run in found.get(ceiling, ())],
        "considered": means,
    }


def collect_reference_scores(names: Sequence[str], store: Store) -> dict[str, ReferenceScore]:
    """The references of the named suites, by key; if none is named of every suite of which the store holds a ceiling.

    Raises UsageError for a suite that does not exist and StoreError as `measured_scores` does.
    """
    runs, shipped, candidates = store.finished(), reference_runs(), find_definition(CEILINGS).algorithms
    scores = {}
    for name in names or sorted({run.suite for run in runs if run.algorithm in candidates}):
        suite = make_suite(name)
        own = [run for run in runs if run.suite == suite.full_name]
        own += [run for run in shipped if run.suite == suite.full_name]
        data = suite.digest if suite.data_digest is not None else None
        if data is not None:
            own = [run for run in own if run.identity["suite_digest"] == data]
        scores[reference_key(suite.full_name, data)] = exact_scores(suite) or measured_scores(suite, own)
    return scores


def merge(
    existing: dict[str, ReferenceScore], found: dict[str, ReferenceScore], replace: bool
) -> dict[str, ReferenceScore]:
    """Both; without `replace`, raises StoreError naming an entry that exists with other numbers."""
    for suite, entry in found.items():
        before = existing.get(suite, entry)
        if not replace and (before["random"], before["oracle"]) != (entry["random"], entry["oracle"]):
            raise StoreError(
                f"{suite} has the references {before['random']:.6g} and {before['oracle']:.6g}, now "
                f"{entry['random']:.6g} and {entry['oracle']:.6g}; --replace changes every normalised score on it"
            )
    return {**existing, **found}


def _candidates(suite: str, runs: Sequence[StoredRun]) -> dict[str, list[StoredRun]]:
    """The runs of each algorithm that may be a ceiling.  Raises StoreError if there is none."""
    names = find_definition(CEILINGS).algorithms
    found = {name: own for name in names if (own := _configuration(suite, name, runs)) is not None}
    if not found:
        raise StoreError(f"no finished run of {' or '.join(names)} on {suite} is stored; run one first")
    return found


def _configuration(suite: str, algorithm: str, runs: Sequence[StoredRun]) -> list[StoredRun] | None:
    """The runs of the algorithm's configuration with the largest budget, None without any.  A seed counts once."""
    own = [run for run in runs if (run.suite, run.algorithm) == (suite, algorithm)]
    if not own:
        return None
    budget = max(run.identity["budget"] for run in own)
    largest = {(run.digest, run.seed): run for run in own if run.identity["budget"] == budget}
    digests = sorted({digest[:12] for digest, _ in largest})
    if len(digests) > 1:
        raise StoreError(
            f"{algorithm} on {suite} is stored in {len(digests)} configurations of {budget:,} steps "
            f"({', '.join(digests)}); keep the one that is to be the reference"
        )
    return [largest[key] for key in sorted(largest)]


def _scored_as(run: StoredRun) -> tuple[str, str, str]:
    return run.metric, run.identity["suite_digest"], run.identity["split_digest"]


def _described(runs: Sequence[StoredRun]) -> str:
    first = runs[0]
    seeds = f"{len(runs)} seed{'s' if len(runs) > 1 else ''}"
    return f"{first.algorithm} ({first.digest[:12]}, {first.done['environment_steps']:,} environment steps, {seeds})"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands.fix_reference_scores", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="default: every suite with a stored ceiling")
    parser.add_argument("--results", type=Path, default=Path("results"), help="the store to read")
    parser.add_argument("--replace", action="store_true", help="change entries that exist")
    parser.add_argument("--file", type=Path, default=PATH, help="the file to write")
    given = parser.parse_args(arguments)
    try:
        found = collect_reference_scores(given.suites, Store(given.results, read_only=True))
        write_reference_scores(merge(load_reference_scores(given.file), found, given.replace), given.file)
    except (UsageError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    for suite, entry in found.items():
        print(f"{suite}: random {entry['random']:.6g}, ceiling {entry['oracle']:.6g} ({entry['ceiling']})")
        for algorithm, score in sorted(entry["considered"].items(), key=lambda pair: -pair[1]):
            print(f"  {algorithm}: {score:.6g}")
    print(f"references: {given.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
