"""The page's section on results across suites: normalised scores, their profiles, and every pair of algorithms."""

from __future__ import annotations

from html import escape

from reports.figures.figure_files import figure_files, finish_canvas
from reports.figures.performance_profiles import across_figure
from reports.scores.across import Across, Improvement
from reports.scores.boards import FLOOR
from reports.scores.normalised import board_reference, ceiling_text
from reports.scores.record import entry_anchor
from reports.sections.html import Cell, Row, estimate_cell, figure_of, name_mark, table
from reports.sections.report import Report, Section
from reports.statistics.aggregate import Aggregate
from reports.tables.across import across_csv, improvement_csv
from reports.text.numbers import number, plural, slug, span
from reports.text.short_labels import short_labels

_DECIMALS = 3


def section(report: Report) -> Section:
    """One part for each profile with several boards."""
    shown = [across for across in report.across if len(across.boards) > 1]
    if not shown:
        return Section()
    parts = [_profile(report, across, len(report.across) > 1) for across in shown]
    files: dict[str, str | bytes] = {
        "tables/across.csv": across_csv(shown), "tables/improvement.csv": improvement_csv(shown),
    }  # fmt: skip
    for part in parts:
        files |= part.files
    return Section(
        f'<section id="across"><h2>Across suites</h2>{"".join(part.html for part in parts)}</section>', files
    )


def _profile(report: Report, across: Across, several: bool) -> Section:
    title = f"<h3>Profile {escape(across.profile)}</h3>" if several else ""
    figure, files = "", {}
    if across.aggregates:
        caption = (
            f"Performance profiles across {plural(len(across.scaled), 'suite')} of profile {across.profile}: the share "
            f"of normalised (seed, task) scores above each threshold, suites weighing alike"
        )
        canvas = across_figure(report.profiles_across[across.profile], across.algorithms, report.styles)
        drawing = finish_canvas(f"across-{slug(across.profile)}-profile", caption, canvas)
        figure, files = f'<div class="figures">{figure_of(drawing)}</div>', figure_files(drawing)
    return Section(
        f"""{title}
<p class="note">{escape(_coverage(across))}</p>
{_ceilings(across)}{_aggregates(report, across)}{figure}{_improvements(report, across)}{_sources(report, across)}""",
        files,
    )


def _coverage(across: Across) -> str:
    if not across.scaled:
        return f"No suite has both a ceiling (a fixed score) and {FLOOR}, adapted, so scores are not put on one scale."
    text = (
        f"Scores after adaptation, normalised (0: {FLOOR}'s mean, adapted as all others are; 1: the suite's ceiling, "
        f"a fixed score), over {plural(len(across.scaled), 'suite')}: {', '.join(across.scaled)}."
    )
    if across.unscaled:
        text += f" Left out, for want of a ceiling or of {FLOOR}: {', '.join(across.unscaled)}."
    for label, boards in across.incomplete.items():
        text += f" {label} is left out: no score on {', '.join(boards)}."
    return text


def _ceilings(across: Across) -> str:
    """Of each suite on the scale its ceiling, whose it is, and the runs that it comes from."""
    lines = ""
    for board in across.boards:
        reference = board_reference(board)
        if board.name not in across.scaled or reference is None:
            continue
        runs = ", ".join(f"<code>{escape(run)}</code>" for run in reference.get("runs", []))
        others = ", ".join(
            f"{escape(name)} {number(score, board.decimals)}"
            for name, score in sorted(reference.get("considered", {}).items(), key=lambda pair: -pair[1])
            if name != reference.get("ceiling")
        )
        lines += (
            f"<li>{escape(board.name)}: {number(reference['oracle'], board.decimals)}, {ceiling_text(reference)}"
            f"{f'; below it {others}' * bool(others)}{f' ({runs})' * bool(runs)}</li>"
        )
    if not lines:
        return ""
    return f"""
<details class="sources"><summary>Ceilings: the best of experts that are told the task and an oracle that trains on it,
or the best possible score where it is known</summary><ul>{lines}</ul></details>"""


def _aggregates(report: Report, across: Across) -> str:
    found = across.aggregates
    if not found:
        return ""
    rows = [_aggregate(report, across, label, aggregate) for label, aggregate in found.items()]
    return f"""
{table("Normalised scores across suites", rows)}
<p class="note">Suites weigh alike; 95 % intervals resample whole seeds within each suite and take {FLOOR}'s mean for
fixed. Optimality gap: mean shortfall from 1, the lower the better. <a href="tables/across.csv">csv</a></p>"""


def _aggregate(report: Report, across: Across, label: str, found: Aggregate) -> Row:
    algorithm, seeds = across.algorithms[label], found.seeds.values()
    cells = {
        "Algorithm": Cell(_linked(across, label, name_mark(label, report.classes[algorithm])), label),
        "IQM": estimate_cell(found.iqm, _DECIMALS),
        "Median of suites": estimate_cell(found.median, _DECIMALS),
        "Mean": estimate_cell(found.mean, _DECIMALS),
        "Optimality gap": estimate_cell(found.optimality_gap, _DECIMALS),
        "Seeds": Cell(span(seeds), min(seeds)),
    }
    for name in ("IQM", "Median of suites", "Mean", "Optimality gap", "Seeds"):
        cells[name] = Cell(_linked(across, label, cells[name].html), cells[name].sort)
    return Row(cells, [algorithm])


def _improvements(report: Report, across: Across) -> str:
    found = across.improvements
    if not found:
        return ""
    short = short_labels(across.algorithms)
    rows = [_improvement(report, across, short, improvement) for improvement in found]
    return f"""
<details class="tests"><summary><b>Probability of improvement</b> for each of {plural(len(found), "pair")}</summary>
{table("Probability of improvement", rows)}
<p class="note">How often a random seed of the first scores higher than one of the second on a random test task of a
random suite that has both, ties counting half. Scores are compared within a task, so suites without references
count too. No test. <a href="tables/improvement.csv">csv</a></p>
</details>"""


def _improvement(report: Report, across: Across, short: dict[str, str], found: Improvement) -> Row:
    both, value = (found.first, found.second), found.probability.value
    names = " &gt; ".join(
        _linked(across, label, name_mark(short[label], report.classes[across.algorithms[label]])) for label in both
    )
    ends = found.probability.interval
    shown = "no interval" if ends is None else ", ".join(number(end, _DECIMALS) for end in ends)
    cells = {
        "P(first &gt; second)": Cell(names, found.first),
        "Probability [95 %]": Cell(f'<b>{number(value, _DECIMALS)}</b> <span class="ci">[{shown}]</span>', value),
        "Plot": Cell(_bar(value, ends), value, "plot"),
        "Suites": Cell(str(found.boards), found.boards),
    }
    return Row(cells, [across.algorithms[label] for label in both])


def _bar(value: float, ends: tuple[float, float] | None) -> str:
    """From 0 to 1, a half in the middle."""
    low, high = ends or (value, value)
    return (
        f'<div class="strip half" aria-hidden="true"><i class="whisker" style="left:{100 * low:.0f}%;width:'
        f'{max(100 * (high - low), 0.5):.0f}%"></i><i class="dot" style="left:{100 * value:.0f}%"></i></div>'
    )


def _sources(report: Report, across: Across) -> str:
    """For every label the runs behind its numbers, one link a board."""
    lines = ""
    for label, algorithm in sorted(across.algorithms.items()):
        links = ", ".join(
            f'<a href="#{entry_anchor(entry)}">{escape(board.name)}</a>'
            for board in across.boards
            for entry in board.entries
            if entry.label == label
        )
        mark = name_mark(label, report.classes[algorithm])
        lines += f'<li id="{_anchor(across, label)}">{mark} {links}</li>'
    return f'<details class="sources"><summary>Runs behind these numbers</summary><ul>{lines}</ul></details>'


def _linked(across: Across, label: str, html: str) -> str:
    return f'<a class="number" href="#{_anchor(across, label)}">{html}</a>'


def _anchor(across: Across, label: str) -> str:
    return f"across-{slug(across.profile)}-{slug(label)}"
