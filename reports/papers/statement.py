"""The reproduction statement, short enough to cite, as Markdown, HTML and LaTeX: what held, and how to repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from reports.papers.claims import ALIKE
from reports.papers.departures import merged
from reports.papers.evidence import SEEDS, Evidence
from reports.papers.parts import EQUAL, NOT_RUN, UNDECIDED, WORDS
from reports.papers.verdicts import ClaimVerdict
from reports.text.numbers import short_count
from reports.text.table import latex_text as escaped

if TYPE_CHECKING:
    from results.store import StoredRun

#: verdicts whose claims are only named, with the effect: a page is short, and they say little
LISTED = (UNDECIDED, NOT_RUN)


@dataclass(frozen=True)
class Statement:
    """`verdicts`: for each word that occurs its claims, as (id, sentence, what was found)."""

    title: str
    lead: str
    verdicts: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]
    facts: tuple[tuple[str, str], ...]

    def markdown(self) -> str:
        lines = [f"# {self.title}", "", self.lead, ""]
        for word, claims in self.verdicts:
            lines += [f"**{word.capitalize()} ({len(claims)})**", ""]
            if word in LISTED:
                lines += [", ".join(f"`{name}`{found}" for name, _, found in claims), ""]
            else:
                lines += [*(f"- `{name}`: {text} {found}" for name, text, found in claims), ""]
        lines += [*(f"- {name}: {value}" for name, value in self.facts), ""]
        return "\n".join(lines)

    def html(self) -> str:
        """The body of a page."""
        parts = [f"<h1>{escape(self.title)}</h1><p>{escape(self.lead)}</p>"]
        for word, claims in self.verdicts:
            parts.append(f"<h2>{escape(word.capitalize())} ({len(claims)})</h2>")
            if word in LISTED:
                names = (f"<code>{escape(name)}</code>{escape(found)}" for name, _, found in claims)
                parts.append(f"<p>{', '.join(names)}</p>")
            else:
                items = (f"<li><code>{escape(n)}</code>: {escape(t)} {escape(f)}</li>" for n, t, f in claims)
                parts.append(f"<ul>{''.join(items)}</ul>")
        facts = "".join(f"<li><b>{escape(name)}:</b> {escape(value)}</li>" for name, value in self.facts)
        return "\n".join([*parts, f"<h2>How it was found</h2><ul>{facts}</ul>"])

    def latex(self) -> str:
        """A document of its own, without packages beyond a LaTeX distribution's own."""
        lines = [
            r"\documentclass[10pt]{article}",
            r"\usepackage[margin=1.6cm,a4paper]{geometry}",
            r"\pagestyle{empty}\setlength{\parindent}{0pt}\setlength{\parskip}{3pt}\raggedright",
            r"\begin{document}",
            rf"{{\Large {escaped(self.title)}\par}}\smallskip",
            rf"\small {escaped(self.lead)}\par",
        ]
        for word, claims in self.verdicts:
            lines.append(rf"\medskip\textbf{{{escaped(word.capitalize())} ({len(claims)})}}\par")
            if word in LISTED:
                names = ", ".join(_breakable(name) + escaped(found) for name, _, found in claims)
                lines.append(rf"\footnotesize {names}\par\small")
            else:
                lines += [rf"{{\footnotesize {_breakable(n)}: {escaped(t)} {escaped(f)}\par}}" for n, t, f in claims]
        lines.append(r"\medskip\textbf{How it was found}\par")
        lines += [rf"{{\footnotesize \textit{{{escaped(name)}:}} {escaped(value)}\par}}" for name, value in self.facts]
        return "\n".join([*lines, r"\end{document}", ""])


def make_statement(
    evidence: Evidence, verdicts: Sequence[ClaimVerdict], runs: Sequence[StoredRun], repeat: Sequence[str] = ()
) -> Statement:
    """runs: those behind the verdicts and tables.  repeat: the commands that plan them, and which none plans."""
    paper = evidence.paper
    groups = []
    for word in WORDS:
        claims = tuple((v.claim.id, v.claim.sentence, _found(v)) for v in verdicts if v.word == word)
        if claims:
            groups.append((word, claims))
    counts = ", ".join(f"{len(claims)} {word}" for word, claims in groups)
    lead = (
        f"Of {len(verdicts)} claims entered from “{paper.title}” ({paper.authors}; {paper.venue}, {paper.year}): "
        f"{counts or 'none'}. A claim is reproduced or contradicted only where its test over seeds, or over MDPs "
        f"drawn independently, decides at 5 % after Holm's correction over the paper's tests, or its sign where "
        f"nothing is left to chance; a bound that excludes nothing is vacuous, and a change within numerical error "
        f"none. What is undecided at the budget below is no evidence against a claim."
    )
    if any(verdict.word == EQUAL for verdict in verdicts):
        lead += " Two methods are equal within margin where one was claimed above the other, but the difference of "
        lead += f"their means is shown to be smaller than the effect that {SEEDS} seeds of each decide, and smaller "
        lead += f"than {100 * ALIKE:.0f} % of the second's mean."
    return Statement(
        f"Reproduction statement: {paper.title}", lead, tuple(groups), _facts(evidence, verdicts, runs, repeat)
    )


def _found(verdict: ClaimVerdict) -> str:
    """The part that favours the claim least, and of how many parts it is; of what is only named, its effect."""
    least = verdict.least
    if verdict.word in LISTED:
        return "" if verdict.effect is None else f" {verdict.shown[0]}"
    tested = [part for part in verdict.parts if part.tested]
    if least is None:
        return ""
    said = [f"{least.pair}: {least.effect_text}, {least.units_text}"]
    if len(tested) > 1:
        said.append(f"the least of {len(tested)} parts")
    missing = len(verdict.parts) - len(tested)
    if missing:
        said.append(f"{missing} of {len(verdict.parts)} parts not run")
    if verdict.opposed:
        said.append(f"{verdict.reasons[0][0].lower()}{verdict.reasons[0][1:]}")
    return "; ".join(said) + "."


def _facts(
    evidence: Evidence, verdicts: Sequence[ClaimVerdict], runs: Sequence[StoredRun], repeat: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    paper = evidence.paper
    command = f"metarl paper {paper.name}"
    facts = [("Cannot be compared", " ".join(paper.open))] if paper.open else []
    if evidence.studies:
        facts.append(("Studies", "; ".join(study.terms for study in evidence.studies.values())))
    if not runs:
        return (*facts, ("Runs", f"none is stored; {command} makes those whose methods and suites exist"))
    departures = merged(each for verdict in verdicts for each in verdict.departures)
    if departures:
        facts.append(("Departs from the paper", "; ".join(each.short for each in departures)))
    others = dict.fromkeys(text for verdict in verdicts for text in verdict.not_comparable)
    kept = [text for text in others if not text.endswith("the paper's is not given")]  # ours are listed below
    if kept:
        facts.append(("Must be known", "; ".join(kept)))
    profiles = sorted({str(run.run["description"]["profile"]) for run in runs})
    budgets = sorted({(run.identity["budget"], run.suite) for run in runs})
    provenance = [run.run["provenance"] for run in runs]
    commits = sorted({(p["commit"] or "unknown")[:12] + (" with changes" if p["dirty"] else "") for p in provenance})
    versions = sorted({f"{name} {version}" for run in runs for name, version in run.identity["versions"].items()})
    pythons = sorted({str(p["python"]) for p in provenance})
    digests = sorted({run.digest[:12] for run in runs})
    return (
        *facts,
        ("Runs", f"{len(runs)}, configurations {', '.join(digests)}"),
        ("Budget", "; ".join(f"{suite}: {short_count(budget)} environment steps" for budget, suite in budgets)),
        ("Profiles", ", ".join(profiles)),
        (
            "Software",
            f"metarl-bench at commit {', '.join(commits)}; Python {', '.join(pythons)}; {', '.join(versions)}",
        ),
        ("Repeat", "; ".join([*repeat, f"{command} --stored renders again"])),
    )


def _breakable(name: str) -> str:
    """A claim's id in typewriter letters that may break at its dots and dashes."""
    return r"\texttt{" + escaped(name).replace(".", r".\allowbreak{}").replace("-", r"-\allowbreak{}") + "}"
