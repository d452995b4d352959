"""Algorithms that do what they should not, each in the real runner, beside a good one."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.execution.executor import LocalExecutor
from benchmarks.execution.training import Progress
from benchmarks.execution.worker import RunOutcome
from benchmarks.specs.job import AnyJob
from benchmarks.specs.run_spec import RunSpec
from results.run_folder import ERROR_LIMIT
from results.store import Store
from tests.campaigns.outcome import Outcome
from tests.campaigns.processes import left_over, marked, servers
from tests.support.adapters import contents, small_plan, write_good, write_spoilt

#: what stands in `meta_step` of the fifth iteration
EVIL = """
def meta_step(self, collector):
    if collector.iteration == 5:
{lines}
    return super().meta_step(collector)
"""


@dataclass(frozen=True)
class Hostile:
    """`ends`: how its run must, "failed" or "finished"; `says`: what the error must tell."""

    lines: str
    says: str = ""
    ends: str = "failed"


HOSTILE: dict[str, Hostile] = {
    "raises": Hostile("raise ValueError('no good')", "no good"),
    "raises what cannot be shown": Hostile("raise ValueError('\\ud800 \\x1b[2J')", "ValueError"),
    "raises five million characters": Hostile("raise ValueError('x' * 5_000_000)", "characters left out"),
    "raises an error that cannot be printed": Hostile(
        "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()", "Odd"
    ),
    "recurses": Hostile("f = lambda: f()\nf()", "RecursionError"),
    "leaves by sys.exit": Hostile("import sys\nsys.exit(0)", "SystemExit"),
    "leaves by os._exit": Hostile("os._exit(0)", "code 0"),
    "kills itself": Hostile("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "dies of a signal without a name": Hostile("os.kill(os.getpid(), 40)", "signal 40"),
    "ends by a segmentation fault": Hostile("import ctypes\nctypes.string_at(0)", "SIG"),
    "writes junk into every pipe": Hostile(
        "for d in range(3, 64):\n    try: os.write(d, b'\\x00\\x00\\x00\\x04junk' * 8)\n    except OSError: pass"
    ),
    "closes every file": Hostile("os.closerange(0, 256)", "process of"),
    "goes elsewhere": Hostile("os.chdir('/')", ends="finished"),
    "leaves a thread": Hostile(
        "import threading\nthreading.Thread(target=time.sleep, args=(1e6,)).start()", ends="finished"
    ),
    "leaves a process": Hostile("if os.fork() == 0: time.sleep(1e6)", ends="finished"),
    "leaves a process of a session of its own": Hostile(
        "if os.fork() == 0:\n    time.sleep(3)\n    os._exit(0)", ends="finished"
    ),
    "computes on two threads": Hostile("torch.set_num_threads(2)", "set torch to 2 threads"),
    "gives a metric that is no number": Hostile("return {'loss': float('nan')}", "loss=nan"),
    "gives a metric that is a text": Hostile("return {'loss': 'high'}", "TypeError"),
    "keeps what no checkpoint holds": Hostile(
        "super().meta_step(collector)\nself.momentum = lambda: 0\nreturn {}", "TypeError"
    ),
    "deletes its own folder": Hostile(
        "import glob, shutil\nroot = os.environ['METARL_CAMPAIGN']\n"
        "for path in glob.glob(root + '/*/store/runs/*/hostile'): shutil.rmtree(path)",
        "Error",
    ),
    "ignores all signals": Hostile(
        "for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(n, signal.SIG_IGN)", ends="finished"
    ),
    "closes its output": Hostile("import sys\nsys.stdout.close()\nsys.stderr.close()", ends="finished"),
    "warns without end": Hostile("import warnings\nfor n in range(2): warnings.warn(str(n))", ends="finished"),
}


class Quiet:
    """A watcher that says nothing."""

    def started(self, job: AnyJob) -> None: ...
    def progressed(self, job: AnyJob, progress: Progress) -> None: ...
    def ended(self, job: AnyJob, ended: RunOutcome) -> None: ...
    def stopping(self) -> None: ...
    def tick(self) -> None: ...


def campaign(scale: int, seed: int) -> Outcome:
    """`scale` of them, chosen by the seed; all from as many as there are on."""
    names = sorted(HOSTILE)
    random.Random(seed).shuffle(names)
    found = Outcome("hostile algorithms in the real runner", "algorithms")
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder, marked(Path(folder)) as mark:
        (good,) = small_plan(write_good(Path(folder)))
        LocalExecutor(1).run([good], Path(folder, "alone"), Quiet())
        expected = contents(Store(Path(folder, "alone")).folder(good.identity()).path)
        for number, name in enumerate(sorted(names[:scale])):
            own = Path(folder, str(number))
            own.mkdir()
            _judge(name, HOSTILE[name], own, good, expected, found)
            for process in left_over(mark, allow=servers()):
                found.fault(name, f"left a process: {process}")
    return found


def _judge(
    name: str, hostile: Hostile, folder: Path, good: RunSpec, expected: dict[str, bytes], found: Outcome
) -> None:
    """Runs it beside a good one, with another good one after them."""
    indented = "\n".join(f"        {line}" for line in hostile.lines.splitlines())
    (bad,) = small_plan(write_spoilt(folder, EVIL.format(lines=indented), "hostile"))
    after, store = replace(good, seed=1), folder / "store"
    try:
        ended = {job.label: each for job, each in LocalExecutor(2).run([bad, good, after], store, Quiet())}
    except Exception as error:
        return found.fault(name, f"the executor raised {error!r}")
    for spec in (good, after):
        if ended.get(spec.label) != RunOutcome("finished"):
            found.fault(name, f"a good run ended as {ended.get(spec.label)}")
    if contents(Store(store).folder(good.identity()).path) != expected:
        found.fault(name, "the good run's bytes are others")
    outcome = ended.get(bad.label, RunOutcome("interrupted", "it is missing"))
    if outcome.status != hostile.ends or hostile.says not in outcome.error:
        found.fault(name, f"ended as {outcome.status}: {outcome.error[-300:]}")
    if len(outcome.error) > ERROR_LIMIT + 100:
        found.fault(name, f"its error has {len(outcome.error):,} characters")
    if elsewhere := [str(path) for path in (Path("/", "store"), Path("/", "runs")) if path.exists()]:
        found.fault(name, f"wrote elsewhere: {elsewhere}")
    found.case(outcome.status)
