"""What the permutation tests of a suite decide, and what they could not decide whatever the scores."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from reports.scores.entries import Entry
from reports.scores.pairwise import ALPHA, Pair, PairTests
from reports.scores.record import entry_anchor
from reports.sections.html import name_mark
from reports.text.numbers import number, slug
from reports.text.short_labels import short_labels


def pairwise_section(tests: PairTests | None, decimals: int, classes: Mapping[str, str]) -> str:
    if tests is None:
        return ""
    names = short_labels({entry.label: None for pair in tests.pairs for entry in (pair.first, pair.second)})
    rows = "".join(_row(pair, names, decimals, classes) for pair in tests.pairs)
    return f"""
<details class="tests"><summary><b>Permutation tests.</b> {escape(summary_of(tests))}</summary>
<div class="wide" tabindex="0" role="region" aria-label="{escape(tests.suite)}: permutation tests">
<table class="sortable"><thead><tr><th scope="col" data-text>Pair</th><th scope="col">Difference of IQMs [95 %]</th>
<th scope="col">Difference of means</th><th scope="col">Seeds</th><th scope="col">p</th>
<th scope="col">p after Holm</th><th scope="col">Smallest attainable</th><th scope="col" data-text>Result</th></tr>
</thead><tbody>{rows}</tbody></table></div>
<p class="note">Two-sided permutation test of the seeds' means over test tasks after the last adaptation step; Holm's
correction over this suite's pairs. Smallest attainable: the p-value after Holm if every pair came out as extreme as its
seeds allow; above 5 % the pair cannot be decided, whatever the scores.</p></details>"""


def summary_of(tests: PairTests) -> str:
    """What is decided, and where seeds are too few what would be needed."""
    count, decided = len(tests.pairs), len(tests.decided)
    if len(tests.unattainable) == count:
        smallest = min(pair.test.smallest_p for pair in tests.pairs)
        return (
            f"No pair can be decided with {_seeds(tests)}: the smallest attainable p is {_p(smallest)}, the first step "
            f"of Holm's correction over {count} needs {_p(ALPHA / count)}. {tests.seeds_needed} seeds of each could."
        )
    text = f"{decided} of {count} pairs decided at 5 %"
    if tests.unattainable:
        text += f"; {len(tests.unattainable)} cannot be with their seeds, {tests.seeds_needed} of each could"
    return text + "."


def _row(pair: Pair, short: Mapping[str, str], decimals: int, classes: Mapping[str, str]) -> str:
    difference = pair.first.final.iqm - pair.second.final.iqm
    interval = "no interval" if pair.interval is None else ", ".join(signed(end, decimals) for end in pair.interval)
    if pair.winner is not None:
        result = f"{short[pair.winner.label]} higher"
    elif pair.attainable:
        result = "not decided"
    else:
        result = "needs more seeds"
    algorithms = " ".join(slug(entry.algorithm) for entry in (pair.first, pair.second))
    names = " − ".join(_linked(entry, short[entry.label], classes) for entry in (pair.first, pair.second))
    test = pair.test
    return (
        f'<tr data-algorithm="{algorithms}"><th scope="row" data-sort="{escape(pair.first.label)}">{names}</th>'
        f'<td data-sort="{difference!r}">{signed(difference, decimals)} <span class="ci">[{interval}]</span></td>'
        f'<td data-sort="{test.effect!r}">{signed(test.effect, decimals)}</td>'
        f'<td data-sort="{min(test.seeds)}">{test.seeds[0]}, {test.seeds[1]}</td>'
        f'<td data-sort="{test.p_value!r}">{_p(test.p_value)}</td>'
        f'<td data-sort="{pair.adjusted!r}">{_p(pair.adjusted)}</td>'
        f'<td data-sort="{pair.smallest_adjusted!r}">{_p(pair.smallest_adjusted)}</td>'
        f'<td data-sort="{escape(result)}">{escape(result)}</td></tr>'
    )


def signed(value: float, decimals: int) -> str:
    text = number(value, decimals)
    return text if text.startswith("−") else f"+{text}"


def _linked(entry: Entry, name: str, classes: Mapping[str, str]) -> str:
    return f'<a class="number" href="#{entry_anchor(entry)}">{name_mark(name, classes[entry.algorithm])}</a>'


def _seeds(tests: PairTests) -> str:
    counts = sorted({count for pair in tests.pairs for count in pair.test.seeds})
    text = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{text} seed{'' if text == '1' else 's'}"


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 0.001 else f"{value:.1g}"
