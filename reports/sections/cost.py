"""The page's section on what a meta-iteration of each method costs."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from reports.scores.cost import YARDSTICK, Cost
from reports.scores.record import entry_anchor
from reports.sections.html import name_mark, suite_anchor, suite_name
from reports.text.numbers import NONE, number, short_count, slug


def cost_section(costs: tuple[Cost, ...], classes: Mapping[str, str]) -> str:
    """Empty where no method ran beside YARDSTICK at equal samples."""
    if not costs:
        return ""
    rows = "".join(_row(cost, classes) for cost in costs)
    return f"""
<section id="cost"><h2>Cost of a meta-iteration</h2>
<div class="wide" tabindex="0" role="region" aria-label="Cost of a meta-iteration"><table class="sortable">
<thead><tr><th scope="col" data-text>Algorithm</th><th scope="col" data-text>Suite</th>
<th scope="col">Relative to {YARDSTICK}</th><th scope="col">Processor seconds [seeds]</th>
<th scope="col">Environment steps</th><th scope="col">Sampling, of wall time</th><th scope="col">Seeds</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<p class="note">Processor time of a whole meta-iteration, evaluations not counted: the median over a run's iterations,
then over seeds, with the fastest and the slowest seed's. Relative to {YARDSTICK}'s on the same suite, budget, samples
and kind of processor; no ratio where one of them differs. <a href="tables/cost.csv">csv</a></p>
</section>"""


def _row(cost: Cost, classes: Mapping[str, str]) -> str:
    entry = cost.entry
    ratio = NONE if cost.relative is None else f"<b>{number(cost.relative, 2)}</b>"
    seeds = f"[{number(cost.lowest, 2)}, {number(cost.highest, 2)}]"
    return (
        f'<tr data-suite="{slug(entry.suite)}" data-algorithm="{slug(entry.algorithm)}">'
        f'<th scope="row" data-sort="{escape(entry.label)}">{name_mark(entry.label, classes[entry.algorithm])}</th>'
        f'<td data-sort="{escape(entry.suite)}"><a href="#{suite_anchor(entry.suite)}">{suite_name(entry.suite)}</a>'
        f"</td>"
        f'<td data-sort="{"" if cost.relative is None else repr(cost.relative)}">{ratio}</td>'
        f'<td data-sort="{cost.process_seconds!r}"><a class="number" href="#{entry_anchor(entry)}">'
        f'{number(cost.process_seconds, 2)} <span class="ci">{seeds}</span></a></td>'
        f'<td data-sort="{cost.environment_steps!r}">{short_count(cost.environment_steps)}</td>'
        f'<td data-sort="{cost.sampling!r}">{number(100 * cost.sampling, 0)} %</td>'
        f'<td data-sort="{len(entry.seeds)}">{len(entry.seeds)}</td></tr>'
    )
