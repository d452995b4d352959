"""Classes of one's own: what their file raises when it is imported is told in one line, as other bad input is."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from environments.discovery import ClassEntry
from environments.typed_options import UsageError


def load_own(found: ClassEntry) -> Any:
    """The class.  Raises UsageError, naming error and line, if the file that holds it raises anything."""
    try:
        return found.load()
    except UsageError:
        raise
    except Exception as error:  # the file's own, whatever it is
        frames = traceback.extract_tb(error.__traceback__)
        own = str(found.path)
        place = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
        where = f"{Path(place.filename).name}, line {place.lineno}"
        kind = type(error).__name__
        raise UsageError(f"{found.path or found.module} cannot be imported: {kind}: {error} ({where})") from error
