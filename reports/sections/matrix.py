"""Every algorithm on every suite: score, interval and the ranks that the tests leave open."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil

from reports.scores.across import by_profile, mean_ranks
from reports.scores.boards import FLOOR, SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.pairwise import PairTests
from reports.sections.effort import effort_title, head_effort, matrix_effort
from reports.sections.html import Cell, Row, board_link, name_mark, table, to_runs
from reports.sections.report import Report
from reports.statistics.readings import READINGS
from reports.text.numbers import NONE, interval, number, plural
from reports.text.short_labels import short_labels

#: suites beside each other: as many as fit on a page of 1,280 px
_ACROSS = 8


def matrices(report: Report) -> str:
    """One for each profile, in blocks of as many suites as fit; mean ranks stand in the first block."""
    groups = by_profile(report.boards)
    html = []
    for profile, boards in groups.items():
        title = f"<h3>Profile {escape(profile)}</h3>" if len(groups) > 1 else ""
        size = ceil(len(boards) / ceil(len(boards) / _ACROSS))  # blocks of about equal width
        blocks = [boards[start : start + size] for start in range(0, len(boards), size)]
        html.append(title + "".join(_block(report, boards, block) for block in blocks))
    return "".join(html) + _NOTE


def label_order(boards: Sequence[SuiteScores]) -> list[str]:
    """What is ranked on every board by its mean rank, then what misses on some, then the references."""
    entries = {entry.label: (board, entry) for board in reversed(boards) for entry in board.entries}
    ranks = mean_ranks(boards)

    def key(label: str) -> tuple[int, float, str]:
        board, entry = entries[label]
        if label in ranks:
            return 0, ranks[label], label
        if entry in board.learned:
            return 1, -sum(label == other.label for each in boards for other in each.entries), label
        return 2 + entry.scripted + 2 * ("test" in entry.access), 0, label

    return sorted(entries, key=key)


def _block(report: Report, boards: Sequence[SuiteScores], block: Sequence[SuiteScores]) -> str:
    ranks = mean_ranks(boards)
    names = short_labels(label for label in label_order(boards))
    rows = []
    for label in label_order(boards):
        found = [next((entry for entry in board.entries if entry.label == label), None) for board in block]
        if not any(found):
            continue
        algorithm = next(entry.algorithm for entry in found if entry is not None)
        cells = {"Algorithm": Cell(name_mark(names[label], report.classes[algorithm]) + _kind(block, found), label)}
        if len(ranks) > 1 and len(boards) > 1 and block[0] is boards[0]:
            rank = ranks.get(label)
            cells["Mean rank"] = Cell(number(rank, 1), rank)
        for board, entry in zip(block, found, strict=True):
            cells[_head(report, board)] = _cell(report, board, entry)
        ranked = any(entry in board.learned for board, entry in zip(block, found, strict=True))
        rows.append(Row(cells, css_class="" if ranked else "reference"))
    return table("Scores by algorithm and suite", rows, "matrix")


def _head(report: Report, board: SuiteScores) -> str:
    """The board's name without the profile, which is said above, and a sign where its reward needs a warning."""
    link = board_link(board, board.name.removesuffix(f" · {board.profile}"))
    mark = f' <abbr title="{escape(" ".join(board.cautions))}">⚠</abbr>' if board.cautions else ""
    return link + mark + head_effort(report, board)


def _kind(block: Sequence[SuiteScores], found: Sequence[AlgorithmScores | None]) -> str:
    """What a reference is."""
    entry = next(entry for entry in found if entry is not None)
    kinds = {
        "floor": entry.algorithm == FLOOR,
        "scripted": entry.scripted,
        "trains on test tasks": "test" in entry.access,
    }
    said = next((kind for kind, holds in kinds.items() if holds), "")
    return f"<small>{said}</small>" * bool(said)


def _cell(report: Report, board: SuiteScores, entry: AlgorithmScores | None) -> Cell:
    if entry is None:
        return Cell(NONE)
    decimals = board.decimals
    spread = interval(entry.final, decimals) if entry.final.interval is not None else plural(len(entry.seeds), "seed")
    text = f'<b>{number(entry.final.iqm, decimals)}</b> <span class="ci">{spread}</span>'
    if board.records_success:
        text += f"<small>{entry.success[-1].mean():.0%} success</small>".replace("%", " %")
    if ranks := rank_text(board, entry, report.tests.get(board.name)):
        text += f"<small>{ranks}</small>"
    text += matrix_effort(report, board, entry)
    return Cell(to_runs(entry, text), entry.final.iqm, title=effort_title(report, board, entry))


def rank_text(board: SuiteScores, entry: AlgorithmScores, tests: PairTests | None) -> str:
    """`rank 2–4 of 5 ▲`, `rank open` where every rank is; empty for what is not ranked.  HTML."""
    learned = board.learned
    if entry not in learned or tests is None:
        return ""
    text = ""
    if len(learned) > 1:
        low, high = tests.ranks[entry.label]
        ranks = f"{low}" if low == high else f"{low}–{high}"
        text = f"rank {ranks} of {len(learned)}" if (low, high) != (1, len(learned)) else "rank open"
        text = f"<b>{text}</b>" if low == high == 1 else text
    mark = {"above": "▲", "below": "▼"}.get(against_floor(board, entry, tests), "")
    return f"{text} {mark}".strip()


def against_floor(board: SuiteScores, entry: AlgorithmScores, tests: PairTests | None) -> str:
    """`above`, `below` or `not decided`, by the board's tests; empty where it was not tested."""
    pair = tests.between(entry, board.floor) if tests is not None and entry is not board.floor else None
    if pair is None:
        return ""
    return "not decided" if pair.winner is None else "above" if pair.winner is entry else "below"


_NOTE = f"""<p class="note">Interquartile mean on test tasks after the last adaptation step, with its 95 % interval over
seeds. Ranks: those that the tests of the board leave open, one family a board (every pair of its algorithms, and each
against {FLOOR}, both adapted) at 5 %; ▲ and ▼: decided to be above or below {FLOOR} in that family. The sentences above
take the pairs of all boards for one family, and so decide less. Tests are of means over seeds, and read
{", ".join(map(str, READINGS))} seeds of each: a seed between decides nothing, however often the page is made again.
Mean rank: of the scores as they are, over the suites of this profile; no test. Trials: of tuning on validation tasks;
without a word: untuned. For these test tasks: nothing here
speaks of other tasks.</p>"""
