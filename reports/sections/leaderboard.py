"""The leaderboard: one table of every algorithm on every suite, to sort and to filter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

from reports.scores.boards import FLOOR, Board
from reports.scores.entries import Entry
from reports.scores.normalised import normalise, reference_of
from reports.scores.record import entry_anchor
from reports.sections.html import badges, name_mark, suite_anchor, suite_name
from reports.sections.pairwise import signed
from reports.tables.leaderboard import board_decimals
from reports.text.numbers import interval, number, slug


def leaderboard_section(boards: tuple[Board, ...], stale: Collection[str], classes: Mapping[str, str]) -> str:
    scaled = any(reference_of(board.suite) is not None for board in boards)
    rows = "".join(_row(board, entry, scaled, stale, classes) for board in boards for entry in board.entries)
    head, note = "", ""
    if scaled:
        head = '<th scope="col">Normalised mean</th>'
        note = "Normalised: 0 is an untrained policy's score and 1 the oracle's, where the suite has such references."
    return f"""
<section id="leaderboard"><h2>Leaderboard</h2>
<div class="wide" tabindex="0" role="region" aria-label="Leaderboard">
<table class="sortable"><thead><tr><th scope="col" data-text>Algorithm</th><th scope="col" data-text>Suite</th>
<th scope="col">Rank</th><th scope="col">IQM after adaptation [95 %]</th><th scope="col">Gain by adapting</th>
<th scope="col" data-text>Against {FLOOR}</th>{head}<th scope="col">Seeds</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<p class="note">Test tasks. Rank: by interquartile mean among the suite's comparable entries; neighbouring ranks need
not differ. Gain: IQM after the last adaptation step minus before the first. {note}</p>
</section>"""


def filter_form(boards: tuple[Board, ...], classes: Mapping[str, str]) -> str:
    """Native controls; what they do needs the page's script, which shows them."""
    suites = "".join(f'<option value="{slug(board.suite)}">{escape(board.suite)}</option>' for board in boards)
    algorithms = "".join(
        f'<label><input type="checkbox" name="algorithm" value="{slug(algorithm)}" checked> '
        f"{name_mark(algorithm, classes[algorithm])}</label>"
        for algorithm in sorted(classes)
    )
    return f"""
<form id="filter" aria-label="Filter" hidden><label>Suite <select name="suite"><option value="">all suites</option>
{suites}</select></label>
<button type="reset">Show all</button> <output></output>
<fieldset><legend>Algorithms</legend>{algorithms}</fieldset></form>"""


def _row(board: Board, entry: Entry, with_normalised: bool, stale: Collection[str], classes: Mapping[str, str]) -> str:
    decimals = board_decimals(board)
    ranked = [other for other in board.entries if other.label not in board.departures and "test" not in other.access]
    # equal scores share the first of their ranks
    rank = str(1 + sum(other.final.iqm > entry.final.iqm for other in ranked)) if entry in ranked else ""
    gain = entry.final.iqm - entry.steps[0].iqm if len(entry.steps) > 1 else None
    normalised = ""
    if with_normalised:
        values = normalise(entry.scores[-1], board.suite)
        mean = None if values is None else float(values.mean())
        normalised = f'<td data-sort="{"" if mean is None else repr(mean)}">{number(mean, 3)}</td>'
    standing = _standing(board, entry)
    anchor = entry_anchor(entry)
    css_class = ' class="aside"' if entry.label in board.departures else ""
    return (
        f'<tr data-suite="{slug(board.suite)}" data-algorithm="{slug(entry.algorithm)}"{css_class}>'
        f'<th scope="row" data-sort="{escape(entry.label)}">{name_mark(board.short(entry), classes[entry.algorithm])}'
        f"{badges(board, entry, stale)}</th>"
        f'<td data-sort="{escape(board.suite)}">'
        f'<a href="#{suite_anchor(board.suite)}">{suite_name(board.suite)}</a></td>'
        f'<td data-sort="{rank}">{rank or "–"}</td>'
        f'<td data-sort="{entry.final.iqm!r}"><a class="number" href="#{anchor}">'
        f'<b>{number(entry.final.iqm, decimals)}</b> <span class="ci">{interval(entry.final, decimals)}</span></a></td>'
        f'<td data-sort="{"" if gain is None else repr(gain)}">{"–" if gain is None else signed(gain, decimals)}</td>'
        f'<td data-sort="{standing}">{standing or "–"}</td>'
        f'{normalised}<td data-sort="{entry.final.seeds}">'
        f'<a class="number" href="#{anchor}">{entry.final.seeds}</a></td></tr>'
    )


def _standing(board: Board, entry: Entry) -> str:
    verdict = board.verdict
    groups = ((verdict.above, "above"), (verdict.below, "below"), (verdict.undecided, "overlaps"))
    return next((word for group, word in groups if entry in group), "")
