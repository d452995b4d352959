"""Reads a written report back, for tests of it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any


def summary_of(page: Path) -> dict[str, Any]:
    return json.loads((page.parent / "summary.json").read_text())


def text_of(page: Path) -> str:
    """The page's text without tags, its white space made single."""
    body = re.sub(r"<(style|script|svg).*?</\1>", " ", page.read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
