"""The page's first section: what the tests decide, what to beware of, and every algorithm's score on every suite."""

from __future__ import annotations

from collections import Counter
from html import escape

from reports.scores.boards import FLOOR
from reports.scores.cautions import Caution
from reports.scores.headline import Headline, Standing
from reports.scores.newcomer import newcomers
from reports.sections.html import board_link
from reports.sections.matrix import matrices
from reports.sections.report import Report, Section
from reports.statistics.headline import ALPHA
from reports.statistics.readings import READINGS
from reports.text.numbers import plural

#: kinds of cautions that stand on the first screen in full
_IN_FULL = ("Few seeds",)


def section(report: Report) -> Section:
    return Section(f"""
<section id="verdict"><h2>Verdict</h2>
{_focus(report)}<p class="lead">{" ".join(sentences(report.headline))}</p>
{_cautions(report.cautions)}
{matrices(report)}
</section>""")


def _focus(report: Report) -> str:
    """What is decided of the algorithm that the page is about, its own pairs on all boards being the family."""
    if not report.focus:
        return ""
    items = "".join(
        f"<li><b>{escape(found.own.label)}</b> on {board_link(found.board)}: {escape(found.sentence())}</li>"
        for found in newcomers(report.focus, report.boards)
    )
    family = "By tests of these pairs alone, those of all boards being one family, at 5 %."
    return f'<ul class="lead">{items}</ul><p class="note">{family}</p>'


def sentences(found: Headline) -> list[str]:
    """HTML.  Each says what tests decide, of all boards together, or counts what is to be seen."""
    return [*_tested(found), *_floor(found.standings), *_best(found.standings), *_scripted(found.standings)]


def _tested(found: Headline) -> list[str]:
    if not found.pairs:
        return ["There is no pair of algorithms to compare."]
    family = f"one family of {plural(found.pairs, 'pair')}" if found.pairs > 1 else "one pair"
    text = f"Tests over {family} decide <b>{found.decided} of {found.pairs}</b> at {100 * ALPHA:.0f} %"
    if found.untested:
        text += f"; {found.untested} have fewer than {READINGS[0]} seeds on a side, and are not tested"
    if found.sequential:
        text += f'; {found.sequential} were read <a href="#sequential">look by look</a>, as planned'
    return [text + "."]


def _floor(standings: tuple[Standing, ...]) -> list[str]:
    judged = [each for each in standings if each.board.floor is not None and each.board.learned]
    said = []
    if judged:
        count = sum(bool(each.above) for each in judged)
        where = f"On <b>{count} of {len(judged)}</b> boards an algorithm is"
        if not count:
            none = f"On <b>none</b> of {len(judged)} boards is an algorithm"
            where = none if len(judged) > 1 else "<b>No</b> algorithm is"
        elif len(judged) == 1:
            above = [escape(judged[0].board.short(entry)) for entry in judged[0].above]
            where = f"{', '.join(above)} {'is' if len(above) == 1 else 'are'}"
        said.append(f"{where} decided to be above {FLOOR}, both adapted.")
        below = sum(len(each.below) for each in judged)
        said += [f"{below} {'is' if below == 1 else 'are'} decided to be below it."] if below else []
    missing = [each.board for each in standings if each.board.floor is None]
    if missing:
        names = ", ".join(board_link(board) for board in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        said.append(f"No {FLOOR} is stored for {names}{more}: nothing shows what was learned there.")
    return said


def _best(standings: tuple[Standing, ...]) -> list[str]:
    contested = [each for each in standings if len(each.board.learned) > 1]
    if not contested:
        return []
    best = Counter(each.best.algorithm for each in contested if each.best is not None)
    names = ", ".join(f"{escape(name)} on {count}" for name, count in best.most_common())
    if len(contested) == 1:
        which = f"decided: {escape(next(iter(best)))}" if best else "<b>not decided</b>"
        return [f"Which algorithm is best is {which}."]
    undecided = f"<b>not decided</b> on {len(contested) - best.total()} of {len(contested)} boards"
    return [f"Which algorithm is best is {undecided}" + (f"; decided: {names}." if names else ".")]


def _scripted(standings: tuple[Standing, ...]) -> list[str]:
    """Counts of scores and of boards, and no test."""
    asked = [each.board for each in standings if each.board.learned]
    bare = sum(not board.scripted for board in asked)
    said = []
    if bare:
        where = f"<b>{bare} of {len(asked)}</b> boards" if len(asked) > 1 else "the board"
        said = [f"No scripted reference stands on {where}: what is earned without learning is not shown there."]
    scripted = [each.board for each in standings if each.board.scripted]
    learned = [(board, entry) for board in scripted for entry in board.learned]
    below = sum(bool(board.below_scripted(entry)) for board, entry in learned)
    if below:
        said.append(
            f"<b>{below} of {len(learned)}</b> learned scores are lower than a scripted reference's on their board."
        )
    return said


def _cautions(cautions: tuple[Caution, ...]) -> str:
    if not cautions:
        return ""
    kinds = Counter(caution.kind for caution in cautions if caution.kind not in _IN_FULL)
    items = [f"<li><b>{c.kind}:</b> {escape(c.text)}.</li>" for c in cautions if c.kind in _IN_FULL]
    others = ", ".join(f"{kind.lower()} ({count})" for kind, count in kinds.items())
    items += [f'<li><a href="#cautions">Also beware</a>: {escape(others)}.</li>'] if others else []
    return f'<ul class="caution">{"".join(items)}</ul>'
