"""Which line of somebody's own file led to an exception.

`execution/failure_place.py` finds an algorithm's in the same way; it stays as it is, since studies' digests count it.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path


def failing_line(error: Exception, owner: type) -> str:
    """The last line of the class's own file that led there, as in `mine.py, line 7`; else the one that raised."""
    own = getattr(sys.modules.get(owner.__module__), "__file__", None)
    frames = traceback.extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
    return f"{Path(place.filename).name}, line {place.lineno}"
