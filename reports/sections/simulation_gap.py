"""The page's section on what is lost from a simplified simulation to the physics."""

from __future__ import annotations

from html import escape

from reports.scores.simulation_gap import SimulationGap, simulation_gaps
from reports.sections.html import Cell, Row, estimate_cell, linked, name_cell, number_cell, table
from reports.sections.report import Report, Section
from reports.statistics.aggregate import Estimate
from reports.tables.simulation_gap import simulation_gaps_csv

_DECIMALS = 3
_TITLE = "From simplified simulation to physics"


def section(report: Report) -> Section:
    """Empty where no suite stands beside its physics."""
    gaps = simulation_gaps(report.boards)
    if not gaps:
        return Section()
    html = f"""
<section id="simulation-gap"><h2>{_TITLE}</h2>
{table(_TITLE, [_row(report, gap) for gap in gaps])}
<p class="note">Means over the seeds that both have, on test tasks after the last adaptation step, in the
suite's metric. Gap: physics minus simplified simulation, its interval by the test of the seeds' differences.
<a href="tables/simulation-gap.csv">csv</a></p>
</section>"""
    return Section(html, {"tables/simulation-gap.csv": simulation_gaps_csv(gaps)})


def _row(report: Report, gap: SimulationGap) -> Row:
    suites = f"{gap.simple.suite} → {gap.physics.suite}"
    cells = {
        "Algorithm": name_cell(report, gap.physics.label, gap.physics.algorithm),
        "Suites": Cell(escape(suites), suites),
        "Simplified": number_cell(gap.before, _DECIMALS),
        "Physics": number_cell(gap.after, _DECIMALS),
        "Gap [95 %]": estimate_cell(Estimate(gap.gap, gap.interval), _DECIMALS),
        "Seeds": number_cell(len(gap.seeds), 0),
    }
    return Row(linked(gap.physics, cells), [gap.physics.algorithm])
