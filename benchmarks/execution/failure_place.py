"""Where an algorithm's own exception came from, told in one line at the end of its traceback."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from algorithms.algorithm import Algorithm
from environments.ledger import BudgetSpent


@contextmanager
def failure_told(algorithm: Algorithm, when: str) -> Iterator[None]:
    """Within, an exception gets a note: what it is, the last line of the algorithm's own file that led there, and when.

    Where none of its lines did, the line is the one that raised.  BudgetSpent is no failure.
    """
    try:
        yield
    except BudgetSpent:
        raise
    except Exception as error:
        own = getattr(sys.modules.get(type(algorithm).__module__), "__file__", None)
        frames = traceback.extract_tb(error.__traceback__)
        place = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
        line = f"{Path(place.filename).name}, line {place.lineno}"
        error.add_note(f"{type(error).__name__}: {error} ({line}, {when})")
        raise
