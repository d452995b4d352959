"""Suites that are not the project's own, judged before anything runs on them."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.conformance.suite_rules import check_suite
from benchmarks.specs.run_spec import planned_suite
from environments.typed_options import UsageError


def refuse_spoilt_suites(texts: Iterable[str]) -> None:
    """texts: names with options, or sources.  Raises UsageError, naming the suite and the rule that it breaks.

    What runs on it would fail late, or not at all, and seem to be the algorithm's fault.
    """
    for text in dict.fromkeys(texts):
        suite = planned_suite(text)
        if type(suite).__module__.partition(".")[0] == "environments":
            continue
        broken = next((finding for finding in check_suite(suite) if finding.passed is False), None)
        if broken is not None:
            raise UsageError(
                f"suite {suite.name} breaks {broken.rule!r}: {broken.reason}; nothing runs on it until "
                f"`metarl check {text}` finds no fault"
            )
