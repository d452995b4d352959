"""What a reader must know before believing a number: few seeds, unequal budgets, stale, missing and failed runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reports.scores.boards import SuiteScores
from reports.scores.effort import Effort, unequal_effort
from reports.scores.entries import Refused
from reports.scores.normalised import EXPLAINED_ABOVE, board_reference, board_scale, ceiling_text
from reports.scores.record import data_of, distinct_of
from reports.statistics.seed_interval import COVERAGE, printed_coverage

ENOUGH_SEEDS = 10
#: characters of an error that are shown
LINE = 500


@dataclass(frozen=True)
class FailedRun:
    """A run that was asked for and did not finish.  `error`: its traceback, or one line."""

    suite: str
    algorithm: str
    seed: int
    error: str


@dataclass(frozen=True)
class Caution:
    kind: str  # a short heading: "Few seeds", "Not comparable", ...
    text: str


def coverage(seeds: int) -> str:
    """How often the nominal 95 % interval covers, by the simulation in docs/statistics.md; empty from ten seeds on."""
    if seeds >= ENOUGH_SEEDS:
        return ""
    if seeds == 1:
        return "with 1 seed: no interval"
    return f"with {seeds} seeds: the nominal 95 % interval covers {_covered(seeds)}"


def _covered(seeds: int) -> str:
    """`88–95 %`, over the simulated kinds of seeds' luck."""
    found = printed_coverage(seeds) if COVERAGE.is_file() else None
    if found is None:
        return "an unknown share"
    low, high = (f"{100 * share:.0f}" for share in found)
    return f"{low} %" if low == high else f"{low}–{high} %"


def collect_cautions(
    boards: Iterable[SuiteScores],
    refused: Iterable[Refused] = (),
    stale: Collection[str] = (),
    failed: Iterable[FailedRun] = (),
    left_out: Iterable[str] = (),
    efforts: Mapping[str, Effort] | None = None,
) -> tuple[Caution, ...]:
    """Every caution, the gravest kinds first.

    stale: digests (64 hex digits) of configurations whose code, software or data were others when they ran.
    left_out: "algorithm on suite: reason" of cells that are not run, since the algorithm does not fit the suite.
    efforts: of tuning, by the entries' digests; None: nothing is said of them.
    """
    boards = tuple(boards)
    found = [
        Caution("Failed run", f"{run.algorithm} on {run.suite}, seed {run.seed}: {_last_line(run.error)}")
        for run in failed
    ]
    found += [Caution("No score", entry.reason) for entry in refused]
    found += [Caution("Left out", line.rstrip(".")) for line in left_out]
    for board in boards:
        for entry in board.entries:
            if entry.digest in stale:
                text = "code, software or data are others than these runs had; run them again to compare with new ones"
                found.append(Caution("Stale", f"{entry.label} on {board.name}: {text}"))
    if efforts is not None:
        found += [Caution("Unequal effort", text) for board in boards if (text := unequal_effort(board, efforts))]
    for board in boards:
        for data in sorted(
            {data for entry in board.entries if (data := data_of(entry)) and "synthetic" in data.lower()}
        ):
            found.append(Caution("Synthetic data", f"{board.name} ran on {data}: no real market or measurement"))
    found += [
        Caution(
            "No times", f"{entry.label} on {board.name}, seed {run.seed}; its scores are shown: {run.times_problem}"
        )
        for board in boards
        for entry in board.entries
        for run in entry.runs
        if run.times_problem
    ]
    said = {board.suite: board.cautions for board in boards if board.cautions}
    found += [Caution("Reward", f"{suite}: {'; '.join(text.rstrip('.') for text in said[suite])}") for suite in said]
    found += [caution for board in boards for caution in _below_scripted(board)]
    found += [caution for board in boards for caution in _above_ceiling(board)]
    found += [caution for board in boards for caution in _alike_tasks(board)]
    found += [caution for board in boards for caution in _missing_seeds(board)]
    found += _few_seeds(boards)
    runs = list({run.path: run for board in boards for entry in board.entries for run in entry.runs}.values())
    processors = {run.run["provenance"]["cpu"] for run in runs}
    if len(processors) > 1:
        text = f"the runs come from {len(processors)} kinds of processors: their wall times do not compare"
        found.append(Caution("Wall time", text))
    dirty = [run for run in runs if run.run["provenance"]["dirty"]]
    if dirty:
        text = f"{len(dirty)} of the runs come from a working tree with uncommitted changes: no commit holds their code"
        found.append(Caution("Uncommitted code", text))
    return tuple(found)


def _below_scripted(board: SuiteScores) -> Iterable[Caution]:
    below = [entry for entry in board.learned if board.below_scripted(entry)]
    if below:
        named = ", ".join(board.short(entry) for entry in below)
        others = sorted({other.label for entry in below for other in board.below_scripted(entry)})
        text = f"on {board.name} a scripted reference ({', '.join(others)}) scores higher than {named}"
        yield Caution("Below a scripted reference", text)


def _above_ceiling(board: SuiteScores) -> Iterable[Caution]:
    """Who scores so far above the ceiling that it must be explained: by what the ceiling is."""
    scale, reference = board_scale(board), board_reference(board)
    if scale is None or reference is None:
        return
    means = [(board.short(entry), float(scale.normalise(entry.scores[-1]).mean())) for entry in board.learned]
    named = ", ".join(f"{name} ({mean:.2f})" for name, mean in means if mean > EXPLAINED_ABOVE)
    if named:
        text = (
            f"on {board.name} the normalised mean of {named} is above {EXPLAINED_ABOVE:g}: the ceiling, "
            f"{ceiling_text(reference)}, is no bound there but what has been reached; {reference['source']}"
        )
        yield Caution("Above the ceiling", text)


def _alike_tasks(board: SuiteScores) -> Iterable[Caution]:
    """At least half of the tasks are others' MDPs again."""
    for tasks, count in sorted({distinct_of(entry) for entry in board.entries}):
        if 2 * count < tasks:
            text = f"the {tasks} tasks of {board.name} are {count} different MDPs, so test tasks repeat training tasks"
            yield Caution("Tasks alike", text)


def _missing_seeds(board: SuiteScores) -> Iterable[Caution]:
    compared = [entry for entry in board.entries if not entry.scripted]
    every = {seed for entry in compared for seed in entry.seeds}
    for entry in compared:
        missing = sorted(every - set(entry.seeds))
        if missing:
            seeds = ", ".join(map(str, missing))
            yield Caution("Missing runs", f"{entry.label} on {board.name} has no seed {seeds}, which others have")


def _few_seeds(boards: tuple[SuiteScores, ...]) -> list[Caution]:
    entries = {entry.digest: entry for board in boards for entry in board.entries if not entry.scripted}
    seeds = Counter(entry.final.seeds for entry in entries.values())
    few = [f"{_entries(seeds[count])} {coverage(count)}" for count in sorted(seeds) if coverage(count)]
    if not few:
        return []
    enough = f"{ENOUGH_SEEDS} seeds: {_covered(ENOUGH_SEEDS)}"
    return [Caution("Few seeds", f"{'; '.join(few)} ({enough})")]


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def shortened(line: str) -> str:
    """A line that fits a page and a terminal."""
    return line if len(line) <= LINE else f"{line[:LINE]}... ({len(line):,} characters)"


def _last_line(error: str) -> str:
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return shortened(lines[-1]) if lines else "no error was recorded"
