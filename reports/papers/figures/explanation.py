"""One suite's explanation: where poor and critical tasks lie among all, and the training tasks' weights as bars.

With one number to a task, tasks lie on a line above the bars: the split first, then each seed's poor and critical
tasks.  With several, the two that spread most make a plane, in which the first seed's are marked; its bars stand in the
order of weights.  Bars are the first seed's and begin at the mean weight; what lies within the band is what noise would
do to the largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures.colours import INK, LIGHT, PALETTE, Style
from reports.figures.drawing import add_legend, finish
from reports.papers.figures.studies import Shown
from reports.text.numbers import plural

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")
CRITICAL, POOR, GREY = PALETTE[0], PALETTE[1], LIGHT["grey"]
_SPLIT_NAMES = {"train": "training tasks", "validation": "validation tasks", "test": "test tasks"}
_SPLIT_MARKS = {"train": ("o", 3.0), "validation": ("D", 3.4), "test": ("+", 4.5)}
#: seeds whose poor and critical tasks are shown on a line
_SEEDS = 5
#: characters of a heading that fit above the bars
_HEADING = 56


def draw(shown: Shown, styles: Mapping[str, Style]) -> Figure:
    rows = shown.values[shown.values["suite"] == shown.suites[0]]
    seeds = sorted(set(rows["seed"]))
    names = _parameters(rows)
    tasks = {split: _tasks(rows[rows["seed"] == seeds[0]], split, names) for split in SPLITS}
    weights = _of(rows, "weight", seeds[0])
    height = 5.0 if len(names) > 1 else 3.7 + 0.22 * min(len(seeds), _SEEDS)
    figure = Figure(figsize=(5.2, height), layout="constrained")
    ratios = [3.0, 2.0] if len(names) > 1 else [1.0 + 0.3 * min(len(seeds), _SEEDS), 2.0]
    above, below = figure.subplots(2, 1, sharex=len(names) == 1, height_ratios=ratios)
    if len(names) > 1:
        _draw_plane(above, rows, tasks, names, seeds[0])
        if len(seeds) > 1:
            above.set_title(f"poorly-adapted and critical tasks of seed {seeds[0]}")
        places = dict(zip(weights.sort_values(ascending=False, kind="stable").index, range(len(weights)), strict=True))
        below.set_xlabel("training tasks, by weight")
        below.set_xticks([])
    else:
        _draw_line(above, rows, tasks, seeds[:_SEEDS])
        places = {task: float(values[0]) for task, values in tasks["train"].items()}
        below.set_xlabel(f"{names[0]} of the task")
    _draw_bars(below, rows, weights, places, seeds[0])
    finish(above)
    finish(below)
    add_legend(figure, above, below, columns=2)
    return figure


def said(shown: Shown) -> list[str]:
    """Whose tasks and weights are drawn, where there are several seeds."""
    rows = shown.values[shown.values["suite"] == shown.suites[0]]
    seeds = sorted(set(rows["seed"]))
    if len(seeds) < 2:
        return []
    own = f"the bars, the dots and the band are those of seed {seeds[0]} alone, one of {len(seeds)}"
    if len(_parameters(rows)) > 1:
        return [f"The marked tasks, {own}"]
    marked = "every seed" if len(seeds) <= _SEEDS else f"the first {_SEEDS} seeds"
    return [f"{own[0].upper()}{own[1:]}; the lines above them mark the poorly-adapted and critical tasks of {marked}"]


def _draw_line(axes: Axes, rows: pd.DataFrame, tasks: Mapping[str, Mapping[str, np.ndarray]], seeds: list[int]) -> None:
    labels = []
    for line, split in enumerate(SPLITS):
        marker, size = _SPLIT_MARKS[split]
        values = [float(value[0]) for value in tasks[split].values()]
        axes.plot(values, [-line] * len(values), linestyle="", marker=marker, markersize=size, color=GREY)
        labels.append(_SPLIT_NAMES[split].removesuffix(" tasks"))
    for line, seed in enumerate(seeds, len(SPLITS)):
        first = seed == seeds[0]
        critical, poor = (_of(rows, quantity, seed).index for quantity in ("critical", "poor"))
        _mark(axes, [tasks["train"][task][0] for task in critical], -line, CRITICAL, "s", first)
        _mark(axes, [tasks["validation"][task][0] for task in poor], -line, POOR, "^", first)
        labels.append(f"seed {seed}")
    axes.set_yticks([-float(line) for line in range(len(labels))], labels)
    axes.set_ylim(-len(labels) + 0.4, 0.6)
    axes.grid(axis="y", visible=False)


def _mark(axes: Axes, across: list[float], up: float, colour: str, marker: str, named: bool) -> None:
    label = {"s": "critical training tasks", "^": "poorly-adapted tasks"}[marker]
    shift = {"s": 0.14, "^": -0.14}[marker]  # where both lie at one place, both are seen
    places = [up + shift] * len(across)
    text = label if named else "_nolegend_"
    axes.plot(across, places, linestyle="", marker=marker, markersize=5.5, color=colour, label=text)


def _draw_plane(
    axes: Axes, rows: pd.DataFrame, tasks: Mapping[str, Mapping[str, np.ndarray]], names: list[str], seed: int
) -> None:
    marked = {"train": set(_of(rows, "critical", seed).index), "validation": set(_of(rows, "poor", seed).index)}
    for split in SPLITS:
        marker, size = _SPLIT_MARKS[split]
        points = [value[:2] for task, value in tasks[split].items() if task not in marked.get(split, ())]
        across, up = np.array(points).reshape(-1, 2).T
        label = f"other {_SPLIT_NAMES[split]}" if split in marked else _SPLIT_NAMES[split]
        axes.plot(across, up, linestyle="", marker=marker, markersize=size, color=GREY, label=label)
    for split, marker, colour, label in (
        ("train", "s", CRITICAL, "critical training tasks"),
        ("validation", "^", POOR, "poorly-adapted tasks"),
    ):
        points = [value[:2] for task, value in tasks[split].items() if task in marked[split]]
        across, up = np.array(points).reshape(-1, 2).T
        axes.plot(across, up, linestyle="", marker=marker, markersize=6, color=colour, label=label)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])


def _draw_bars(axes: Axes, rows: pd.DataFrame, weights: pd.Series, places: Mapping[str, float], seed: int) -> None:
    start = float(weights.mean())
    band = _of(rows, "null band", seed, by_task=False)
    influence = rows[(rows["quantity"] == "influence") & (rows["seed"] == seed)]
    critical = set(_of(rows, "critical", seed).index)
    across = np.array([places[task] for task in weights.index], dtype=np.float64)
    width = 0.7 if set(across) == set(range(len(across))) else 0.011 * float(np.ptp(across) or 1.0)
    if len(band):
        axes.axhspan(2 * start - float(band.iloc[0]), float(band.iloc[0]), color=GREY, alpha=0.16, linewidth=0,
                     label="95 % of what noise does to the largest")  # fmt: skip
    for chosen, colour in ((False, GREY), (True, CRITICAL)):
        which = np.array([(task in critical) == chosen for task in weights.index])
        axes.bar(across[which], weights.to_numpy()[which] - start, width, bottom=start, color=colour, linewidth=0)
    spread = [places[task] for task in influence["task"]]
    uniform = 1 / len(weights)
    axes.plot(spread, influence["value"] + uniform, linestyle="", marker=".", markersize=2.5, color=INK,
              label="independent collections")  # fmt: skip
    axes.axhline(start, color=INK, linewidth=0.8)
    axes.set_ylabel(f"weight ω (seed {seed})")
    axes.set_title(_verdict(rows, len(weights), seed))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _verdict(rows: pd.DataFrame, tasks: int, drawn: int) -> str:
    """Whether the weights say anything, in each seed, and whether they can tell all tasks apart.  drawn: whose bars."""
    seeds = sorted(set(rows["seed"]))
    out, p_values = (
        [float(value) for seed in seeds for value in _of(rows, name, seed, by_task=False)[:1]]
        for name in ("stands out", "p-value of equal weights")
    )
    lines = []
    if len(out) == len(p_values) == len(seeds):
        whose = f"bars of seed {drawn}; " if len(seeds) > 1 else ""
        lines.append(f"{whose}the largest stands out in {sum(map(bool, out))} of {plural(len(seeds), 'seed')}")
        lines += wrap("p = " + ", ".join(f"{value:.2g}" for value in p_values), _HEADING)
    different = _of(rows, "different training tasks", seeds[0], by_task=False)
    if len(different) and int(different.iloc[0]) < tasks:
        lines.append(f"{tasks} tasks are {int(different.iloc[0])} MDPs, not told apart")
    return "\n".join(lines)


def _of(rows: pd.DataFrame, quantity: str, seed: int, by_task: bool = True) -> pd.Series:
    """Values of a seed, by task."""
    own = rows[(rows["quantity"] == quantity) & (rows["seed"] == seed)]
    return own.set_index("task")["value"] if by_task else own["value"]


def _parameters(rows: pd.DataFrame) -> list[str]:
    """Names of what tasks differ in, the widest spread first; of equal ones in their order."""
    own = rows[rows["quantity"].str.startswith("train ")]
    spreads = own.groupby("quantity", sort=False)["value"].agg(np.ptp)
    ordered = spreads[spreads > 0].sort_values(ascending=False, kind="stable")
    return [str(name).removeprefix("train ") for name in (ordered if len(ordered) else spreads).index]


def _tasks(rows: pd.DataFrame, split: str, names: list[str]) -> dict[str, np.ndarray]:
    """Each task's parameters in that order."""
    columns = [rows[rows["quantity"] == f"{split} {name}"].set_index("task")["value"] for name in names]
    return {task: np.array([column[task] for column in columns]) for task in columns[0].index}
