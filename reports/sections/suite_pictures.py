"""Pictures that finished runs keep (a rendered flight), shown within the page."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path

from reports.scores.boards import SuiteScores
from reports.scores.record import entry_anchor
from results.files import StoreError, read_bytes
from results.run_folder import ARTEFACTS

_TYPES = {".png": "image/png", ".gif": "image/gif"}
#: characters of the page that one suite's pictures may take
_LIMIT = 600_000


def suite_pictures(board: SuiteScores) -> str:
    """Those of the leading trained algorithm's lowest seed that has any; empty where there are none."""
    for entry in board.learned:
        for run in entry.runs if entry.trained else ():
            files = sorted(path for path in (run.path / ARTEFACTS).glob("*") if _is_picture(path))
            if files:
                source = f'<a href="#{entry_anchor(entry)}">{escape(entry.label)}, seed {run.seed}</a>'
                return _gallery(files, f"{board.name}: {entry.label}, seed {run.seed}", source)
    return ""


def _gallery(files: list[Path], whose: str, source: str) -> str:
    # stills first: they stand where an animation is left out for its size
    ordered = sorted(files, key=lambda path: (path.suffix.lower() == ".gif", path.name))
    left, items, omitted = _LIMIT, [], []
    for path in ordered:
        try:
            content = b64encode(read_bytes(path, left)).decode()
        except StoreError:  # also one that is larger than what is left
            content = ""
        if not 0 < len(content) <= left:
            omitted.append(path.name)
            continue
        left -= len(content)
        items.append(_picture(path, content, whose, source))
    note = f'<p class="note">Too large to be shown here: {escape(", ".join(omitted))}.</p>' if omitted else ""
    return f'<div class="pictures">{"".join(items)}</div>{note}'


def _is_picture(path: Path) -> bool:
    """A link may lead to any file of whoever makes the report."""
    linked = path.is_symlink() or path.parent.is_symlink()
    return path.suffix.lower() in _TYPES and path.is_file() and not linked


def _picture(path: Path, content: str, whose: str, source: str) -> str:
    what = path.stem.replace("-", " ").replace("_", " ")
    kind = _TYPES[path.suffix.lower()]
    image = f'<img src="data:{kind};base64,{content}" alt="{escape(f"{whose}: {what}, after adaptation")}">'
    if kind == "image/gif":  # what moves is seen only when asked for, and can be stopped
        image = f"<details><summary>Animation: {escape(what)}</summary>{image}</details>"
    return f"<figure>{image}<figcaption>{escape(what)}, after adaptation: {source}</figcaption></figure>"
