"""`metarl leaderboard --until-decided`: seeds in batches, more of them only for algorithms not yet told apart.

Every suite is a family of its own, tested by `reports.statistics.sequential` after each look.  As in a report's pairs
of algorithms, references that train on test tasks or are scripted are none of the family: they get the first look's
seeds.  What was decided is kept with the runs (`results.decisions`), and stands on every later page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from algorithms.catalogue import find_algorithm
from benchmarks.commands.jobs import INTERRUPTED, RunOptions, planned, run_plan, show_plan
from benchmarks.commands.report import check_output, render_planned
from benchmarks.execution.executor import Executor
from benchmarks.planning.fitting import LeftOut
from benchmarks.specs.run_spec import RunSpec
from environments.typed_options import UsageError
from reports.scores.reading import read_test_scores
from reports.statistics.sequential import ALPHA, LOOKS, Decision, decide
from results.decisions import SequentialDecisions, write_decisions
from results.files import StoreError
from results.reference_scores import REFERENCE_ACCESS
from results.store import Store, StoredRun

#: within the report's folder
DECISIONS = "tables/sequential.csv"


@dataclass(frozen=True)
class Standing:
    """What a suite's seeds decide so far.  `left_out`: algorithms without a score for every seed, and why."""

    suite: str
    decision: Decision
    left_out: dict[str, str]

    def as_line(self) -> str:
        decision, parts = self.decision, [f"{name} left out ({why})" for name, why in self.left_out.items()]
        if not decision.looks_used:
            return f"{self.suite}: {'; '.join(['no two algorithms to tell apart', *parts])}"
        decided, undecided = [], []
        for (first, second), outcome in decision.outcomes.items():
            if outcome in ("undecided", "not yet"):
                undecided.append(f"{first} – {second}")
            else:
                decided.append(f"{first} > {second}" if outcome == "first higher" else f"{second} > {first}")
        more = ", ".join(decision.more_seeds)
        parts = [
            f"decided {', '.join(decided) or 'none'}",
            f"undecided {', '.join(undecided) or 'none'}",
            f"more seeds, up to {decision.next_look}: {more}" if more else "no more seeds",
            *parts,
        ]
        return f"{self.suite} at {decision.looks_used[-1]} seeds: {'; '.join(parts)}"


def last_look(seeds: int | None) -> int:
    """How many seeds to plan.  Raises UsageError if their number was given."""
    if seeds is not None:
        raise UsageError(f"--until-decided looks after {_looks()} seeds, so --seeds {seeds} must be left out")
    return LOOKS[-1]


def run_until_decided(
    specs: Sequence[RunSpec],
    options: RunOptions,
    title: str,
    executor: Executor | None = None,
    left_out: Sequence[LeftOut] = (),
) -> int:
    """Runs looks until nothing more can be decided, and writes the report; returns the command's exit code.

    specs: the plan with the last look's seeds; what is stored of it is not run again.  A look's lines depend on the
    seeds it asks for, whether or not later ones are stored.
    left_out: what the report names as not run.  Raises StoreError.
    """
    store = Store(options.results)
    check_output(options.output)
    standings: dict[str, Standing] = {}
    asked: list[RunSpec] = []
    runs: list[StoredRun] = []
    outcomes, codes = [], [0]
    batch = _first_look(specs)
    while batch:
        ended, code = run_plan(batch, store, options, executor)
        if code == INTERRUPTED:
            return code
        asked += batch
        outcomes += ended
        codes.append(code)
        runs = planned(asked, store)
        for suite in dict.fromkeys(spec.suite for spec in batch):
            standings[suite] = standing(suite, asked, runs)
            print(standings[suite].as_line())
        begun = {spec.label for spec in asked}
        batch = [spec for spec in specs if spec.label not in begun and _goes_on(spec, standings[spec.suite].decision)]
    if runs:
        for suite, found in standings.items():
            write_decisions(options.results, _record(suite, found, asked, runs))
        page = render_planned(runs, options, title, store, outcomes, left_out)
        print(f"decisions: {options.output / DECISIONS}")
        print(f"report: {page}")
    return max(codes)


def show_first_look(specs: Sequence[RunSpec], options: RunOptions) -> int:
    """`--dry-run`: the first look's missing runs, and how many more may follow them."""
    code = show_plan(_first_look(specs), options)
    competing = [spec for spec in specs if _competes(spec)]
    pairs = {spec.suite: len({other.algorithm for other in competing if other.suite == spec.suite}) for spec in specs}
    later = sum(spec.seed >= LOOKS[0] and pairs[spec.suite] > 1 for spec in competing)
    print(f"looks after {_looks()} seeds; up to {later} more runs may follow these, for pairs not yet decided")
    return code


def standing(suite: str, asked: Sequence[RunSpec], runs: Sequence[StoredRun]) -> Standing:
    """Decides the suite's pairs by the seeds asked for.

    An algorithm of which one is missing leaves the family: it may be an unlucky one, and the others would flatter it.
    """
    stored = {(run.algorithm, run.seed): run for run in runs if run.suite == suite}
    seeds: dict[str, list[int]] = {}
    for spec in asked:
        if spec.suite == suite and _competes(spec):
            seeds.setdefault(spec.algorithm, []).append(spec.seed)
    scores, left_out = {}, {}
    for algorithm, own in seeds.items():
        missing = sorted(seed for seed in own if (algorithm, seed) not in stored)
        if missing:
            left_out[algorithm] = f"seed {missing[0]} gave no result"
            continue
        try:
            tables = [read_test_scores(stored[algorithm, seed]) for seed in sorted(own)]
        except StoreError as error:
            left_out[algorithm] = str(error)
            continue
        scores[algorithm] = np.array([table.values[-1].mean() for table in tables])
    return Standing(suite, decide(scores, LOOKS, ALPHA, suite), left_out)


def _record(suite: str, found: Standing, asked: Sequence[RunSpec], runs: Sequence[StoredRun]) -> SequentialDecisions:
    """What is kept of a suite's decisions beside its runs, so that every later report shows them."""
    decision, spec = found.decision, next(spec for spec in asked if spec.suite == suite)
    names = {name for pair in decision.outcomes for name in pair}
    return {
        "suite": suite,
        "profile": spec.profile,
        "budget": spec.budget,
        "protocol": asdict(spec.protocol),
        "alpha": ALPHA,
        "looks": list(LOOKS),
        "looks_used": list(decision.looks_used),
        "algorithms": {run.algorithm: run.digest for run in runs if run.suite == suite and run.algorithm in names},
        "left_out": found.left_out,
        "pairs": [
            {"first": pair[0], "second": pair[1], "outcome": outcome, "p": decision.p_values[pair],
             "seeds": decision.decided_at.get(pair)}
            for pair, outcome in decision.outcomes.items()
        ],
    }  # fmt: skip


def _first_look(specs: Sequence[RunSpec]) -> list[RunSpec]:
    return [spec for spec in specs if spec.seed < LOOKS[0]]


def _goes_on(spec: RunSpec, decision: Decision) -> bool:
    return spec.algorithm in decision.more_seeds and decision.next_look is not None and spec.seed < decision.next_look


def _competes(spec: RunSpec) -> bool:
    algorithm = find_algorithm(spec.source or spec.algorithm).load()
    return not REFERENCE_ACCESS & algorithm.access and not algorithm.scripted


def _looks() -> str:
    return f"{', '.join(map(str, LOOKS[:-1]))} and {LOOKS[-1]}"
