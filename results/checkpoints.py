"""Checkpoints of tensors and plain values; loading one executes no code."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from results.files import StoreError, read_bytes, write_whole

PLAIN = (type(None), bool, int, float, str)
SEAL = 64  # hex digits of a SHA-256
#: bytes of a state: memories of experience may be large
LARGEST = 1 << 33


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state, whole or not at all.

    state: tensors, numbers, strings, None, and lists, tuples and dicts of them.
    Raises TypeError naming the place of anything else, since it could not be loaded again.
    """
    import torch

    refuse_other_types(state, "state")
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, _sealed(buffer.getvalue()))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The state, its tensors on the CPU.  Raises StoreError for a file that is damaged or was not written by us."""
    import torch

    content = read_bytes(path, LARGEST)
    if hashlib.sha256(content[:-SEAL]).hexdigest().encode() != content[-SEAL:]:
        raise _unusable(path)
    try:
        _refuse_packed(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on protocols is of no use to whoever resumes a run
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # what others sealed raises nearly anything; all of it means the same here
        raise _unusable(path) from error
    if not isinstance(state, dict):
        raise _unusable(path)
    return state


def _refuse_packed(content: bytes) -> None:
    """Raises ValueError for an archive that would unpack to more than it is: torch stores its files as they are."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = archive.infolist()
    packed = any(file.compress_type != zipfile.ZIP_STORED for file in files)
    if packed or sum(file.file_size for file in files) > len(content):
        raise ValueError("the archive is packed")


def _sealed(archive: bytes) -> bytes:
    """The zip archive with the digest of what precedes it as its comment, so that `torch.load` still opens it.

    torch does not check its archive's checksums: a flipped bit would be resumed from without a word.
    """
    content = archive[:-2] + SEAL.to_bytes(2, "little")  # an archive without comment ends in its length, 0
    return content + hashlib.sha256(content).hexdigest().encode()


def _unusable(path: Path) -> StoreError:
    return StoreError(f"checkpoint {path} is damaged or not ours; deleting it restarts the run from the beginning")


def refuse_other_types(value: Any, place: str) -> None:
    """Raises TypeError naming the first place, within `place`, of what a checkpoint cannot hold."""
    import torch

    kind = type(value)  # exact: numpy's float64 is a float, and does not load
    if kind in (dict, OrderedDict):
        for key, item in value.items():
            refuse_other_types(key, f"a key of {place}")
            refuse_other_types(item, f"{place}[{key!r}]")
    elif kind in (list, tuple):
        for index, item in enumerate(value):
            refuse_other_types(item, f"{place}[{index}]")
    elif kind not in PLAIN and kind not in (torch.Tensor, torch.nn.Parameter):
        raise TypeError(
            f"{place} is a {kind.__module__}.{kind.__qualname__}; a checkpoint holds tensors, numbers, strings, None, "
            "and lists, tuples and dicts of them"
        )
