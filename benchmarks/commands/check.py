"""`metarl check`: an algorithm or a suite, judged by its rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from algorithms.algorithm import Algorithm
from algorithms.catalogue import algorithms
from benchmarks.commands.compare import as_lines
from benchmarks.conformance.failing_line import failing_line
from benchmarks.conformance.own_suites import refuse_spoilt_suites
from benchmarks.conformance.rules import RULES, SUITES, Finding, check
from benchmarks.conformance.suite_rules import SUITE_RULES, check_suite
from benchmarks.planning.plan import check_name
from benchmarks.specs.loose_suites import is_source, source_of_suite, split_source
from benchmarks.specs.own_code import classes_beside, find_own, load_algorithm, load_own
from benchmarks.specs.run_spec import planned_suite
from environments.catalogue import parse_suite_name, suites
from environments.discovery import ClassEntry, read_classes
from environments.suite import Suite
from environments.typed_options import UsageError, make_options, nearest


def run_check(text: str, tried_on: Sequence[str] | None) -> int:
    """Prints every finding, and what a broken rule says.  Returns the command's exit code.

    text: an algorithm's or a suite's name, the latter perhaps with options, or a class in a file or module.
    tried_on: for an algorithm, names of suites.  Raises UsageError, offering the nearest name of either kind.
    """
    found, options = _found(text)
    if not issubclass(cls := _class_of(found), Suite):
        check_name(found)
        if options:
            raise UsageError(f"{text!r}: an algorithm has no options in brackets, a suite has")
        refuse_spoilt_suites(tried_on or ())
        return _told(found.name, check(found, [planned_suite(name).full_name for name in tried_on or SUITES]), RULES)
    if tried_on:
        raise UsageError(f"--suites chooses what an algorithm is tried on; {found.name} is a suite")
    if is_source(text):
        _check_suite_name(found, split_source(text)[0])
    owner = f"suite {found.name}"
    try:
        suite = cls(make_options(cls.Options, options, owner))
        suite.check_data()
    except UsageError:
        raise
    except Exception as error:  # the suite's own, whatever it is
        said = f"{type(error).__name__}: {error} ({failing_line(error, cls)})"
        raise UsageError(f"{owner} cannot be made: {said}") from error
    return _told(suite.full_name, check_suite(suite), SUITE_RULES)


def _found(text: str) -> tuple[ClassEntry, dict[str, str]]:
    """The class, and the options that the text has in brackets."""
    if is_source(text):
        source, brackets = split_source(text)
        path, classes = classes_beside(source)
        if path is not None and ":" not in source and len(classes) != 1:
            there = _subjects(classes.values())
            hint = f"choose one as in {path}:{there[0]}, of {', '.join(there)}" if there else "it has none of either"
            raise UsageError(
                f"{path} must hold one class with a literal `name`, an algorithm or a suite, and has "
                f"{len(classes)}; {hint}"
            )
        return find_own(source), parse_suite_name(f"{source}{brackets}")[1]
    name, options = parse_suite_name(text)
    if name in suites():
        return suites()[name], options
    if text in algorithms():
        return algorithms()[text], {}
    raise UsageError(f"unknown algorithm or suite {name!r}; {nearest(name, {*algorithms(), *suites()})}")


def _subjects(classes: Iterable[ClassEntry]) -> list[str]:
    """Those that are algorithms or suites.  Raises UsageError if their file cannot be imported."""
    return [each.class_name for each in classes if _is_subject(load_own(each))]


def _is_subject(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, (Algorithm, Suite))


def _check_suite_name(found: ClassEntry, source: str) -> None:
    """Raises UsageError where commands that run the suite would refuse it, since another one has its name."""
    taken = None if source_of_suite(found.name) else suites().get(found.name)
    if taken is not None and (taken.module, taken.class_name) != (found.module, found.class_name):
        raise UsageError(f"{source}: the name {found.name!r} is taken by {taken.module}; give the class another")


def _class_of(found: ClassEntry) -> Any:
    cls = load_own(found)
    if not _is_subject(cls):
        there = _subjects(read_classes(found.path, found.module)) if found.path is not None else []
        raise UsageError(
            f"{found.class_name} in {found.path or found.module} is a subclass neither of algorithms.algorithm."
            f"Algorithm nor of environments.suite.Suite; of these it has {', '.join(there) or 'none'}"
        )
    return cls if issubclass(cls, Suite) else load_algorithm(found)


def _told(name: str, findings: Sequence[Finding], rules: Mapping[str, str]) -> int:
    print("\n".join(as_lines(findings)))
    broken = sorted({finding.rule for finding in findings if finding.passed is False})
    if broken:
        print("\n".join(f"{name} breaks {rule!r}: {rules[rule]}" for rule in broken))
        return 1
    open_rules = sorted({finding.rule for finding in findings if finding.passed is None and finding.rule in rules})
    rest = f" that could be judged; not judged: {', '.join(open_rules)}" if open_rules else ""
    print(f"{name} keeps every rule{rest}")
    return 0
