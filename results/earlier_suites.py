"""Suites whose defaults have changed: what their older records did, in words that a name of today shows.

A record's name leaves out every option at the value that does what was done before there was the option.  Where that
is no longer the default, the name alone stands for today's suite and the record's would mislead.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EarlierSuite:
    """The option, by name and value, under which a suite is what it was.

    before: the options that stand after it in the suite's full name.
    caution: what a reader of those scores must know, which older records do not hold.
    """

    option: str
    value: str
    before: tuple[str, ...]
    caution: str


#: by the suite's name without options
EARLIER_SUITES = {
    "corners": EarlierSuite(
        "reward",
        "published",
        (),
        "this option can be exploited: a step out of the goal's quadrant costs nothing and the step back in pays, so "
        "that bouncing on its border earns up to 14.1 an episode and walking straight to the goal 2.8",
    ),
    "ant-velocity": EarlierSuite(
        "terminate",
        "true",
        ("contact_cost", "height_range", "velocity_range"),
        "this option can be exploited: rewards are negative until the task is nearly solved, and an episode that ends "
        "early has fewer of them, so that falling at once earns more than standing or slow progress",
    ),
    "dow30-risk": EarlierSuite(
        "tasks",
        "thresholds",
        (),
        "under this option test tasks are not all unseen: thresholds between the same two days' turbulences are one "
        "MDP; on the real year 6 of the 50 training tasks and 1 of the 10 validation tasks are test tasks, on the "
        "synthetic market 11 and 2",
    ),
}


def shown_name(recorded: str) -> str:
    """The suite's full name of today for the name in a record: `corners[reward=published]` of `corners`."""
    base, earlier, pairs = _parts(recorded)
    if earlier is None or any(pair.partition("=")[0] == earlier.option for pair in pairs):
        return recorded
    place = next((i for i, pair in enumerate(pairs) if pair.partition("=")[0] in earlier.before), len(pairs))
    return f"{base}[{','.join([*pairs[:place], f'{earlier.option}={earlier.value}', *pairs[place:]])}]"


def earlier_cautions(recorded: str) -> tuple[str, ...]:
    """Those of the suite that a record from before there were cautions names."""
    _, earlier, pairs = _parts(recorded)
    if earlier is None or any(pair.partition("=")[0] == earlier.option for pair in pairs):
        return ()
    return (earlier.caution,)


def _parts(recorded: str) -> tuple[str, EarlierSuite | None, list[str]]:
    base, _, options = recorded.partition("[")
    return base, EARLIER_SUITES.get(base), [pair for pair in options.removesuffix("]").split(",") if pair]
