"""Imported by the server that worker processes are forked from, and by nothing else: when it writes a traceback.

A command that is killed while it asks for a worker leaves half an order behind.  Nobody waits for that worker, and
Python's server would fill the terminal with what it could not read.
"""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from pickle import UnpicklingError
from traceback import walk_tb
from types import TracebackType

_PYTHONS_OWN = Path(multiprocessing.__file__).parent


def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What `sys.excepthook` does, of everything but an order that was cut short."""
    places = [frame.f_code.co_filename for frame, _ in walk_tb(trace)]
    cut_short = isinstance(error, (EOFError, UnpicklingError)) and places and Path(places[-1]).parent == _PYTHONS_OWN
    if not cut_short:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = tell
