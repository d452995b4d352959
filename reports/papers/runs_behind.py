"""The runs that a page's tables and claims rest on and its figures draw: others of the same suites are not its own."""

from __future__ import annotations

from collections.abc import Iterable

from reports.papers.evidence import Evidence
from reports.papers.figures.scores import panels_of
from reports.papers.run_terms import Behind
from reports.papers.tables import FilledTable
from reports.papers.verdicts import ClaimVerdict


def runs_behind(
    evidence: Evidence, filled: Iterable[FilledTable], verdicts: Iterable[ClaimVerdict]
) -> tuple[Behind, ...]:
    """Each once for each of the paper's suites."""
    cells = (cell for table in filled for row in table.cells for cell in row)
    found = [
        Behind(cell.suite, cell.found.entries[cell.algorithm])
        for cell in cells
        if cell.ours is not None and cell.found is not None and cell.measured is None
    ]
    found += [
        Behind(verdict.claim.suite, each.found.entries[name])
        for verdict in verdicts
        for each in verdict.compared
        if each.found is not None
        for name in each.algorithms
    ]
    drawn = (figure for figure in evidence.paper.figures if not figure.measured_by and not figure.measurement)
    found += [
        Behind(panel.suite.id, entry)
        for figure in drawn
        for panel in panels_of(figure, evidence)
        for entry in panel.entries
    ]
    return tuple({(behind.suite, id(behind.entry)): behind for behind in found}.values())
