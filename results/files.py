"""Files written whole or not at all, and what a user is told when that fails."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

#: ends the name of a file that is still being written; one left behind was cut short
PARTIAL = ".partial"


class StoreError(Exception):
    """The record cannot be read or written: one line saying what was wrong, where, and what would be right."""


def reason(error: BaseException) -> str:
    """The first line of what an exception says, without its path."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.strip().split("\n")[0] or type(error).__name__


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that at every moment the file is the old one or the new one, also after power loss.

    Raises StoreError if it cannot be written; the old file then stands.
    """
    # A random name, since a process identifier means nothing on a file system shared by machines.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{PARTIAL}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {reason(error)}; free space or use another results folder") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make renames and removals within a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """The folder and its parents exist afterwards.  Raises StoreError if they cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {path}: {reason(error)}; use another results folder") from error


def read_bytes(path: Path) -> bytes:
    """The file's content.  Raises StoreError naming it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {reason(error)}") from error


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex.  Raises StoreError naming it."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write an object for people to read, whole or not at all.  Raises ValueError for what JSON cannot hold (NaN)."""
    write_whole(path, (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in the file, None if there is no such file.  Raises StoreError if it holds no object."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise damaged(path, reason(error)) from error
    if not isinstance(value, dict):
        raise damaged(path, f"it holds a {type(value).__name__}, not an object")
    return value


def damaged(path: Path, why: str) -> StoreError:
    """The error for a record that is there but cannot be trusted."""
    return StoreError(f"{path} is damaged: {why}; restore it from a copy, or delete the run's folder and run it again")
