"""What makes a run the run it is, as canonical JSON, and where it is therefore stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from results.files import StoreError

#: leading hex digits of the digest that name a folder
DIGITS = 12
#: what no command chooses: the seed apart, which is counted, and what the software is
_NOT_CHOSEN = ("seed", "code", "versions")


def canonical_json(value: Any) -> bytes:
    """Equal values give equal bytes: sorted keys, no spaces, UTF-8; tuples count as lists, 1 and 1.0 differ.

    Raises TypeError for what is no plain value (a key that is no text included) and ValueError for NaN and infinities.
    """
    _refuse_other_keys(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: Any) -> str:
    """SHA-256 of the value's canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def run_digest(identity: Mapping[str, Any]) -> str:
    """Digest of the identity without its seed: runs that differ in the seed alone share it."""
    return digest_of({key: value for key, value in identity.items() if key != "seed"})


def terms_digest(identity: Mapping[str, Any]) -> str:
    """Digest of the identity without its code: runs that share it are equal if their codes compute the same."""
    return digest_of({key: value for key, value in identity.items() if key != "code"})


def chosen_digest(identity: Mapping[str, Any]) -> str:
    """Digest of what a command can choose of a run or study: everything but its seed, code and software."""
    return digest_of({key: value for key, value in identity.items() if key not in _NOT_CHOSEN})


def folder_name(identity: Mapping[str, Any]) -> PurePath:
    """Of a run `suite/algorithm/digest12/seed-n`, of a study `measurement/digest12/seed-n`.

    Raises StoreError for a name that would leave its place in the tree.
    """
    keys = ("measurement",) if "measurement" in identity else ("suite", "algorithm")
    for key in keys:
        name = identity[key]
        if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
            raise StoreError(f"{key} name {name!r} cannot name a folder; it must hold no slash and be no dot name")
    names = (identity[key] for key in keys)
    return PurePath(*names, run_digest(identity)[:DIGITS], f"seed-{int(identity['seed'])}")


def base_name(full_name: str) -> str:
    """A suite's name without its options: `corners` of `corners[horizon=50]`."""
    return full_name.partition("[")[0]


def _refuse_other_keys(value: Any) -> None:
    # json would turn the key 1 into "1", and two values into one identity
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"key {key!r} is a {type(key).__name__}; an identity's keys must be text")
            _refuse_other_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_other_keys(item)
