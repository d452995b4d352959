"""Anything at all on the command line, in options, in TOML files, in tables and checkpoints: an answer in one line."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any

from algorithms.catalogue import algorithms
from benchmarks.commands.arguments import names
from benchmarks.planning.definition import find_definition
from benchmarks.planning.plan import Setting, make_plan, parse_setting, resolve_options
from benchmarks.planning.profiles import FOLDER, find_profile
from benchmarks.planning.tuned_file import read_tuned
from benchmarks.planning.tuned_values import SHIPPED
from environments.catalogue import make_suite, suites
from environments.typed_options import UsageError
from results.checkpoints import SEAL, load_checkpoint, save_checkpoint
from results.files import StoreError
from results.store import Store
from results.tables import RUN_TABLES, read_columns
from tests.campaigns.outcome import Outcome
from tests.campaigns.quiet_command import command, shortened
from tests.support.scored_runs import store_run

#: parts of arguments that mean something, or nothing, or something else
NASTY = (
    "", " ", "-", "--", "=", ",", ",,", ".", "..", "[", "]", "[]", "a[", "a]b", "[[x]]", "x" * 300, "x" * 5000, "\n",
    "\x1b[2J", "\u202e", "\udcff", "é", "💥", "²", "१", "0", "-1", "1e3", "1e999", "nan", "inf", "9" * 30, "9" * 5000,
    "0x10", "1_000", "None", "true", "*", "?", "[!a]", "a:b", "a.b:C", "os:path", ":", "::", ".py", ".toml", "x.py",
    "x.py:", "x.py:C", "~", "$HOME", "%s", "{}", "{0}", "\\", "'", '"', "`", "<b>", "a\0b", "/dev/null", "/dev/zero",
    "/proc/self/mem", "no/such/file.py", "promp", "corners", "quick", "smoke", "frozen-lake-low[horizon=5]",
    "promp.clip=0.2", "all.tasks=3", "corners[horizon=1e9]", "dow30-risk[tasks=", "half-cheetah-velocity[horizon=]",
    "ant-velocity[=3]", "point.py", "broken.toml", "store", "folder",
)  # fmt: skip
#: commands that do no work, however they are asked
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("show", "corners", "promp"), ("show", "frozen-lake-low", "maml-vpg", "--set", "maml-vpg.tasks=3", "--json"),
    ("leaderboard", "--dry-run", "--suites", "corners", "--algorithms", "random-init", "--workers", "2"),
    ("leaderboard", "--dry-run", "--suites", "corners", "--algorithms", "promp", "--set", "promp.clip=0.2"),
    ("leaderboard", "--dry-run", "--benchmark", "quick", "--suites", "corners", "--until-decided"),
    ("verify", "store/runs"), ("verify", "--all", "store", "--dry-run", "--suites", "point", "--sample"),
    ("report", "--results", "nowhere", "--output", "page"),
    ("explain", "store/runs", "--poor", "3", "--output", "folder/e"),
    ("tune", "promp", "--suites", "corners", "--profile", "smoke", "--trials", "3", "--dry-run", "--sampler", "random"),
    ("paper", "nowhere", "--dry-run"), ("check", "nowhere.py"), ("check", "no-such", "--suites", "corners"),
    ("list",), ("nowhere",),
)  # fmt: skip
#: seconds that no answer takes
PATIENCE = 30.0


def command_line(scale: int, seed: int) -> Outcome:
    generator = random.Random(seed)
    found = Outcome("command lines", "inputs")
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder, chdir(folder):
        for suite in ("point", "plane"):
            store_run(Store(Path("store")), suite)
        Path("folder").mkdir()
        for name in ("point.py", "broken.toml"):
            Path(name).write_bytes(generator.randbytes(300))
        for _ in range(scale):
            arguments = _arguments(generator)
            began = time.monotonic()
            code, said, error = command(*arguments)
            case = shortened(arguments)
            if error is not None or code not in (0, 1, 2):
                found.fault(case, f"{error!r}, exit code {code}")
            elif "Traceback" in said or "\x1b" in said:
                found.fault(case, f"said {said[-300:]!r}")
            elif code == 2 and len(said.strip().splitlines()) != 1:
                found.fault(case, f"said {len(said.splitlines())} lines: {said[:300]!r}")
            if time.monotonic() - began > PATIENCE:
                found.fault(case, f"took {time.monotonic() - began:.0f} seconds")
            found.case({0: "answered", 1: "answered", 2: "refused in a line"}.get(code or 0, "other"))
    return found


def _arguments(generator: random.Random) -> list[str]:
    arguments = list(generator.choice(COMMANDS))
    fixed = 2 if arguments[0] == "leaderboard" else 1  # no run begins
    for _ in range(generator.choice((1, 1, 2, 3))):
        place = generator.randint(fixed, len(arguments))
        kind = generator.random()
        if kind < 0.5 and place < len(arguments) and arguments[place] != "--dry-run":
            arguments[place] = _mutated(arguments[place], generator)
        elif kind < 0.75:
            arguments.insert(place, generator.choice(NASTY))
        elif place < len(arguments) and arguments[place] != "--dry-run":
            del arguments[place]
    if arguments[0] == "check" and len(arguments) > 1 and arguments[1] in ("promp", "corners"):
        arguments[1] = "no-such"  # it would be examined
    return arguments


def _mutated(text: str, generator: random.Random) -> str:
    if generator.random() < 0.5:
        return generator.choice(NASTY)
    place = generator.randint(0, len(text))
    return text[:place] + generator.choice(NASTY) + text[place + generator.randint(0, 2) :]


def options(scale: int, seed: int) -> Outcome:
    """Of suites, of algorithms, and on `--set`."""
    generator = random.Random(seed)
    found = Outcome("options of suites and algorithms, settings, lists of names", "inputs")
    known = [(name, entry.load()) for name, entry in sorted(suites().items())]
    methods = [entry for _, entry in sorted(algorithms().items())]
    for _ in range(scale):
        kind = generator.randrange(4)
        value = generator.choice(NASTY)
        if kind == 0:
            name, cls = generator.choice(known)
            own = sorted(cls.Options.__dataclass_fields__)
            text = f"{name}[{generator.choice([*own, value])}={value}]"
            _refused_or_taken(partial(make_suite, text), f"suite {text[:80]!r}", found)
        elif kind == 1:
            entry = generator.choice(methods)
            option = generator.choice([*entry.load().Config.__dataclass_fields__, value])
            setting = Setting(entry.name, option, generator.choice((value, *OTHERS)))
            case = f"{entry.name} {option[:40]!r}={str(setting.value)[:40]!r}"
            _refused_or_taken(partial(resolve_options, entry, {}, [setting]), case, found)
        elif kind == 2:
            _refused_or_taken(partial(parse_setting, f"promp.clip{value}"), f"setting {value[:40]!r}", found)
        else:
            _refused_or_taken(partial(names, f"a,{value}"), f"names {value[:40]!r}", found)
    return found


#: values of options that a TOML file or a program can give
OTHERS: tuple[Any, ...] = (
    None, True, -1, 0, 10**400, 1e308, float("nan"), float("-inf"), [], {}, [None], [1, "a"], {"a": 1}, b"x", (),
)  # fmt: skip


def toml(scale: int, seed: int) -> Outcome:
    """Profiles, benchmarks and tuned values: shipped files with bytes, lines and values changed."""
    generator = random.Random(seed)
    found = Outcome("TOML files: profiles, benchmarks, tuned values", "inputs")
    tuned = sorted(SHIPPED.rglob("*.toml"))
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        sources: list[tuple[Path, Callable[[Path], object]]] = [
            *((path, lambda path: find_profile(str(path))) for path in sorted(FOLDER.glob("*.toml"))),
            *((path, _plan) for path in sorted(FOLDER.parent.joinpath("definitions").glob("*.toml"))),
            *((path, read_tuned) for path in tuned[:: max(1, len(tuned) // 10)]),
        ]
        for number in range(scale):
            source, read = generator.choice(sources)
            # tuned values say where they belong; profiles and benchmarks of one's own have names of their own
            own = (source.parent.name, source.name) if read is read_tuned else ("mine", f"mine-{number}.toml")
            file = Path(folder, *own)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(_changed(source.read_bytes(), generator))
            _refused_or_taken(partial(read, file), f"{source.name} ({number})", found)
            file.unlink()
    return found


def _plan(path: Path) -> object:
    find_definition(str(path))
    return make_plan(str(path), suites=["corners"], algorithms=["random-init"], seeds=1, profile="smoke")


def _changed(content: bytes, generator: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    for _ in range(generator.choice((1, 2, 5))):
        place, kind = generator.randrange(len(lines)), generator.randrange(5)
        key, equals, _ = lines[place].partition(b"=")
        if kind == 0 and lines[place]:
            changed = bytearray(lines[place])
            changed[generator.randrange(len(changed))] = generator.randrange(256)
            lines[place] = bytes(changed)
        elif kind == 1:
            lines.insert(place, generator.choice(lines))
        elif kind == 2 and equals:
            value = generator.choice((*NASTY, "[1]", "{}", "{a=1}", "-1", "1e999", "nan", "[[]]", "1979-05-27", "'x'"))
            lines[place] = key + b"= " + value.encode(errors="surrogatepass") + b"\n"
        elif kind == 3:
            lines[place] = generator.choice(
                (b"[" * 3000, b"[a]\n", b"[[rule]]\n", b"= 1\n", b'"" = 1\n', b"a.b.c = 1\n")
            )
        else:
            del lines[place]
            if not lines:
                return b""
    return b"".join(lines)


def _refused_or_taken(attempt: Callable[[], object], case: str, found: Outcome) -> None:
    began = time.monotonic()
    try:
        attempt()
        found.case("taken")
    except (UsageError, StoreError):
        found.case("refused in a line")
    except BaseException as error:
        found.fault(case, f"{type(error).__name__}: {str(error)[:200]}")
        found.case("a traceback")
    if time.monotonic() - began > PATIENCE:
        found.fault(case, f"took {time.monotonic() - began:.0f} seconds")


def binaries(scale: int, seed: int) -> Outcome:
    """Parquet tables, and checkpoints whose seal is right; in processes of their own, since C code reads them."""
    generator = random.Random(seed)
    found = Outcome("Parquet tables and sealed checkpoints", "inputs")
    batch = 100
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        store_run(Store(Path(folder, "store")))
        tables = sorted(Path(folder, "store").rglob("*.parquet"))
        import torch

        save_checkpoint(Path(folder, "checkpoint"), {"iteration": 1, "weights": [torch.ones(3, 3)], "name": "x"})
        sealed = Path(folder, "checkpoint").read_bytes()[:-SEAL]
        for begin in range(0, scale, batch):
            count, state = min(batch, scale - begin), generator.getrandbits(64)
            report = Path(folder, "report")
            report.write_text("")
            child = os.fork()
            if child == 0:
                _read_binaries(count, random.Random(state), tables, sealed, Path(folder), report)
            status = os.waitpid(child, 0)[1]
            lines = report.read_text().splitlines()
            for line in lines:
                ending, _, fault = line.partition("|")
                found.case(ending)
                if fault:
                    found.fault(f"inputs from {begin}", fault)
            if status or len(lines) != count:
                found.fault(f"inputs from {begin}", f"the reader died with status {status} at input {len(lines)}")
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _read_binaries(
    count: int, generator: random.Random, tables: list[Path], sealed: bytes, folder: Path, report: Path
) -> None:
    with report.open("a", buffering=1) as lines:
        for _ in range(count):
            try:
                if generator.random() < 0.5:
                    source = generator.choice(tables)
                    (folder / "fuzzed").write_bytes(_flipped(source.read_bytes(), generator))
                    read_columns(folder / "fuzzed", RUN_TABLES[source.name].schema)
                else:
                    content = _flipped(sealed, generator)
                    seal = hashlib.sha256(content).hexdigest().encode()
                    (folder / "fuzzed").write_bytes(content + seal)
                    load_checkpoint(folder / "fuzzed")
                lines.write("taken\n")
            except StoreError:
                lines.write("refused in a line\n")
            except BaseException as error:
                lines.write(f"a traceback|{type(error).__name__}: {str(error)[:100]!r}\n")
    os._exit(0)


def _flipped(content: bytes, generator: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(generator.choice((1, 2, 8, 64))):
        kind, place = generator.random(), generator.randrange(len(changed))
        if kind < 0.6:
            changed[place] ^= 1 << generator.randrange(8)
        elif kind < 0.8:
            changed[place : place + 8] = generator.randbytes(8)
        else:
            changed[place : place + 4] = generator.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"))
    return bytes(changed[: generator.randrange(len(changed))] if generator.random() < 0.05 else changed)
