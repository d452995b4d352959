"""The page's section on results across suites: normalised scores, their profiles, and every pair of algorithms."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from reports.figures.drawing import Drawing
from reports.scores.across import Across, Improvement
from reports.scores.simulation_gap import SimulationGap
from reports.sections.html import figure_of, name_mark
from reports.statistics.aggregate import Aggregate, Estimate
from reports.text.numbers import number, slug
from reports.text.short_labels import short_labels

_DECIMALS = 3
_COLUMNS = ("iqm", "median", "mean", "optimality_gap")


def across_section(across: Across, drawing: Drawing | None, classes: Mapping[str, str]) -> str:
    figure = "" if drawing is None else f'<div class="figures">{figure_of(drawing)}</div>'
    return f"""
<section id="across"><h2>Across suites</h2>
<p class="note">{escape(_coverage(across))}</p>
{_aggregates(across, classes)}{figure}{_improvements(across, classes)}</section>"""


def gap_section(gaps: tuple[SimulationGap, ...], classes: Mapping[str, str]) -> str:
    """Empty where no suite stands beside its physics."""
    if not gaps:
        return ""
    rows = "".join(_gap(gap, classes) for gap in gaps)
    return f"""
<section id="simulation-gap"><h2>From simplified simulation to physics</h2>
<div class="wide" tabindex="0" role="region" aria-label="From simplified simulation to physics">
<table class="sortable"><thead><tr><th scope="col" data-text>Algorithm</th><th scope="col" data-text>Suites</th>
<th scope="col">Simplified</th><th scope="col">Physics</th><th scope="col">Gap [95 %]</th>
<th scope="col">Seeds</th></tr></thead><tbody>{rows}</tbody></table></div>
<p class="note">Means over the seeds that both have, on test tasks after the last adaptation step, in the
suite's metric. Gap: physics minus simplified simulation, its interval bootstrapped over seeds, which are paired.</p>
</section>"""


def _coverage(across: Across) -> str:
    if not across.suites:
        return (
            "No suite of this report has fixed reference scores (an untrained policy's and the oracle's), so scores "
            "are not put on one scale."
        )
    text = (
        f"Scores after adaptation, normalised by fixed references (0: untrained policy, 1: oracle), over "
        f"{len(across.suites)} suite{'s' if len(across.suites) != 1 else ''}: {', '.join(across.suites)}."
    )
    if across.unscaled:
        text += f" Left out, for want of references: {', '.join(across.unscaled)}."
    for label, suites in across.incomplete.items():
        text += f" {label} is left out: no comparable score on {', '.join(suites)}."
    return text


def _aggregates(across: Across, classes: Mapping[str, str]) -> str:
    if not across.aggregates:
        return ""
    rows = "".join(_aggregate(across, label, found, classes) for label, found in across.aggregates.items())
    return f"""
<div class="wide" tabindex="0" role="region" aria-label="Normalised scores across suites"><table class="sortable">
<thead><tr><th scope="col" data-text>Algorithm</th><th scope="col">IQM</th><th scope="col">Median of suites</th>
<th scope="col">Mean</th><th scope="col">Optimality gap</th><th scope="col">Seeds</th></tr></thead>
<tbody>{rows}</tbody></table></div>
<p class="note">Suites weigh alike; 95 % intervals resample whole seeds within each suite. Optimality gap: mean
shortfall from 1, the lower the better.</p>"""


def _aggregate(across: Across, label: str, found: Aggregate, classes: Mapping[str, str]) -> str:
    algorithm = across.algorithms[label]
    cells = "".join(
        f'<td data-sort="{getattr(found, name).value!r}">{_estimate(getattr(found, name))}</td>' for name in _COLUMNS
    )
    seeds = sorted(set(found.seeds.values()))
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]}–{seeds[-1]}"
    return f'{_head(label, algorithm, classes)}{cells}<td data-sort="{seeds[0]}">{count}</td></tr>'


def _improvements(across: Across, classes: Mapping[str, str]) -> str:
    if not across.improvements:
        return ""
    rows = "".join(_improvement(across, found, classes) for found in across.improvements)
    return f"""
<details class="tests"><summary><b>Probability of improvement</b> for each of {len(across.improvements)} pairs</summary>
<div class="wide" tabindex="0" role="region" aria-label="Probability of improvement"><table class="sortable">
<thead><tr><th scope="col" data-text>P(first &gt; second)</th><th scope="col">Probability [95 %]</th>
<th scope="col">Suites</th></tr></thead><tbody>{rows}</tbody></table></div>
<p class="note">How often a random seed of the first scores higher than one of the second on a random test task of a
random suite that has both, ties counting half. Scores are compared within a task, so suites without references
count too.</p>
</details>"""


def _improvement(across: Across, found: Improvement, classes: Mapping[str, str]) -> str:
    both = (found.first, found.second)
    algorithms = [across.algorithms[label] for label in both]
    short = short_labels(across.algorithms)
    names = " &gt; ".join(name_mark(short[label], classes[across.algorithms[label]]) for label in both)
    return (
        f'<tr data-algorithm="{" ".join(map(slug, algorithms))}">'
        f'<th scope="row" data-sort="{escape(found.first)}">{names}</th>'
        f'<td data-sort="{found.probability.value!r}">{_estimate(found.probability)}</td>'
        f'<td data-sort="{found.suites}">{found.suites}</td></tr>'
    )


def _gap(gap: SimulationGap, classes: Mapping[str, str]) -> str:
    suites = f"{gap.simple.suite} → {gap.physics.suite}"
    return (
        f"{_head(gap.physics.label, gap.physics.algorithm, classes)}"
        f'<td data-sort="{escape(suites)}">{escape(suites)}</td>'
        f'<td data-sort="{gap.before!r}">{number(gap.before, _DECIMALS)}</td>'
        f'<td data-sort="{gap.after!r}">{number(gap.after, _DECIMALS)}</td>'
        f'<td data-sort="{gap.gap!r}">{_estimate(Estimate(gap.gap, gap.interval))}</td>'
        f'<td data-sort="{len(gap.seeds)}">{len(gap.seeds)}</td></tr>'
    )


def _head(label: str, algorithm: str, classes: Mapping[str, str]) -> str:
    name = name_mark(label, classes[algorithm])
    return f'<tr data-algorithm="{slug(algorithm)}"><th scope="row" data-sort="{escape(label)}">{name}</th>'


def _estimate(estimate: Estimate) -> str:
    ends = (
        "no interval" if estimate.interval is None else ", ".join(number(end, _DECIMALS) for end in estimate.interval)
    )
    return f'<b>{number(estimate.value, _DECIMALS)}</b> <span class="ci">[{ends}]</span>'
