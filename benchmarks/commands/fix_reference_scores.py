"""Fixes the references of normalised scores.

`python -m benchmarks.commands.fix_reference_scores [--results DIR] [SUITE ...]`

On a suite whose MDPs are known they are exact: the uniform policy's value and the optimum.  Elsewhere they are means
over test tasks and seeds of stored runs: random-init before adaptation, and the oracle after its last step.
An entry that exists is kept unless --replace is given, since every normalised score depends on it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from environments.catalogue import make_suite
from environments.suite import Suite
from environments.tabular import TabularMDP
from environments.typed_options import UsageError
from reports.scores.reading import read_test_scores
from results.files import StoreError
from results.reference_scores import PATH, ReferenceScore, load_reference_scores, write_reference_scores
from results.store import Store, StoredRun

UNTRAINED, ORACLE = "random-init", "oracle"


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
    return {"random": random, "oracle": oracle, "source": source}


def measured_scores(suite: str, runs: Sequence[StoredRun]) -> ReferenceScore:
    """Means over test tasks and seeds of the stored runs.  Raises StoreError naming what is missing or contradicts."""
    untrained, oracle = (_configuration(suite, algorithm, runs) for algorithm in (UNTRAINED, ORACLE))
    if (untrained[0].metric, *_scored_as(untrained[0])) != (oracle[0].metric, *_scored_as(oracle[0])):
        raise StoreError(f"{suite}: {UNTRAINED} and {ORACLE} were scored on other versions of it; run both again")
    random = float(np.mean([read_test_scores(run).values[0] for run in untrained]))
    best = float(np.mean([read_test_scores(run).values[-1] for run in oracle]))
    if not random < best:
        raise StoreError(
            f"{suite}: the oracle's {best:.6g} is not above the {random:.6g} of {UNTRAINED}; the oracle needs a larger "
            f"budget before it can be a reference"
        )
    source = (
        f"means over test tasks (split {oracle[0].identity['split_digest'][:8]}): {_described(untrained)} before "
        f"adaptation; {_described(oracle)}"
    )
    return {"random": random, "oracle": best, "source": source}


def collect_reference_scores(names: Sequence[str], store: Store) -> dict[str, ReferenceScore]:
    """The references of the named suites; of every suite of which the store holds an oracle, if none is named.

    Raises UsageError for a suite that does not exist and StoreError as `measured_scores` does.
    """
    runs = store.finished()
    scores = {}
    for name in names or sorted({run.suite for run in runs if run.algorithm == ORACLE}):
        suite = make_suite(name)
        scores[suite.full_name] = exact_scores(suite) or measured_scores(suite.full_name, runs)
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


def _configuration(suite: str, algorithm: str, runs: Sequence[StoredRun]) -> list[StoredRun]:
    """The runs of the algorithm's configuration with the largest budget."""
    own = [run for run in runs if (run.suite, run.algorithm) == (suite, algorithm)]
    if not own:
        raise StoreError(f"no finished run of {algorithm} on {suite} is stored; run it first")
    budget = max(run.identity["budget"] for run in own)
    largest = [run for run in own if run.identity["budget"] == budget]
    digests = sorted({run.digest[:12] for run in largest})
    if len(digests) > 1:
        raise StoreError(
            f"{algorithm} on {suite} is stored in {len(digests)} configurations of {budget:,} steps "
            f"({', '.join(digests)}); keep the one that is to be the reference"
        )
    return largest


def _scored_as(run: StoredRun) -> tuple[str, str]:
    return run.identity["suite_digest"], run.identity["split_digest"]


def _described(runs: Sequence[StoredRun]) -> str:
    first = runs[0]
    seeds = f"{len(runs)} seed{'s' if len(runs) > 1 else ''}"
    return f"{first.algorithm} ({first.digest[:12]}, {first.done['environment_steps']:,} environment steps, {seeds})"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands.fix_reference_scores", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="default: every suite with a stored oracle")
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
        print(f"{suite}: random {entry['random']:.6g}, oracle {entry['oracle']:.6g}")
    print(f"references: {given.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
