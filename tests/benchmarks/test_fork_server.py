"""What the server that workers are forked from writes, and what it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: asks for workers, and writes nothing, half an order, or an order that cannot be carried out
ASKS = """
import os, pickle
from multiprocessing import forkserver
from benchmarks.execution.executor import start_server

start_server()
order = {order}
answer, orders = forkserver.connect_to_new_process([])
os.write(orders, order)
os.close(orders)
forkserver.read_signed(answer)
print("exit code", forkserver.read_signed(answer))
"""


def asked(order: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ASKS.replace("{order}", order)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=True)


def test_nothing_is_written_of_an_order_that_was_cut_short() -> None:
    for order in ("b''", "pickle.dumps({'name': 'a worker of that name'})[:-9]"):
        done = asked(order)
        assert (done.stdout, done.stderr) == ("exit code 1\n", ""), order


def test_everything_else_is() -> None:
    done = asked("pickle.dumps({'sys_path': 5, 'name': 'worker'}) + pickle.dumps(5)")
    assert done.stdout == "exit code 1\n" and "AttributeError: 'int' object has no attribute" in done.stderr
