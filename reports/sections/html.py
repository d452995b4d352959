"""Small pieces of HTML: tables to sort and to scroll, and an algorithm's name, colour and interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from reports.figures.figure_files import Drawing
from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.record import access_labels, entry_anchor
from reports.sections.report import Report
from reports.statistics.aggregate import Estimate
from reports.statistics.seed_interval import middle_means
from reports.text.numbers import NONE, finite_range, interval, number, slug

_BADGE = 26  # letters of a badge that are seen whole


@dataclass(frozen=True)
class Cell:
    """`html` is escaped already.  `sort`: what its column is sorted by; None comes last in either direction."""

    html: str
    sort: float | str | None = None
    css_class: str = ""
    title: str = ""
    columns: int = 1


@dataclass(frozen=True)
class Row:
    """Cells by their columns' heads, which are HTML and the same in all rows; the first cell is the row's head.

    The page's filter hides rows of other suites, and of algorithms that are not ticked.
    """

    cells: Mapping[str, Cell]
    algorithms: Sequence[str] = ()
    suite: str = ""
    css_class: str = ""
    anchor: str = ""
    #: HTML of a line below the cells, over all columns
    below: str = ""


def table(label: str, rows: Iterable[Row], css_class: str = "sortable", heads: Mapping[str, str] | None = None) -> str:
    """A table that scrolls by itself where it is too wide; empty without rows.

    label: what a screen reader says.  css_class: with `sortable`, a column's head sorts by it, as text where any cell's
    `sort` is text.  heads: what columns are called whose keys in the rows are no heads.
    """
    rows = list(rows)
    if not rows:
        return ""
    sortable = "sortable" in css_class.split()
    shown = ""
    for title, cell in rows[0].cells.items():
        is_text = sortable and any(isinstance(row.cells[title].sort, str) for row in rows if title in row.cells)
        shown += _tag("th", (heads or {}).get(title, title), scope="col", class_=cell.css_class, data_text=is_text)
    body = "".join(_row(row, sortable) for row in rows)
    html = f'<table class="{css_class}">\n<thead><tr>{shown}</tr></thead>\n<tbody>{body}</tbody></table>'
    return scrolling(label, html)


def scrolling(label: str, html: str) -> str:
    """What is wider than a narrow screen, in a frame that scrolls, from the keyboard too."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">{html}</div>'


def name_cell(report: Report, label: str, algorithm: str, more: str = "") -> Cell:
    return Cell(name_mark(label, report.classes[algorithm]) + more, label)


def board_cell(board: SuiteScores) -> Cell:
    return Cell(board_link(board), board.name)


def board_link(board: SuiteScores, name: str = "") -> str:
    return f'<a href="#{board_anchor(board)}">{suite_name(name or board.name)}</a>'


def number_cell(value: float | None, decimals: int) -> Cell:
    return Cell(number(value, decimals), value)


def estimate_cell(estimate: Estimate, decimals: int) -> Cell:
    ends = "no interval" if estimate.interval is None else ", ".join(number(end, decimals) for end in estimate.interval)
    return Cell(f'<b>{number(estimate.value, decimals)}</b> <span class="ci">[{ends}]</span>', estimate.value)


def seeds_cell(entry: AlgorithmScores) -> Cell:
    return Cell(to_runs(entry, str(len(entry.seeds))), len(entry.seeds))


def to_runs(entry: AlgorithmScores, html: str) -> str:
    """A link to the runs behind a number."""
    return f'<a class="number" href="#{entry_anchor(entry)}">{html}</a>'


def linked(entry: AlgorithmScores, cells: Mapping[str, Cell]) -> dict[str, Cell]:
    """The cells, each of which leads to the entry's runs where it holds a value and leads nowhere yet."""
    return {
        head: cell if "<a " in cell.html or cell.html == NONE else replace(cell, html=to_runs(entry, cell.html))
        for head, cell in cells.items()
    }


def score(entry: AlgorithmScores, step: int, decimals: int, more: str = "") -> Cell:
    """The interquartile mean after an adaptation step and its interval; empty where fewer steps were given."""
    if step >= len(entry.steps):
        return Cell(NONE)
    summary = entry.steps[step]
    text = f'<b>{number(summary.iqm, decimals)}</b> <span class="ci">{interval(summary, decimals)}</span>{more}'
    return Cell(to_runs(entry, text), summary.iqm)


def name_mark(label: str, css_class: str) -> str:
    """The algorithm's name behind its coloured marker; what sets its configuration apart may break into lines."""
    name, bracket, options = label.partition(" [")
    rest = f' <span class="options">{escape(bracket.strip() + options)}</span>' if bracket else ""
    return f'<span class="name {css_class}"><i class="dot"></i>{escape(name)}</span>{rest}'


def suite_name(suite: str) -> str:
    """The name, which may break into lines before its options."""
    return escape(suite).replace("[", "<wbr>[").replace(",", ",<wbr>")


def board_anchor(board: SuiteScores) -> str:
    """The HTML id of a board's section."""
    return f"suite-{slug(board.name)}"


def badges(report: Report, board: SuiteScores, entry: AlgorithmScores) -> str:
    """What must be known wherever an entry's score stands: its access, its origin, and what it does not reach."""
    quiet = [
        *access_labels(entry),
        *(["scripted"] if entry.scripted else []),
        *(["shipped result"] if entry.reference_seeds else []),
    ]
    warned = [f"below {other.label}" for other in board.below_scripted(entry)[:1]]
    warned += ["stale"] if entry.digest in report.stale else []
    return "".join(badge(text) for text in quiet) + "".join(badge(text, " warn") for text in warned)


def badge(text: str, more: str = "") -> str:
    """On one line; what is too long for it is cut, and whole where the pointer rests."""
    whole = f' title="{escape(text)}"' if len(text) > _BADGE else ""
    return f' <span class="badge{more}"{whole}>{escape(text)}</span>'


def table_links(name: str) -> str:
    """Links to a table's files."""
    return " ".join(f'<a href="tables/{name}.{kind}">{kind}</a>' for kind in ("csv", "md", "tex"))


def figure_of(drawing: Drawing, css_class: str = "") -> str:
    """The figure with its caption and files; a broad one keeps its size and scrolls on a narrow screen."""
    files = " ".join(f'<a href="figures/{drawing.name}.{kind}">{kind}</a>' for kind in ("svg", "png"))
    image = drawing.inline
    if drawing.broad:
        image, css_class = scrolling(f"Figure. {drawing.caption}", image), "broad"
    return _tag("figure", f"{image}<figcaption>{escape(drawing.caption)}. {files}</figcaption>", class_=css_class)


@dataclass(frozen=True)
class Scale:
    """A board's common axis: every interval and every seed after adaptation lies within it."""

    low: float
    high: float

    @classmethod
    def of(cls, entries: Iterable[AlgorithmScores]) -> Scale:
        entries = list(entries)
        ends = [end for e in entries for end in (e.final.iqm, *(e.final.interval or ()))]
        ends += [float(own) for e in entries for own in middle_means(e.scores[-1])]
        low, high = finite_range(ends)
        return cls(low, high)

    def place(self, value: float) -> float:
        """Percent from the left; a margin of 3 on either side leaves room for markers."""
        return 3 + 94 * (value - self.low) / (self.high - self.low)

    def axis(self, decimals: int) -> str:
        low, high = number(self.low, decimals), number(self.high, decimals)
        return f'<div class="axis"><span>{low}</span><span>{high}</span></div>'


def strip(
    entry: AlgorithmScores,
    scale: Scale,
    css_class: str,
    floor: AlgorithmScores | None,
    decimals: int,
    with_seeds: bool = False,
) -> str:
    """The entry's interquartile mean and interval on the board's axis, and each seed's own, over the floor's band."""
    final = entry.final
    band = ""
    if floor is not None and floor.final.interval is not None:
        band = f'<i class="band" style="{_span(scale, floor.final.interval)}"></i>'
    whisker = "" if final.interval is None else f'<i class="whisker" style="{_span(scale, final.interval)}"></i>'
    own = sorted(middle_means(entry.scores[-1])) if with_seeds else []
    seeds = "".join(f'<i class="seed" style="left:{scale.place(float(middle)):.1f}%"></i>' for middle in own)
    text = f"{entry.label}: {number(final.iqm, decimals)} {interval(final, decimals)}"
    return (
        f'<div class="strip {css_class}" role="img" aria-label="{escape(text)}">{band}{whisker}{seeds}'
        f'<i class="dot" style="left:{scale.place(final.iqm):.1f}%"></i></div>'
    )


def _span(scale: Scale, ends: tuple[float, float]) -> str:
    left, right = scale.place(ends[0]), scale.place(ends[1])
    return f"left:{left:.1f}%;width:{max(right - left, 0.4):.1f}%"


def _row(row: Row, sortable: bool) -> str:
    cells = "".join(_cell(cell, place == 0, sortable) for place, cell in enumerate(row.cells.values()))
    suite, algorithms = slug(row.suite), " ".join(map(slug, row.algorithms))
    html = _tag("tr", cells, id=row.anchor, data_suite=suite, data_algorithm=algorithms, class_=row.css_class)
    if row.below:
        below = _tag("td", row.below, colspan=str(len(row.cells)))
        html += _tag("tr", below, data_suite=suite, data_algorithm=algorithms, class_="below")
    return html


def _cell(cell: Cell, head: bool, sortable: bool) -> str:
    return _tag(
        "th" if head else "td",
        cell.html,
        scope="row" if head else "",
        class_=cell.css_class,
        title=cell.title,
        colspan=str(cell.columns) if cell.columns > 1 else "",
        data_sort=("" if cell.sort is None else str(cell.sort)) if sortable else None,
    )


def _tag(name: str, html: str, *, data_sort: str | None = None, data_text: bool = False, **attributes: str) -> str:
    """The element; attributes that are empty are left out, except what it is sorted by."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value}
    if data_sort is not None:
        given["data-sort"] = data_sort
    text = "".join(f' {key}="{escape(value)}"' for key, value in given.items()) + " data-text" * data_text
    return f"<{name}{text}>{html}</{name}>"
