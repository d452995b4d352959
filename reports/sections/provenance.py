"""The page's section on the runs behind every number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from reports.scores.boards import SuiteScores
from reports.scores.entries import AlgorithmScores
from reports.scores.record import access_labels, entry_anchor, run_record
from reports.sections.html import name_mark, scrolling
from reports.sections.report import Report, Section
from reports.text.numbers import NONE, duration, short_count, slug

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
    suites = "".join(_suite(report, board) for board in report.boards)
    return Section(f"""
<section id="provenance"><h2>Runs behind the numbers</h2>
<p class="note">Every score above links to its runs here. A digest names a configuration: equal digests are equal
configuration, suite, split, budget, software and code; runs of other code stand together with them where it was proven
to make the same bytes. A run's record is in its folder of the results, <code>runs/suite/algorithm/digest/seed</code>;
who made it again to equal bytes is said beside it. Wall time is that of the meta-iterations.</p>
{suites}</section>""")


def _suite(report: Report, board: SuiteScores) -> str:
    entries = "".join(_entry(report, entry) for entry in sorted(board.entries, key=lambda entry: entry.label))
    columns = ("Seed", "Digest", "Commit", "Environment steps", "Iterations", "Wall time", "Attempts")
    heads = "".join(f'<th scope="col">{column}</th>' for column in columns)
    table = scrolling(f"{board.suite}: runs", f'<table class="runs">\n<thead><tr>{heads}</tr></thead>{entries}</table>')
    return f'<div data-suite="{slug(board.suite)}"><h3>{escape(board.suite)}</h3>\n{table}</div>'


def _entry(report: Report, entry: AlgorithmScores) -> str:
    records = [run_record(run, entry) for run in entry.runs]
    first = records[0]
    access = "".join(f' <span class="badge">{escape(label)}</span>' for label in access_labels(entry))
    versions = ", ".join(f"{name} {version}" for name, version in first["versions"].items())
    terms = f"budget {short_count(first['budget'])} environment steps · profile {first['profile']} · {versions}"
    shown = ("configuration", "protocol", "suite_digest", "split_digest", "parents", "code")
    if first["data"]:
        terms += f" · data: {first['data']}"
    if made_again := _made_again(entry):
        terms += f" · {made_again}"
    details = escape(json.dumps({key: first[key] for key in shown}, indent=1))
    return (
        f'<tbody id="{entry_anchor(entry)}" data-algorithm="{slug(entry.algorithm)}">'
        f'<tr><th colspan="7" scope="rowgroup">'
        f"{name_mark(entry.label, report.classes[entry.algorithm])}{access} <small>{escape(terms)}</small>"
        f"<details><summary>configuration</summary><pre>{details}</pre></details></th></tr>"
        f"{''.join(_run(record, entry) for record in records)}</tbody>"
    )


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


def _run(record: Mapping[str, Any], entry: AlgorithmScores) -> str:
    wall = NONE if record["wall_seconds"] is None else duration(record["wall_seconds"])
    commit = (record["commit"] or "unknown")[:10] + (" + changes" if record["dirty"] else "")
    attempts = ", ".join(record["attempts"])
    cells = (
        f"{record['seed']}{' (shipped)' if record['reference'] else ''}",
        record["digest"][:12],
        commit,
        f"{record['environment_steps']:,}",
        f"{record['iterations']:,}",
        wall,
        attempts,
    )
    columns = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr id="{entry_anchor(entry)}-seed-{record["seed"]}">{columns}</tr>'
