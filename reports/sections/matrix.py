"""Every algorithm on every suite: score, interval and the ranks that the tests leave open."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil

from reports.scores.across import by_profile, mean_ranks
from reports.scores.boards import FLOOR, SuiteScores
from reports.scores.entries import AlgorithmScores
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
    return "".join(html) + _note(report)


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
        return 2 + entry.scripted + 2 * entry.reference, 0, label

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
        cells = {"Algorithm": Cell(name_mark(names[label], report.classes[algorithm]) + _kind(found), label)}
        if _has_mean_ranks(boards) and block[0] is boards[0]:
            rank = ranks.get(label)
            cells["Mean rank"] = Cell(number(rank, 1), rank)
        for board, entry in zip(block, found, strict=True):
            cells[_head(report, board)] = _cell(report, board, entry)
        ranked = any(entry in board.learned for board, entry in zip(block, found, strict=True))
        rows.append(Row(cells, css_class="" if ranked else "reference"))
    return table("Scores by algorithm and suite", rows, "matrix")


def _has_mean_ranks(boards: Sequence[SuiteScores]) -> bool:
    return len(boards) > 1 and len(mean_ranks(boards)) > 1


def _head(report: Report, board: SuiteScores) -> str:
    """The board's name without the profile, which is said above, and a sign where its reward needs a warning."""
    link = board_link(board, board.name.removesuffix(f" · {board.profile}"))
    mark = f' <abbr title="{escape(" ".join(board.cautions))}">⚠</abbr>' if board.cautions else ""
    return link + mark + head_effort(report, board)


def _kind(found: Sequence[AlgorithmScores | None]) -> str:
    """What a reference is."""
    entry = next(entry for entry in found if entry is not None)
    kinds = {
        "floor": entry.algorithm == FLOOR,
        "scripted": entry.scripted,
        "trains on test tasks": "test" in entry.access,
        "is told the test task": entry.reference,
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
    if ranks := rank_text(report, board, entry):
        text += f"<small>{ranks}</small>"
    text += matrix_effort(report, board, entry)
    return Cell(to_runs(entry, text), entry.final.iqm, title=effort_title(report, board, entry))


def rank_text(report: Report, board: SuiteScores, entry: AlgorithmScores) -> str:
    """`rank 2–4 of 5 ▲`, `rank open` where every rank is; empty for what is not ranked.  HTML.

    As the sentences above it: what the family of all the page's pairs decides.
    """
    learned, standing = board.learned, report.headline.of(board)
    if entry not in learned or standing is None or board.name not in report.tests:
        return ""
    text = ""
    if len(learned) > 1:
        low, high = standing.ranks[entry.label]
        ranks = f"{low}" if low == high else f"{low}–{high}"
        text = f"rank {ranks} of {len(learned)}" if (low, high) != (1, len(learned)) else "rank open"
        text = f"<b>{text}</b>" if low == high == 1 else text
    mark = {"above": "▲", "below": "▼"}.get(against_floor(report, board, entry), "")
    return f"{text} {mark}".strip()


def against_floor(report: Report, board: SuiteScores, entry: AlgorithmScores) -> str:
    """`above`, `below` or `not decided`, by the tests of all the page's pairs; empty where it was not tested."""
    tests, standing = report.tests.get(board.name), report.headline.of(board)
    pair = tests.between(entry, board.floor) if tests is not None and entry is not board.floor else None
    if pair is None or standing is None:
        return ""
    return "above" if entry in standing.above else "below" if entry in standing.below else "not decided"


def _note(report: Report) -> str:
    """Explains the marks that stand in the tables, and no others."""
    boards = report.boards
    cells = [(board, entry) for board in boards for entry in board.entries]
    said = ["Interquartile mean on test tasks after the last adaptation step, with its 95 % interval over seeds."]
    floor = f", and each against {FLOOR}, both adapted" * any(board.floor is not None for board in boards)
    family = (
        f"with all pairs of all boards one family (every pair of a board's algorithms{floor}) at 5 %, as in the "
        "sentences above"
    )
    found = [rank_text(report, board, entry) for board, entry in cells]
    marks = {"▲": "above", "▼": "below"}
    shown = [mark for mark in marks if any(mark in text for text in found)]
    if any("rank" in text for text in found):
        said.append(f"Ranks: those that tests leave open, {family}.")
        family = "in that family"
    if shown:
        words = " or ".join(marks[mark] for mark in shown)
        said.append(f"{' and '.join(shown)}: decided to be {words} {FLOOR}, {family}.".replace(", in that", " in that"))
    if any(found):
        said.append(
            "Below, each board's own pairs are a family of their own, as is said there, which decides more. Tests are "
            f"of means over seeds, and read {', '.join(map(str, READINGS))} seeds of each: a seed between decides "
            "nothing, however often the page is made again."
        )
    if any(_has_mean_ranks(group) for group in by_profile(boards).values()):
        said.append("Mean rank: of the scores as they are, over the suites of this profile; no test.")
    if any(head_effort(report, board) or matrix_effort(report, board, entry) for board, entry in cells):
        said.append("Trials: of tuning on validation tasks; without a word: untuned.")
    said.append("For these test tasks: nothing here speaks of other tasks.")
    return f'<p class="note">{" ".join(said)}</p>'
