"""Files written whole or not at all, and what a user is told when that fails."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

#: ends the name of a file that is still being written; one left behind was cut short
PARTIAL = ".partial"
#: bytes that no file of a record reaches; of JSON, and of any other
JSON_LIMIT, LIMIT = 1 << 26, 1 << 30
#: objects and lists within each other
DEEPEST = 50
#: what a terminal or a page acts on, or cannot show: controls, halves of characters, marks of direction
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class StoreError(Exception):
    """The record cannot be read or written: one line saying what was wrong, where, and what would be right."""

    def __init__(self, text: str, by_system: bool = False) -> None:
        """by_system: as the property, of an error that another process has told of, whose cause stayed there."""
        super().__init__(text)
        self._by_system = by_system

    @property
    def by_system(self) -> bool:
        """Whether the operating system is at fault, as where a disk is full, and no input."""
        return self._by_system or isinstance(self.__cause__, OSError)

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    """The text in one line, with what a terminal would act on spelt out: `\\x1b[2J`."""
    return UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


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
        raise StoreError(f"cannot write {path}: {reason(error)}; free space or use another folder") from error
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
    """The folder and its parents exist afterwards, also after power loss.  Raises StoreError if they cannot be made."""
    try:
        missing = [each for each in (path, *path.parents) if not each.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for each in missing:
            sync_folder(each.parent)
    except OSError as error:
        raise StoreError(f"cannot make the folder {path}: {reason(error)}; use another folder") from error


def make_writable_folder(path: Path) -> None:
    """As `make_folder`, of a folder that files can be written to.  Raises StoreError if they cannot."""
    make_folder(path)
    try:
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"\0")
    except OSError as error:
        raise StoreError(f"cannot write to {path}: {reason(error)}; use another folder") from error


def read_bytes(path: Path, limit: int = LIMIT) -> bytes:
    """The file's content.  Raises StoreError naming it, also for what is no plain file or has more bytes than that."""
    try:
        with _open_plain(path) as file:
            _refuse_large(path, file, limit)
            return file.read()
    except (OSError, ValueError, MemoryError) as error:
        raise StoreError(f"cannot read {path}: {reason(error)}") from error


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex, read piece by piece.  Raises StoreError as `read_bytes`."""
    digest = hashlib.sha256()
    try:
        with _open_plain(path) as file:
            _refuse_large(path, file, LIMIT)
            while piece := file.read(1 << 20):
                digest.update(piece)
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path}: {reason(error)}") from error
    return digest.hexdigest()


def _open_plain(path: Path) -> BinaryIO:
    """Raises OSError also for what is no plain file: a pipe would be waited for, and a device never ends."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError("it is a folder" if stat.S_ISDIR(mode) else "it is no plain file")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _refuse_large(path: Path, file: BinaryIO, limit: int) -> None:
    size = os.fstat(file.fileno()).st_size
    if size > limit:
        raise damaged(path, f"it has {size:,} bytes, more than the {limit:,} of any record")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write an object for people to read, whole or not at all.  Raises ValueError for what JSON cannot hold (NaN)."""
    write_whole(path, json_text(value).encode())


def json_text(value: Any) -> str:
    """JSON for people to read.  Raises ValueError for what it cannot hold (NaN)."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in the file, None if there is no such file.  Raises StoreError if it holds no object of plain values.

    NaN and infinities are no JSON, and half a character could not be written again.
    """
    try:
        content = read_bytes(path, JSON_LIMIT)
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    if not content:
        raise damaged(path, "it is empty")
    try:
        value = json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError, MemoryError) as error:
        raise damaged(path, reason(error)) from error
    if not isinstance(value, dict):
        raise damaged(path, f"it holds a {type(value).__name__}, not an object")
    if _is_deep(value):
        raise damaged(path, f"its values are nested more than {DEEPEST} deep")
    return value


def _is_deep(value: Any) -> bool:
    """Whether something is nested deeper than any record; what follows it down would end in a RecursionError."""
    level = [value]
    for _ in range(DEEPEST):
        inner = [outer.values() if isinstance(outer, dict) else outer for outer in level]
        level = [each for values in inner for each in values if isinstance(each, (dict, list))]
    return bool(level)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def damaged(path: Path, why: str) -> StoreError:
    """The error for a record that is there but cannot be trusted."""
    return StoreError(f"{path} is damaged: {why}; restore it from a copy, or delete the run's folder and run it again")
