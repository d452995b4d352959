"""A record's files as bytes, for a node that shares no file system with the store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from results.files import PARTIAL, StoreError, make_folder, read_bytes, write_whole
from results.run_folder import ARTEFACTS, ATTESTATIONS, CHECKPOINT, DONE, LOCK, RUN, RunFolder

#: by their paths within the record's folder
Files = dict[str, bytes]


def begun_files(folder: RunFolder) -> Files:
    """What an attempt elsewhere goes on from: the attempts so far and the checkpoint."""
    return {name: read_bytes(folder.path / name) for name in (RUN, CHECKPOINT) if (folder.path / name).exists()}


def kept_files(folder: RunFolder) -> Files:
    """All that an attempt has left."""
    paths = [path for path in folder.path.rglob("*") if path.is_file() and not path.is_symlink()]
    named = {path.relative_to(folder.path).as_posix(): path for path in sorted(paths)}
    return {name: read_bytes(path) for name, path in named.items() if name != LOCK and not name.endswith(PARTIAL)}


def unpack(files: Mapping[str, bytes], folder: RunFolder) -> None:
    """Write them, each whole and done.json last; a finished record's checkpoint goes.

    Raises StoreError for a file that is no part of a record, before anything is written.
    """
    for name in files:
        path = PurePosixPath(name)
        beside = len(path.parts) == 2 and path.parts[0] in (ARTEFACTS, ATTESTATIONS) and path.parts[1] != ".."
        if not beside and name not in (RUN, CHECKPOINT, DONE, *folder.tables):
            raise StoreError(f"{name!r} is no part of a record, so that nothing of {folder.path} was taken over")
    for name in sorted(files, key=lambda name: name == DONE):
        target = folder.path / Path(name)
        make_folder(target.parent)
        write_whole(target, files[name])
    if DONE in files:
        (folder.path / CHECKPOINT).unlink(missing_ok=True)
