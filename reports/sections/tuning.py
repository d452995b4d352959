"""The page's section on tuning: what trials gave, how many were needed, and which options mattered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby
from math import isfinite
from typing import Any

from reports.figures.expected_best import expected_best_figure
from reports.figures.figure_files import Drawing, figure_files, finish_canvas
from reports.scores.tuning import TunedMethod
from reports.sections.html import Cell, Row, figure_of, name_cell, suite_name, table
from reports.sections.report import Report, Section
from reports.statistics.option_effect import OptionEffect
from reports.tables.tuning import expected_csv, importance_csv, trials_csv, tuned_csv, tuning_json
from reports.text.numbers import NONE, decimals_for, number, plural, signed, slug, span

#: p-values up to which an option's share is set in bold
_SEEN = 0.05


def section(report: Report, measured: str = "boards") -> Section:
    """Empty where nothing is known of any tuning.  measured: what of the page has the scores on test tasks."""
    methods = report.tuning
    if not methods:
        return Section()
    suites, drawn = list[Section](), Counter[tuple[str, str]]()
    for (profile, suite, _), own in groupby(methods, key=lambda each: (each.profile, each.suite, each.terms)):
        drawn[profile, suite] += 1
        suites.append(_suite(report, suite, profile, list(own), drawn[profile, suite]))
    files: dict[str, str | bytes] = {
        "tables/tuning.csv": tuned_csv(methods),
        "tables/tuning-trials.csv": trials_csv(methods),
        "tables/tuning-expected.csv": expected_csv(methods),
        "tables/tuning-importance.csv": importance_csv(methods),
        "tables/tuning.json": tuning_json(methods),
    }
    for suite in suites:
        files |= suite.files
    html = f"""
<section id="tuning"><h2>Tuning</h2>
<p class="note">Scores on <b>validation tasks</b> after the last adaptation step, means over the tuning's own seeds,
which are on no board. The chosen values are those of the highest of several noisy scores, so theirs flatters them, and
so does the gain; the {measured} above measure them afresh, on test tasks and with other seeds.
<a href="tables/tuning.csv">csv</a> <a href="tables/tuning-trials.csv">trials</a>
<a href="tables/tuning-expected.csv">expected best</a> <a href="tables/tuning-importance.csv">importance</a>
<a href="tables/tuning.json">json</a></p>
{"".join(suite.html for suite in suites)}
{_NOTE}
</section>"""
    return Section(html, files)


def _suite(report: Report, suite: str, profile: str, methods: Sequence[TunedMethod], place: int) -> Section:
    """place: among those of the suite and profile, which were found on other terms."""
    decimals = _decimals(methods)
    drawing = _drawing(report, suite, profile, methods, place)
    name = f"{suite_name(suite)} · {escape(profile)}" if len({each.profile for each in report.tuning}) > 1 else ""
    figure = f'<div class="figures">{figure_of(drawing)}</div>' if drawing is not None else ""
    rows = [_row(report, each, decimals) for each in methods]
    html = f"""
<details class="tuned" data-suite="{slug(suite)}">
<summary><h3>{name or suite_name(suite)}</h3> {escape(_summary(methods))}</summary>
{table(f"{suite}: tuned against published values", rows)}
{figure}{_importance(report, suite, methods)}
</details>"""
    return Section(html, figure_files(drawing) if drawing is not None else {})


def _summary(methods: Sequence[TunedMethod]) -> str:
    counts, seeds = span(len(each.trials) for each in methods), span(len(each.seeds) for each in methods)
    kept = sum(each.chosen == each.published for each in methods)
    text = f"{plural(len(methods), 'method')}, {plural(counts, 'trial')} of {plural(seeds, 'seed')} each."
    terms = "; ".join(dict.fromkeys(each.terms for each in methods if each.terms))
    text += f" {kept} of them kept the published values." if kept else ""
    text += f" Found at: {terms}." if terms else ""
    fresh = [each for each in methods if each.fresh_tasks]
    if fresh:
        whose = "" if len(fresh) == len(methods) else f" ({', '.join(each.algorithm for each in fresh)})"
        tasks = span(each.fresh_tasks for each in fresh)
        text += f" Scored on {tasks} tasks of no split in place of validation tasks{whose}."
    return text


def _row(report: Report, method: TunedMethod, decimals: int) -> Row:
    cells = {
        "Algorithm": name_cell(report, method.algorithm, method.algorithm),
        "Published values": _score(method, method.published, decimals),
        "Profile's": _score(method, method.by_profile, decimals),
        "Chosen": _score(method, method.chosen, decimals),
        "Chosen − published": Cell(NONE if method.gain is None else signed(method.gain, decimals), method.gain),
        "Published → chosen values": Cell(_changes(method), css_class="values"),
        "Trials": Cell(str(len(method.trials)), len(method.trials)),
        "Failed": Cell(str(method.failed), method.failed),
        "Sampler": Cell(escape(str(method.origin or method.sampler)), method.sampler),
    }
    return Row(cells, [method.algorithm], method.suite)


def _score(method: TunedMethod, place: int, decimals: int) -> Cell:
    score = method.trials[place].score
    if not isfinite(score):
        return Cell("failed")
    trial = f"<small>trial {place}</small>" if place == method.chosen else ""
    return Cell(f"{number(score, decimals)}{trial}", score)


def _changes(method: TunedMethod) -> str:
    """A line for each searched option: its chosen value, behind the published one where it is another."""
    published = method.trials[method.published].values
    lines = []
    for name, value in method.values.items():
        former = published.get(name)
        now = f"{_text(former)} → <b>{_text(value)}</b>" if former != value else _text(value)
        lines.append(f"{escape(name)} {now}")
    return "<br>".join(lines) or NONE


def _text(value: Any) -> str:
    """Four digits of a number, anything else as it is."""
    return escape(f"{value:.4g}" if isinstance(value, float) else json.dumps(value))


def _drawing(report: Report, suite: str, profile: str, methods: Sequence[TunedMethod], place: int) -> Drawing | None:
    drawn = [each for each in methods if len(each.curve) > 1]
    if not drawn:
        return None
    metric = next((board.metric for board in report.boards if board.suite == suite), "score")
    caption = (
        f"{suite}, profile {profile}: expected best validation score against the number of trials; the first trial is "
        f"the published values, the second the profile's where they are others, the rest are draws"
    )
    canvas = expected_best_figure(drawn, report.styles, metric)
    name = f"tuning-{slug(profile)}-{slug(suite)}" + (f"-{place}" if place > 1 else "")
    return finish_canvas(name, caption, canvas)


def _importance(report: Report, suite: str, methods: Sequence[TunedMethod]) -> str:
    rows = [
        _effect(report, each, name, effect, corrected)
        for each in methods
        for name, (effect, corrected) in each.effects.items()
    ]
    if not rows:
        return ""
    seen = sum(corrected <= _SEEN for each in methods for _, corrected in each.effects.values())
    return f"""
<details class="tests"><summary><b>Importance</b> of each option: of {plural(len(rows), "option")} {seen} can be seen to
matter</summary>{table(f"{suite}: importance of each option", rows)}</details>"""


def _effect(report: Report, method: TunedMethod, name: str, effect: OptionEffect, corrected: float) -> Row:
    share = f"{100 * effect.share:.0f} %".replace("-", "−")
    ends = (
        f' <span class="ci">[{", ".join(signed(end, 2) for end in effect.interval)}]</span>' if effect.interval else ""
    )
    direction = NONE if effect.correlation is None else f"{signed(effect.correlation, 2)}{ends}"
    cells = {
        "Algorithm": name_cell(report, method.algorithm, method.algorithm),
        "Option": Cell(escape(name), name),
        "Explains": Cell(f"<b>{share}</b>" if corrected <= _SEEN else share, effect.share),
        "p": Cell(f"{corrected:.2g}", corrected),
        "Rank correlation [95 %]": Cell(direction, effect.correlation),
    }
    return Row(cells, [method.algorithm], method.suite)


def _decimals(methods: Sequence[TunedMethod]) -> int:
    return decimals_for(t.score for each in methods for t in each.trials if isfinite(t.score))


_NOTE = """<p class="note">Expected best (Dodge et al. 2019): exact, for trials drawn with replacement from those that
were made, so that it ends below the best of them. The published and the profile's values are no draws: they come first,
are known, and the best never falls below them. Quasi-random trials are taken for draws; a trial that failed counts as
the worst that finished.</p>
<p class="note">Importance is <b>indicative</b>: some sixteen noisy scores bear no more. Explains: share of the order of
the trials' scores that a parabola in the option's rank explains, adjusted so that for an option that does nothing it is
0 on average, and may be below; p: by permutation, corrected for the method's options (Holm); bold up to 0.05. Rank
correlation: upwards or downwards, with a bootstrap interval over trials; a best value in the middle leaves it near 0. A
failed trial ranks lowest. Why no functional analysis of variance: docs/statistics.md.</p>"""
