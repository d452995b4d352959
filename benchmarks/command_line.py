"""The command `metarl`: reads arguments, calls one module per command, turns errors into one line and an exit code.

Exit codes: 0 success, 1 a run failed (or a rule, a record or a measure did not hold), 2 bad input, 130 interrupted.
Modules are imported by the command that needs them, so that `metarl list` imports nothing heavy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands import execution_arguments, explain_arguments, standard_output, tune_arguments
from benchmarks.commands.arguments import RECORDED_CODE, a_path, add_benchmark, add_recorded_code
from benchmarks.commands.arguments import names as _names
from benchmarks.commands.arguments import positive as _positive
from benchmarks.commands.parser import Parser
from benchmarks.package_guard import shadowed


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command; returns its exit code."""
    hidden = shadowed()
    if hidden is not None:
        print(f"metarl: {hidden}", file=sys.stderr)
        return 2
    from environments.typed_options import UsageError
    from results.files import StoreError

    standard_output.take_any_text()
    try:
        code = _carry_out(_parser().parse_args(arguments))
        standard_output.write_the_rest()
        return code
    except (UsageError, StoreError) as error:
        return _complain(str(error))
    except BrokenPipeError:  # the reader of our output has gone, as in `metarl list | head`
        standard_output.write_no_more()
        return 0
    except OSError as error:  # of a path that was given: too long, not ours to read, a full disk
        if error.filename is None:  # or of what we write to
            standard_output.write_no_more()
            return _complain(f"cannot go on: {error.strerror or error}")
        return _complain(f"cannot use {error.filename!r}: {error.strerror}; give another path")
    except MemoryError as error:  # of a size that was given, or that a record names
        return _complain(f"not enough memory: {str(error) or 'the system gives no more'}; ask for less")
    except KeyboardInterrupt:
        print("metarl: interrupted", file=sys.stderr)
        return 130


def _carry_out(parsed: argparse.Namespace) -> int:
    allowed = getattr(parsed, RECORDED_CODE, None)
    if not allowed:  # a command without the flag need not import what knows of it
        return parsed.command(parsed)
    from benchmarks.specs.recorded_code import recorded_code_runs

    with recorded_code_runs(allowed):
        return parsed.command(parsed)


def _complain(text: str) -> int:
    from results.files import printable

    print(f"metarl: {printable(text)}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="metarl", description="Meta-reinforcement-learning benchmarks.", allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)

    command = commands.add_parser("list", help="suites, algorithms and benchmarks that are available")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(command=_list)

    command = commands.add_parser("show", help="the configuration that a run would get, and what each value is by")
    command.add_argument(
        "suite", metavar="SUITE", help="a name or FILE[:CLASS], with options as in corners[horizon=50]"
    )
    command.add_argument("algorithm", metavar="ALGORITHM", help="a name, or FILE[:CLASS]")
    add_benchmark(command, "whose rules and profile to take")
    _add_settings(command)
    _add_tuned(command)
    _add_results(command)
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(command=_show)

    command = commands.add_parser("leaderboard", help="run what is missing of a benchmark, then write its report")
    add_benchmark(command, "a definition's, or a TOML file")
    command.add_argument("--algorithms", metavar="X,Y", help="in place of the benchmark's: names, or FILE.py[:CLASS]")
    _add_cells(command)
    _add_tuned(command)
    _add_run_options(command, "leaderboard")
    command.add_argument("--dry-run", action="store_true", help="list what would run and an estimate of the time")
    command.add_argument(
        "--until-decided", action="store_true",
        help="run seeds in batches, more of them only for algorithms that are not yet told apart",
    )  # fmt: skip
    command.set_defaults(command=_leaderboard)

    command = commands.add_parser("compare", help="run one algorithm and compare it with stored results")
    command.add_argument("algorithm", metavar="NAME or FILE[:CLASS]")
    command.add_argument("--against", metavar="X,Y", help="algorithms to compare with (default: all that are stored)")
    add_benchmark(command, "whose suites and profile to take")
    _add_cells(command)
    _add_tuned(command)
    _add_run_options(command, "comparison")
    command.add_argument("--dry-run", action="store_true", help="list what would run and an estimate of the time")
    add_recorded_code(command)
    command.add_argument("--tune", action="store_true", help="choose its options first, by trials on validation tasks")
    command.add_argument(
        "--trials", type=_positive, metavar="N", help="with --tune (default: as many as its opponents had, else 16)"
    )
    command.set_defaults(command=_compare)

    command = commands.add_parser("tune", help="choose an algorithm's options by trials scored on validation tasks")
    tune_arguments.add_to(command)
    _add_results(command)
    command.set_defaults(command=tune_arguments.carry_out)

    command = commands.add_parser("paper", help="run what a paper needs, then write its tables and figures beside ours")
    command.add_argument("paper", metavar="NAME", help="as `metarl list` names it among the benchmarks")
    command.add_argument("--stored", action="store_true", help="only render what is stored and shipped")
    command.add_argument("--only-studies", "--only-measurements", action="store_true", help="leave the runs out")
    _add_cells(command)
    _add_run_options(command, "paper-NAME")
    command.add_argument("--dry-run", action="store_true", help="list what would run and an estimate of the time")
    command.set_defaults(command=_paper, output=None)

    command = commands.add_parser("report", help="write the report again from stored results alone")
    _add_results(command)
    command.add_argument("--output", type=a_path, default=Path("report"), metavar="DIR")
    command.add_argument("--benchmark", metavar="NAME or FILE", help="only the cells and the profile of a benchmark")
    command.add_argument("--profile", metavar="P,Q", help="only runs of these profiles; globs as in *")
    command.add_argument(
        "--suites", metavar="A,B", help="only these suites, with options or without; globs as in ant-*"
    )
    command.add_argument("--algorithms", metavar="X,Y", help="only these algorithms; globs as in bo-mrl-*")
    command.add_argument("--shipped", action="store_true", help="show the shipped runs beside those stored")
    add_recorded_code(command)
    command.set_defaults(command=_report)

    command = commands.add_parser("check", help="whether an algorithm or a suite keeps the rules of the benchmark")
    command.add_argument("subject", metavar="NAME or FILE[:CLASS]", help="an algorithm's, or a suite's")
    command.add_argument(
        "--suites", metavar="A,B", help="to try an algorithm on (default: a discrete and a continuous one)"
    )
    command.set_defaults(command=_check)

    command = commands.add_parser("verify", help="run a stored run again and compare every record")
    command.add_argument("run", type=a_path, nargs="?", metavar="RUN", help="its folder: results/runs/.../seed-<n>")
    command.add_argument("--all", type=a_path, metavar="DIR", help="every run and study of a results folder")
    command.add_argument("--suites", metavar="A,B", help="of all, those of these suites, with options or without")
    command.add_argument("--algorithms", metavar="X,Y", help="of all, those of these algorithms or studies")
    command.add_argument("--profile", help="of all, those of this profile")
    command.add_argument("--sample", action="store_true", help="of all, one for each algorithm and family of suites")
    command.add_argument("--workers", type=_positive, default=os.cpu_count(), metavar="N", help="runs at a time")
    command.add_argument(
        "--dry-run", action="store_true", help="of all, list what would run and an estimate of the time"
    )
    add_recorded_code(command)
    command.add_argument("--no-attest", action="store_true", help="compare alone, and write nothing beside the records")
    command.set_defaults(command=_verify)

    command = commands.add_parser("explain", help="which training tasks decide how a run adapts to its worst tasks")
    explain_arguments.add_to(command)
    command.set_defaults(command=explain_arguments.carry_out)

    command = commands.add_parser("bench", help="measure what the design must hold")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(command=_bench)
    return parser


def _add_cells(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--suites", metavar="A,B", help="in place of the benchmark's, as in corners[horizon=50], or FILE.py[:CLASS]"
    )
    command.add_argument("--seeds", type=_positive, metavar="N", help="how many (default: the profile's)")
    _add_settings(command)


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--profile",
        metavar="NAME or FILE",
        help="how much a run samples: a profile or a TOML file (default: the benchmark's)",
    )
    command.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="ALGORITHM.OPTION=VALUE",
        help="as in promp.clip=0.2; `all` stands for every algorithm that has the option; may be repeated",
    )  # fmt: skip


def _add_tuned(command: argparse.ArgumentParser) -> None:
    choice = command.add_mutually_exclusive_group()
    choice.add_argument(
        "--tuned", type=a_path, default=True, metavar="DIR",
        help="where `metarl tune` wrote its values (default: the shipped ones; of your own algorithms, ./tuned)",
    )  # fmt: skip
    choice.add_argument(
        "--untuned",
        action="store_false",
        dest="tuned",
        help="take no tuned values but the profile's, which are the papers' where they print any",
    )


def _add_run_options(command: argparse.ArgumentParser, output: str) -> None:
    _add_results(command)
    command.add_argument("--output", type=a_path, default=Path(output), metavar="DIR", help=f"default: ./{output}")
    execution_arguments.add_to(command)
    command.add_argument("--force", action="store_true", help="run again what has finished")


def _add_results(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=a_path, default=Path("results"), metavar="DIR", help="default: ./results")


def _list(parsed: argparse.Namespace) -> int:
    from benchmarks.commands.listing import as_lines, listing

    content = listing()
    print(json.dumps(content, indent=1) if parsed.json else "\n".join(as_lines(content)))
    return 0


def _show(parsed: argparse.Namespace) -> int:
    from benchmarks.commands.show import as_lines, description

    chosen = (parsed.benchmark, parsed.profile, parsed.settings)
    content = description(parsed.suite, parsed.algorithm, *chosen, parsed.results, parsed.tuned)
    print(json.dumps(content, indent=1) if parsed.json else "\n".join(as_lines(content)))
    return 0


def _leaderboard(parsed: argparse.Namespace) -> int:
    from benchmarks.commands.jobs import show_plan
    from benchmarks.commands.leaderboard import run_leaderboard
    from benchmarks.commands.until_decided import last_look, run_until_decided, show_first_look
    from benchmarks.planning.definition import find_definition
    from benchmarks.planning.fitting import print_left_out
    from benchmarks.planning.plan import make_plan

    title = find_definition(parsed.benchmark).title
    seeds = last_look(parsed.seeds) if parsed.until_decided else parsed.seeds
    specs = make_plan(
        parsed.benchmark, _names(parsed.suites), _names(parsed.algorithms),
        seeds, parsed.profile, parsed.settings, parsed.tuned,
    )  # fmt: skip
    specs.require_runs()
    print_left_out(specs.left_out, specs.notes)
    options = execution_arguments.options_of(parsed, parsed.output)
    if parsed.dry_run:
        return show_first_look(specs, options) if parsed.until_decided else show_plan(specs, options)
    if parsed.until_decided:
        return run_until_decided(specs, options, title, left_out=specs.left_out)
    return run_leaderboard(specs, options, title, specs.left_out)


def _compare(parsed: argparse.Namespace) -> int:
    from benchmarks.commands.compare_arguments import compare

    return compare(parsed, _names(parsed.suites), _names(parsed.against))


def _paper(parsed: argparse.Namespace) -> int:
    from benchmarks.commands.paper import PaperOptions, render_stored, run_paper
    from results.published import find_paper

    if parsed.stored:
        execution_arguments.refuse_idle(parsed, "--stored")
    paper = find_paper(parsed.paper)
    suites = _names(parsed.suites)
    choice = PaperOptions(suites, parsed.seeds, parsed.profile, tuple(parsed.settings), parsed.only_studies)
    output = parsed.output or Path(f"paper-{paper.name}")
    options = execution_arguments.options_of(parsed, output)
    return render_stored(paper, choice, options) if parsed.stored else run_paper(paper, choice, options, parsed.dry_run)


def _report(parsed: argparse.Namespace) -> int:
    from benchmarks.commands.report import run_report
    from benchmarks.commands.run_filter import Filter
    from benchmarks.planning.recorded_names import algorithm_name, profile_name, suite_name

    given = (
        (_names(parsed.profile), profile_name),
        (_names(parsed.suites), suite_name),
        (_names(parsed.algorithms), algorithm_name),
    )
    profiles, suites, algorithms = (None if texts is None else list(map(name_of, texts)) for texts, name_of in given)
    chosen = Filter(profiles, suites, algorithms, parsed.benchmark)
    return run_report(parsed.results, parsed.output, chosen, parsed.shipped)


def _check(parsed: argparse.Namespace) -> int:
    from benchmarks.commands.check import run_check

    return run_check(parsed.subject, _names(parsed.suites))


def _verify(parsed: argparse.Namespace) -> int:
    from environments.typed_options import UsageError

    if (parsed.run is None) == (parsed.all is None):
        raise UsageError("verify takes the folder of one RUN, or --all DIR")
    if parsed.all is not None:
        from benchmarks.commands.verify_all import verify_all
        from benchmarks.verification.plan import Selection

        choice = Selection(_names(parsed.suites), _names(parsed.algorithms), parsed.profile, parsed.sample)
        return verify_all(parsed.all, choice, parsed.workers, not parsed.no_attest, parsed.dry_run)
    for name in ("suites", "algorithms", "profile", "sample", "dry_run"):
        if getattr(parsed, name):
            raise UsageError(f"--{name.replace('_', '-')} chooses among many, as in `metarl verify --all results`")
    from benchmarks.commands.verify import verify

    verdict = verify(parsed.run, attest=not parsed.no_attest)
    print("\n".join([*verdict.as_lines(), f"verified: {parsed.run}"]))
    return 0 if verdict.agrees else 1


def _bench(parsed: argparse.Namespace) -> int:
    from benchmarks.bench import measure
    from benchmarks.commands.text_table import text_table

    measures = measure()
    if parsed.json:
        print(json.dumps(measures, indent=1))
    else:
        verdicts = {True: "holds", False: "FAILS", None: ""}  # None: reported, no target of its own
        rows = [
            [entry["name"], entry["value"], entry["unit"], entry["target"] or "", verdicts[entry["holds"]]]
            for entry in measures
        ]
        print("\n".join(text_table(rows)))
    return 1 if any(entry["holds"] is False for entry in measures) else 0


if __name__ == "__main__":
    sys.exit(main())
