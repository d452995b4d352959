"""What the sections of a page are made from, and what each of them gives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from reports.figures.colours import Style, styles_for
from reports.scores.across import Across, compare_across
from reports.scores.boards import SuiteScores, make_boards
from reports.scores.cautions import Caution, FailedRun, collect_cautions
from reports.scores.entries import Refused, collect_entries
from reports.scores.pairwise import PairTests, compare_pairs
from results.files import StoreError

if TYPE_CHECKING:
    from results.store import StoredRun


@dataclass(frozen=True)
class Section:
    """A part of the page and the files beside it, by name within the report's folder.  Either may be empty."""

    html: str = ""
    files: Mapping[str, str | bytes] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Report:
    """What a section may show.  What several sections need is worked out once, when the first asks for it."""

    title: str
    boards: tuple[SuiteScores, ...]
    refused: tuple[Refused, ...]
    cautions: tuple[Caution, ...]
    stale: frozenset[str]  # digests of configurations whose code or software has changed since they ran
    styles: dict[str, Style]  # by algorithm

    @cached_property
    def classes(self) -> dict[str, str]:
        """The CSS class of each algorithm's colour and marker."""
        return {algorithm: f"a{index}" for index, algorithm in enumerate(sorted(self.styles))}

    @cached_property
    def tests(self) -> dict[str, PairTests]:
        """By suite."""
        return {board.suite: found for board in self.boards if (found := compare_pairs(board)) is not None}

    @cached_property
    def across(self) -> Across:
        return compare_across(self.boards)


def make_report(
    runs: Iterable[StoredRun],
    reference: Iterable[StoredRun] = (),
    stale: Collection[str] = (),
    failed: Sequence[FailedRun] = (),
    title: str = "Leaderboard",
    left_out: Sequence[str] = (),
) -> Report:
    """Reads the runs' tables and sums them up.

    reference: shipped results, compared like the others and labelled.  stale: digests of configurations whose code or
    software has changed since they ran.  failed: runs that were asked for and did not finish.
    left_out: cells that were asked for and are not run, since the algorithm does not fit the suite, a line each.
    Raises StoreError if there is no run that gives a score.
    """
    entries, refused = collect_entries(runs, reference)
    if not entries:
        why = refused[0].reason if refused else "no finished run is stored; run `metarl leaderboard` first"
        raise StoreError(f"there is nothing to report: {why}")
    boards = make_boards(entries)
    cautions = collect_cautions(boards, refused, stale, failed, left_out)
    styles = styles_for(entry.algorithm for entry in entries)
    return Report(title, boards, refused, cautions, frozenset(stale), styles)
