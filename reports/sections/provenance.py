"""The page's section on the runs behind every number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from reports.scores.entries import AlgorithmScores, labels_within
from reports.scores.record import access_labels, entry_anchor, own_file_of, run_record
from reports.sections.html import Cell, Row, badge, name_mark, table
from reports.sections.report import Report, Section
from reports.tables.runs import runs_csv
from reports.text.numbers import NONE, duration, plural, short_count, slug

#: what a reader is told of runs that today's code and the recorded one made on another processor only
LINKED = "attested on another processor alone, where today's code and the recorded one make equal bytes"
#: what a reader is told of runs that today's code did not make and was not held against
SAID = {
    "by sample": "by sample: today's code made another run of this algorithm and family again",
    "unverified": "unverified: made again elsewhere, by hearsay",
    "stale": "stale",
    "differs": "came out otherwise when today's code made them again",
}


def section(report: Report) -> Section:
    suites: dict[str, list[AlgorithmScores]] = {}
    for entry in report.entries:
        suites.setdefault(entry.suite, []).append(entry)
    html = "".join(_suite(report, suite, suites[suite]) for suite in sorted(suites))
    return Section(
        f"""
<section id="provenance"><h2>Runs behind the numbers</h2>
<p class="note">Every score above links to its runs here. A digest names a configuration: equal digests are equal
configuration, suite, split, budget, software and code; runs of other code stand together with them where it was proven
to make the same bytes. A run's record is in its folder of the results, <code>runs/suite/algorithm/digest/seed</code>;
who made it again to equal bytes is said beside it. Wall time is that of the meta-iterations.
All of it: <a href="tables/runs.csv">csv</a></p>
{html}</section>""",
        {"tables/runs.csv": runs_csv(report.entries)},
    )


def _suite(report: Report, suite: str, entries: Sequence[AlgorithmScores]) -> str:
    named = sorted(zip(labels_within(entries), entries, strict=True), key=lambda item: (item[0], item[1].digest))
    rows = [_row(report, label, entry) for label, entry in named]
    runs = table(f"{suite}: runs", rows, css_class="runs")
    count = plural(sum(len(entry.runs) for entry in entries), "run")
    return (
        f'<details class="suite-runs" data-suite="{slug(suite)}"><summary><b>{escape(suite)}</b> {count}</summary>'
        f"\n{runs}</details>"
    )


def _row(report: Report, label: str, entry: AlgorithmScores) -> Row:
    records = [run_record(run, entry) for run in entry.runs]
    first = records[0]
    access = "".join(badge(text) for text in access_labels(entry))
    versions = ", ".join(f"{name} {version}" for name, version in first["versions"].items())
    terms = f"budget {short_count(first['budget'])} environment steps · profile {first['profile']} · {versions}"
    shown = ("configuration", "protocol", "suite_digest", "split_digest", "parents", "code")
    for parent in first["parents"]:
        share = f"{short_count(parent['budget'])} of these steps"
        terms += f" · begins with a run of {parent['algorithm']} as its {parent['role']} ({share})"
    if first["data"]:
        terms += f" · data: {first['data']}"
    if own_file := own_file_of(entry):
        terms += f" · of a file of its own, {own_file}"
    if made_again := _made_again(entry):
        terms += f" · {made_again}"
    details = escape(json.dumps({key: first[key] for key in shown}, indent=1))
    anchor = entry_anchor(entry)
    seeds = " ".join(
        f'<span id="{anchor}-seed-{record["seed"]}">{record["seed"]}{" (shipped)" * record["reference"]}</span>'
        for record in records
    )
    walls = [record["wall_seconds"] for record in records if record["wall_seconds"] is not None]
    commits = sorted(
        {(record["commit"] or "unknown")[:10] + " + changes" * bool(record["dirty"]) for record in records}
    )
    cells = {
        "Runs": f"{name_mark(label, report.classes[entry.algorithm])}{access}",
        "Seeds": seeds,
        "Digest": ", ".join(dict.fromkeys(record["digest"][:12] for record in records)),
        "Commit": escape(", ".join(commits)),
        "Environment steps": _range([record["environment_steps"] for record in records]),
        "Updates": _range([record["iterations"] for record in records]),
        "Wall time": _times(walls),
    }
    return Row(
        {column: Cell(html) for column, html in cells.items()},
        algorithms=[entry.algorithm],
        anchor=anchor,
        below=f"<small>{escape(terms)}</small><details><summary>configuration</summary><pre>{details}</pre></details>",
    )


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _times(seconds: Sequence[float]) -> str:
    """From the shortest to the longest."""
    if not seconds:
        return NONE
    return "–".join(dict.fromkeys(duration(value) for value in (min(seconds), max(seconds))))


def _made_again(entry: AlgorithmScores) -> str:
    """How many of the runs were made again to equal bytes, on how many machines at most, and what that proves."""
    proofs = [run.proof for run in entry.runs if run.proof is not None]
    if not proofs:
        return ""
    again, machines = sum(proof.made_again > 0 for proof in proofs), max(proof.machines for proof in proofs)
    text = f"{again} of {len(proofs)} runs made again to the same bytes" if again else "not made again yet"
    if again:
        times = sorted({proof.made_again for proof in proofs if proof.made_again})
        most = f"{times[0]}" if len(times) == 1 else f"{times[0]}–{times[-1]}"
        text += f", {most} {'time' if times[-1] == 1 else 'times'}, on {machines} machine{'' if machines == 1 else 's'}"
    linked = sum(proof.state == "attested" and not proof.made_again for proof in proofs)
    text += f" · {linked} {LINKED}" if linked else ""
    for state, said in SAID.items():
        count = sum(proof.state == state for proof in proofs)
        text += f" · {count} {said}" if count else ""
    return text
