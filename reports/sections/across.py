"""The page's section on results across suites: normalised scores, their profiles, and every pair of algorithms."""

from __future__ import annotations

from html import escape

from reports.figures.drawing import figure_files, make_drawing
from reports.figures.performance_profiles import across_profiles
from reports.scores.across import Across, Improvement
from reports.sections.html import Cell, Row, estimate_cell, figure_of, name_cell, name_mark, number_cell, table
from reports.sections.report import Report, Section
from reports.statistics.aggregate import Aggregate
from reports.text.numbers import plural, span
from reports.text.short_labels import short_labels

_DECIMALS = 3


def section(report: Report) -> Section:
    across = report.across
    figure, files = "", {}
    if across.aggregates:
        caption = (
            f"Performance profiles across {plural(len(across.suites), 'suite')}: the share of normalised (seed, task) "
            f"scores above each threshold, suites weighing alike, with 95 % interval at each threshold"
        )
        drawing = make_drawing(
            "across-profile", caption, lambda: across_profiles(across.strata, across.algorithms, report.styles)
        )
        figure, files = f'<div class="figures">{figure_of(drawing)}</div>', figure_files(drawing)
    html = f"""
<section id="across"><h2>Across suites</h2>
<p class="note">{escape(_coverage(across))}</p>
{_aggregates(report)}{figure}{_improvements(report)}</section>"""
    return Section(html, files)


def _coverage(across: Across) -> str:
    if not across.suites:
        return (
            "No suite of this report has fixed reference scores (an untrained policy's and the oracle's), so scores "
            "are not put on one scale."
        )
    text = (
        f"Scores after adaptation, normalised by fixed references (0: untrained policy, 1: oracle), over "
        f"{plural(len(across.suites), 'suite')}: {', '.join(across.suites)}."
    )
    if across.unscaled:
        text += f" Left out, for want of references: {', '.join(across.unscaled)}."
    for label, suites in across.incomplete.items():
        text += f" {label} is left out: no comparable score on {', '.join(suites)}."
    return text


def _aggregates(report: Report) -> str:
    found = report.across.aggregates
    if not found:
        return ""
    rows = [_aggregate(report, label, aggregate) for label, aggregate in found.items()]
    return f"""
{table("Normalised scores across suites", rows)}
<p class="note">Suites weigh alike; 95 % intervals resample whole seeds within each suite. Optimality gap: mean
shortfall from 1, the lower the better.</p>"""


def _aggregate(report: Report, label: str, found: Aggregate) -> Row:
    algorithm, seeds = report.across.algorithms[label], found.seeds.values()
    cells = {
        "Algorithm": name_cell(report, label, algorithm),
        "IQM": estimate_cell(found.iqm, _DECIMALS),
        "Median of suites": estimate_cell(found.median, _DECIMALS),
        "Mean": estimate_cell(found.mean, _DECIMALS),
        "Optimality gap": estimate_cell(found.optimality_gap, _DECIMALS),
        "Seeds": Cell(span(seeds), min(seeds)),
    }
    return Row(cells, [algorithm])


def _improvements(report: Report) -> str:
    found = report.across.improvements
    if not found:
        return ""
    rows = [_improvement(report, improvement) for improvement in found]
    return f"""
<details class="tests"><summary><b>Probability of improvement</b> for each of {len(found)} pairs</summary>
{table("Probability of improvement", rows)}
<p class="note">How often a random seed of the first scores higher than one of the second on a random test task of a
random suite that has both, ties counting half. Scores are compared within a task, so suites without references
count too.</p>
</details>"""


def _improvement(report: Report, found: Improvement) -> Row:
    algorithms, both = report.across.algorithms, (found.first, found.second)
    short = short_labels(algorithms)
    names = " &gt; ".join(name_mark(short[label], report.classes[algorithms[label]]) for label in both)
    cells = {
        "P(first &gt; second)": Cell(names, found.first),
        "Probability [95 %]": estimate_cell(found.probability, _DECIMALS),
        "Suites": number_cell(found.suites, 0),
    }
    return Row(cells, [algorithms[label] for label in both])
