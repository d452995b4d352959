"""Damage of every kind to every file of a store: the damaged record is named, the others are reported as before."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from benchmarks.verification.proofs import with_proofs
from reports.scores.boards import make_boards
from reports.scores.cautions import collect_cautions
from reports.scores.entries import collect_entries
from reports.summary import summary_json
from results.attestations import Attestation, fingerprint, write_attestation
from results.decisions import read_decisions, write_decisions
from results.files import UNPRINTABLE, StoreError, sha256_of
from results.identity import run_digest
from results.record_schema import SEAL, sealed
from results.run_folder import RunFolder
from results.store import KINDS, Store, StoredRun
from tests.campaigns.outcome import Outcome
from tests.campaigns.quiet_command import command
from tests.support.scored_runs import store_run

#: seconds within which a damaged store is read
PATIENCE = 20
#: every so many cases the commands themselves are tried, which take longer
COMMANDS_EVERY = 50
#: values that a stranger may write anywhere
VALUES: tuple[Any, ...] = (
    None, -1, 0, 1.5, 2**63, 10**300, 1e308, -0.0, True, "", " ", "..", "a/b", "=1+1", "\x1b[2J", "\u202e", "\ud800",
    "x" * 5000, [], {}, [[[[]]]], {"a": {"b": []}}, {"": 0}, ["train"], "NaN",
)  # fmt: skip


def campaign(scale: int, seed: int) -> Outcome:
    generator = random.Random(seed)
    found = Outcome("damaged and hostile files in a store", "damages")
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        whole = Path(folder, "whole")
        _make(whole)
        before = _read(whole)[0]
        for number in range(scale):
            store = Path(folder, "damaged")
            shutil.copytree(whole, store, symlinks=True)
            file = generator.choice(_files(store))
            damage = generator.choice(list(DAMAGES))
            case = f"{damage} of {file.relative_to(store)} ({number})"
            try:
                DAMAGES[damage](file, generator)
                _judge(store, file, damage, before, case, found)
                if number % COMMANDS_EVERY == 0:
                    _commands(store, file, Path(folder, "page"), case, found)
            finally:
                shutil.rmtree(store, ignore_errors=True)
                shutil.rmtree(Path(folder, "page"), ignore_errors=True)
    return found


def _make(root: Path) -> None:
    """Two suites, two algorithms, two seeds, and one file of every other kind."""
    store = Store(root)
    for suite in ("point", "plane"):
        for algorithm in ("promp", "maml"):
            for seed in (0, 1):
                store_run(store, suite, algorithm, seed)
    run = store.finished()[0]
    RunFolder(run.path).keep_state({"weights": [1.0, 2.0]})
    RunFolder(run.path).keep_artefact("flight.png", b"\x89PNG" + bytes(100))
    RunFolder(run.path).save_checkpoint({"iteration": 3})
    machine = {"id": "a" * 12, "processor": "a processor"}
    digests = dict(run.done["digests"])
    attestation = Attestation(
        fingerprint(run), "d" * 64, digests, run.identity["versions"], machine, None, "2026-01-01T00:00:00+00:00"
    )
    write_attestation(run.path, attestation)
    write_decisions(root, {
        "suite": "point", "profile": "smoke", "budget": 100_000, "alpha": 0.05, "looks": [3, 5], "looks_used": [3],
        "protocol": {"adaptation_steps": 1, "trajectories": 3, "adaptations": 1}, "left_out": {},
        "algorithms": {"promp": run.digest, "maml": run.digest},
        "pairs": [{"first": "promp", "second": "maml", "outcome": "first higher", "p": 0.01, "seeds": 3}],
    })  # fmt: skip


def _files(store: Path) -> list[Path]:
    return sorted(path for path in store.rglob("*") if path.is_file() and path.name != "lock")


def _flip(file: Path, generator: random.Random) -> None:
    content = bytearray(file.read_bytes())
    for _ in range(generator.choice((1, 1, 2, 8))):
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    file.write_bytes(content)


def _cut(file: Path, generator: random.Random) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: generator.randrange(len(content))])


def _grow(file: Path, generator: random.Random) -> None:
    file.write_bytes(file.read_bytes() + generator.randbytes(generator.randint(1, 100)))


def _blank(file: Path, generator: random.Random) -> None:
    content = bytearray(file.read_bytes())
    begin = generator.randrange(len(content))
    content[begin : begin + 512] = bytes(len(content[begin : begin + 512]))
    file.write_bytes(content)


def _swap(file: Path, generator: random.Random) -> None:
    """Another record's file in its place."""
    root = next(parent for parent in file.parents if parent.name == "damaged")
    everything = [other for other in _files(root) if other != file]
    alike = [other for other in everything if other.name == file.name]
    file.write_bytes(generator.choice(alike or everything).read_bytes())


def _special(file: Path, generator: random.Random) -> None:
    file.unlink()
    kind = generator.choice(("pipe", "folder", "device", "loop", "sparse", "nothing"))
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "loop":
        file.symlink_to(file.name)
    elif kind == "sparse":
        with file.open("wb") as empty:
            empty.truncate(20 << 30)


def _junk(file: Path, generator: random.Random) -> None:
    file.write_bytes(generator.choice((b"", b"[]", b"{}", b"null", b"[" * 100_000, b"PAR1PAR1", b"PK\5\6" + bytes(18),
                                       generator.randbytes(1000))))  # fmt: skip


def _value(file: Path, generator: random.Random) -> None:
    """Another value somewhere in a JSON file, with digest and seal made anew, as a stranger would write it."""
    if file.suffix != ".json":
        return _flip(file, generator)
    content = json.loads(file.read_text())
    place = content
    while True:
        items = list(place.items()) if isinstance(place, dict) else list(enumerate(place))
        key, inner = generator.choice(items)
        if not isinstance(inner, (dict, list)) or not inner or generator.random() < 0.2:
            break
        place = inner
    if generator.random() < 0.15 and isinstance(place, dict):
        del place[key]
    else:
        place[key] = generator.choice(VALUES)
    try:
        if SEAL in content:
            content = sealed(content)
        if file.name == "run.json" and generator.random() < 0.8:
            content["digest"] = run_digest(content["identity"])
            content = sealed(content)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    file.write_text(json.dumps(content), errors="surrogatepass")


def _scores(file: Path, generator: random.Random) -> None:
    """Another number in a table, with all digests made anew."""
    import pyarrow.parquet as pq

    from results.tables import RUN_TABLES, write_table

    if file.name not in RUN_TABLES:
        return _value(file, generator)
    schema = RUN_TABLES[file.name].schema
    rows = pq.ParquetFile(file.open("rb")).read().to_pandas()
    column = generator.choice(rows.columns)
    if len(rows):
        kind = rows[column].dtype.kind
        numbers = {"f": (1e308, -1e308, float("nan"), float("inf"), 0.0), "i": (-1, 2**62, 0), "b": (True, False)}
        rows.loc[generator.randrange(len(rows)), column] = generator.choice(numbers.get(kind, ("x\x1b", "", "test")))
    write_table(file, rows, schema)
    done = json.loads((file.parent / "done.json").read_text())
    if file.name in done["digests"]:
        done["digests"][file.name] = sha256_of(file)
    (file.parent / "done.json").write_text(json.dumps(sealed(done)))


Damage = Callable[[Path, random.Random], None]
DAMAGES: dict[str, Damage] = {
    "flipped bits": _flip, "cut": _cut, "grown": _grow, "a blank block": _blank, "another's file": _swap,
    "a special file": _special, "junk": _junk, "a stranger's value": _value, "a stranger's number": _scores,
}  # fmt: skip
#: what is no accident: what these say is read if it can be
BY_HAND = ("a stranger's value", "a stranger's number", "another's file")


def _read(store: Path) -> tuple[dict[tuple[str, str, int], Any], list[str]]:
    """What programs are told of each run, by where it lies; and the lines on what is damaged."""
    kept = Store(store, read_only=True)
    everything = with_proofs(kept.read(*KINDS, skip_corrupt=True))
    problems = list(kept.problems)
    entries, refused = collect_entries([each for each in everything if isinstance(each, StoredRun)])
    boards = make_boards(entries)
    collect_cautions(boards, refused)
    content = json.loads(summary_json(boards))
    problems += [each.reason for each in refused]
    problems += read_decisions(store)[1]
    told = {}
    for run in content["runs"]:
        run.pop("wall_seconds")  # times have no digest
        told[run["suite"], run["algorithm"], run["seed"]] = run
    for board in content["boards"]:
        for entry in board["entries"].values():  # whose names say more where a stranger made configurations differ
            for seed, score in entry["by_seed"].items():
                told[board["suite"], entry["algorithm"], int(seed)]["score"] = score
    for run in everything:
        _ = run.times, run.times_problem
        if not run.path.joinpath("artefacts", "state").exists():
            continue
        for load in (RunFolder(run.path).load_state, RunFolder(run.path).load_checkpoint):
            try:
                load()
            except StoreError as error:
                problems.append(str(error))
    return told, problems


def _judge(store: Path, file: Path, damage: str, before: dict[Any, Any], case: str, found: Outcome) -> None:
    try:
        with _in_time(), redirect_stderr(io.StringIO()):
            after, problems = _read(store)
    except Exception as error:
        return found.fault(case, f"{type(error).__name__}: {str(error)[:200]}")
    for line in problems:
        if UNPRINTABLE.search(line) or len(line) > 1000:
            found.fault(case, f"said {line[:300]!r}")
    own = {key for key in before if f"/{key[0]}/{key[1]}/" in str(file)}  # of the configuration, which a hole may drop
    lost = before.keys() - after.keys()
    if lost - own:
        found.fault(case, f"others are gone: {sorted(lost - own)}")
    changed = {key for key in before.keys() & after.keys() if _without_state(after[key]) != _without_state(before[key])}
    if changed - own or (changed and damage not in BY_HAND):
        found.fault(case, f"changed without a word: {sorted(changed)}")
    found.case("named" if problems else "left out" if lost else "harmless" if not changed else "read as written")


def _without_state(run: dict[str, Any]) -> dict[str, Any]:
    """What attestations say of it is another matter."""
    return {key: value for key, value in run.items() if key not in ("state", "made_again", "machines", "attempts")}


def _commands(store: Path, file: Path, page: Path, case: str, found: Outcome) -> None:
    run = file.parent if file.parent.name.startswith("seed-") else store / "runs"
    for arguments in (
        ("report", "--results", str(store), "--output", str(page)),
        ("verify", str(run), "--no-attest"),
        ("verify", "--all", str(store), "--dry-run"),
    ):
        code, said, error = command(*arguments)
        if error is not None or code not in (0, 1, 2):
            found.fault(case, f"metarl {arguments[0]}: {error!r}, exit code {code}")
        elif any(UNPRINTABLE.search(line) for line in said.splitlines()):
            found.fault(case, f"metarl {arguments[0]} said {said!r}")


@contextmanager
def _in_time() -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"more than {PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
