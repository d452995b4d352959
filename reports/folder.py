"""A report's folder: which of its files are a report's, so that a later report replaces those and no others."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath

from results.files import PARTIAL, StoreError, make_folder, read_json, reason, sha256_of, write_json, write_whole

#: lists a report's files by name within the folder, each with the SHA-256 of what was written
MANIFEST = "report-files.json"

#: by name, the digests of all that may have been written there; more than one only if the writing was cut short
_Written = dict[str, list[str]]


def write_folder(output: Path, contents: Mapping[str, bytes]) -> None:
    """Write a report's files, in their order, in place of the report that the folder holds.

    contents: by name within the folder, with `/`.  A file of the former report that this one lacks is removed unless
    it has changed since; what no report has written stays as it is.
    Raises StoreError, before any file changes, if the folder holds something else than a report, or a file of the same
    name that no report has written; also if it cannot be written.
    """
    make_folder(output)
    with _locked(output):
        former = _former(output)
        _write(output, contents, former)
        for name in former.keys() - contents.keys():
            if _unchanged(output / name, former[name]):
                _remove(output / name)
        _list(output, {name: [_digest(content)] for name, content in contents.items()})


def add_file(output: Path, name: str, content: bytes) -> None:
    """Write one file more of the report that the folder holds.  Raises StoreError as `write_folder`."""
    make_folder(output)
    with _locked(output):
        former = _former(output)
        _write(output, {name: content}, former)
        _list(output, former | {name: [_digest(content)]})


def check_folder(output: Path) -> None:
    """Makes the folder; raises StoreError if no report can be written there."""
    make_folder(output)
    _former(output)
    try:
        with tempfile.NamedTemporaryFile(dir=output, prefix=".", suffix=PARTIAL):
            pass
    except OSError as error:
        raise StoreError(f"cannot write to {output}: {reason(error)}; use another folder with --output") from error


def _write(output: Path, contents: Mapping[str, bytes], former: _Written) -> None:
    for name in contents:
        if name not in former and os.path.lexists(output / name):
            raise StoreError(f"{output / name} is in the way, and no report's; move it, or name a new folder")
        make_folder((output / name).parent)
    added = {name: [*former.get(name, ()), _digest(content)] for name, content in contents.items()}
    _list(output, former | added)  # before the files, so that all are known for a report's even if this is cut short
    for name, content in contents.items():
        write_whole(output / name, content)


def _list(output: Path, written: _Written) -> None:
    write_json(output / MANIFEST, {"files": dict(sorted(written.items()))})


def _former(output: Path) -> _Written:
    """What the report that the folder holds has written; empty for a folder without a file.

    Empty folders are all that is left of a report that could not write its list, as on a full disk.
    """
    written = _manifest(output)
    if written is not None:
        return written
    try:
        others = sorted(
            path.name for path in output.iterdir() if not path.name.endswith(PARTIAL) and _holds_something(path)
        )
    except OSError as error:
        raise StoreError(f"cannot read {output}: {reason(error)}; name a new folder with --output") from error
    if others:
        what = f"{output} holds something else than a report of this version ({others[0]})"
        raise StoreError(f"{what}; name a new folder with --output")
    return {}


def _holds_something(path: Path) -> bool:
    """Whether it is anything but a folder of empty folders.  Raises OSError."""
    return path.is_symlink() or not path.is_dir() or any(map(_holds_something, path.iterdir()))


def _manifest(output: Path) -> _Written | None:
    """None if there is none that a report can have written."""
    try:
        files = (read_json(output / MANIFEST) or {}).get("files")
    except StoreError:
        return None
    if not isinstance(files, dict) or not all(isinstance(digests, list) for digests in files.values()):
        return None
    inside = all(not (path := PurePosixPath(name)).is_absolute() and ".." not in path.parts for name in files)
    return files if inside else None


def _unchanged(path: Path, digests: list[str]) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and sha256_of(path) in digests
    except StoreError:
        return False


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise StoreError(f"cannot remove {path}: {reason(error)}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _locked(output: Path) -> Iterator[None]:
    """Two reports that are written into one folder at the same time would each take the other's files for foreign."""
    with ExitStack() as stack:
        with suppress(OSError):  # not every file system locks a folder
            descriptor = os.open(output, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
