"""What a paper's figures share: their legend has room."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.colours import styles_for
from reports.figures.drawing import draw_panels, make_drawing
from results.published import papers


@pytest.mark.parametrize("panels", [1, 2])
def test_no_legend_is_wider_than_its_figure(panels: int) -> None:
    names = ("GMPS", "MAML", "MAML with a bias transformation", "No training", "Contextual SAC (the experts)")
    drawn: list[Figure] = []

    def draw_panel(axes: Axes, item: int) -> None:
        for name in names:
            axes.plot([0, 1], [0, item], label=name)

    def draw() -> Figure:
        drawn.append(draw_panels(range(panels), draw_panel, legend_columns=3))
        return drawn[0]

    make_drawing("legend", "lines", draw)
    (figure,) = drawn
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(names)
    ends = legend.get_window_extent()
    assert figure.bbox.x0 <= ends.x0 and ends.x1 <= figure.bbox.x1
    assert min(axes.bbox.height for axes in figure.axes) > 2.5 * figure.dpi


def test_a_papers_methods_differ_in_colour_unless_one_is_the_others_variant() -> None:
    """MAML-TRPO and LVC-VPG had one colour in ProMP's Figure 2."""
    variants = {"maml-trpo-bias", "maml-vpg-validation"}
    for name, paper in papers().items():
        styles = styles_for(entry.id for entry in paper.algorithms)
        for figure in paper.figures:
            shown = [styles[algorithm].colour for algorithm in figure.algorithms if algorithm not in variants]
            assert len(set(shown)) == len(shown), (name, figure.id)
