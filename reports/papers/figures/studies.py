"""What a paper's figures of studies show, and the numbers behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.papers.evidence import Evidence
from reports.papers.study_evidence import ChosenStudy
from reports.text.table import Table
from results.published import PaperFigure

if TYPE_CHECKING:
    import pandas as pd

#: quantities that are only drawn, point by point or task by task: their mean says nothing
ONLY_DRAWN = (
    r"(path-\d+|weight|influence|critical|(train|validation|test) \S+|metric (?!information_share|saturated|mutual).*)$"
)


@dataclass(frozen=True, eq=False)
class Shown:
    """What a figure is drawn from.  `values`: rows of the figure's suites, of whatever options, with their seeds."""

    figure: PaperFigure
    study: ChosenStudy
    values: pd.DataFrame
    algorithms: tuple[str, ...]  # those of the figure that have rows, in its order
    names: dict[str, str]  # what the paper calls each suite (by its full name here) and algorithm

    def of(self, quantity: str, algorithm: str | None = None, suite: str | None = None) -> pd.DataFrame:
        rows = self.values[self.values["quantity"] == quantity]
        rows = rows if algorithm is None else rows[rows["algorithm"] == algorithm]
        return rows if suite is None else rows[rows["suite"] == suite]

    def title(self, suite: str) -> str:
        """A panel's: what the paper calls the suite, over our options."""
        return "\n".join(filter(None, [self.names[suite], suite.partition("[")[2].rstrip("]")]))

    @property
    def suites(self) -> tuple[str, ...]:
        """Full names, as far as rows name one, in the figure's order."""
        return tuple(dict.fromkeys(name for name in self.values["suite"] if name))


def shown_of(figure: PaperFigure, evidence: Evidence) -> Shown | None:
    """None where nothing of it was measured."""
    study = evidence.studies.get(figure.measured_by)
    if study is None:
        return None
    paper = evidence.paper
    order = [paper.suite(identifier).base for identifier in figure.suites]
    bases = study.values["suite"].str.partition("[")[0]
    own = (bases.isin(order) | (bases == "")) if order else bases.notna()
    if figure.quantities:
        own &= study.values["quantity"].str.startswith(figure.quantities)
    rows = study.values[own]
    if rows.empty:
        return None
    if order:
        place = rows["suite"].str.partition("[")[0].map({base: number for number, base in enumerate(order)})
        rows = rows.iloc[place.fillna(-1).to_numpy().argsort(kind="stable")]
    present = set(rows["algorithm"])
    chosen = figure.algorithms or tuple(sorted(present - {""}))
    names = {name: paper.printed(name) for name in chosen}
    printed = {suite.base: suite.printed for suite in paper.suites}
    names |= {name: printed.get(name.partition("[")[0], name) for name in set(rows["suite"])}
    return Shown(figure, study, rows, tuple(name for name in chosen if name in present), names)


def study_table(shown: Shown) -> Table:
    """Means over each seed's rows."""
    figure, rows = shown.figure, []
    for suite in shown.suites or ("",):
        for algorithm in (*shown.algorithms, ""):
            own = shown.values[(shown.values["suite"] == suite) & (shown.values["algorithm"] == algorithm)]
            for quantity, group in own[~own["quantity"].str.match(ONLY_DRAWN)].groupby("quantity", sort=True):
                means = group.groupby("seed")["value"].mean()
                spread = f"{means.std(ddof=0):.3g}" if len(means) > 1 else "–"
                cells = (f"{means.mean():.4g}", spread, f"{means.min():.3g}", f"{means.max():.3g}")
                counts = (str(len(means)), str(len(group)))
                label = shown.names.get(algorithm, algorithm) or "–"
                named = (shown.names.get(suite, suite) or "–", label, str(quantity))
                rows.append((*named, *(cell.replace("-", "−") for cell in cells), *counts))
    columns = ("Environment", "Method", "Quantity", "Mean", "Std over seeds", "Least", "Most", "Seeds", "Rows")
    return Table(f"{figure.place}: {figure.title}; means over all rows of a seed", columns, tuple(rows))
