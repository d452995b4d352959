"""Optimality gaps without adaptation, after one-time adaptation and after a policy-gradient step, and their bounds."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import INK, PALETTE, Style
from reports.figures.drawing import draw_panels
from reports.papers.figures.studies import Shown

BARS = (
    ("no\nadaptation", "optimality gap", 0),
    ("policy\ngradient,\nApp. H's step", "optimality gap of a policy-gradient step from its meta-policy", 1),
    (
        "policy\ngradient,\nbest step",
        "optimality gap of a policy-gradient step from its meta-policy, best step size",
        1,
    ),
    ("one-time\nAlg", "optimality gap", 1),
)
#: readings of Alg(3) that its equations leave open
BY_STATE = "-by-state"


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    """A panel for each suite and reading; the line is the tightest bound at the paper's lambda, others are named."""
    (algorithm,) = shown.algorithms
    present = set(shown.of("optimality gap")["algorithm"])
    readings = [name for name in (algorithm, algorithm + BY_STATE) if name in present]
    panels = [
        (suite, reading) for reading in readings for suite in shown.suites if len(shown.of("bound", reading, suite))
    ]
    colour = styles[algorithm].colour
    return draw_panels(panels, lambda axes, panel: _draw_panel(axes, shown, *panel, colour), legend_columns=2)


def _draw_panel(axes: Axes, shown: Shown, suite: str, reading: str, colour: str) -> None:
    def value(quantity: str, index: int | None = None) -> float | None:
        rows = shown.of(quantity, reading, suite)
        rows = rows if index is None else rows[rows["index"] == index]
        return float(rows["value"].mean()) if len(rows) else None

    heights = [value(quantity, index) for _, quantity, index in BARS]
    bars = [(label, height) for (label, _, _), height in zip(BARS, heights, strict=True) if height is not None]
    drawn = axes.bar(range(len(bars)), [height for _, height in bars], width=0.55, color=[PALETTE[5]] * len(bars))
    if bars and bars[-1][0] == BARS[-1][0]:
        drawn[-1].set_facecolor(colour)
    axes.set_xticks(range(len(bars)), [f"{label}\n{height:.3g}" for label, height in bars])
    best = value("bound with the best comparators")
    top = 1.45 * max([height for _, height in bars] + ([best] if best is not None else []))
    if best is not None:
        axes.axhline(best, color=INK, linestyle="--", linewidth=1.3, label="tightest bound at the paper's λ")
    said = [
        f"{what}: {bound:.3g}"
        for what, bound in (
            ("comparators within 1 %", value("bound")),
            ("theorem's λ", value("bound at the theorem's lambda")),
        )
        if bound is not None
    ]
    if said:
        text = "\n".join(["other bounds", *said])
        axes.text(0.98, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=7.5)
    axes.set_ylim(0, top)
    axes.set_ylabel("optimality gap")
    options = suite.partition("[")[2].rstrip("]")
    terms = [text for text in (options, "penalty of each state's row" * reading.endswith(BY_STATE)) if text]
    axes.set_title("\n".join([shown.names.get(suite, suite), ", ".join(terms)]), fontsize=8.5)
