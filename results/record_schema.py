"""What run.json and done.json must hold before anything is worked out from them, field by field.

Tables and identities have digests; the rest of a record is held by a seal, which records from before there were seals
do not have.  For those the kind and the range of every field that is ever read is what can be checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from results.files import UNPRINTABLE
from results.identity import canonical_json

SEAL = "seal"
OUTCOMES = ("finished", "failed", "interrupted")
METRICS = ("return", "discounted_return", "success")
#: beyond these no column of a table and no array can hold a whole number
LARGEST = 2**63 - 1

#: says what a value must be, or nothing if it is
Check = Callable[[Any], str]


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the digest of all else in it as its last entry."""
    content = {key: value for key, value in record.items() if key != SEAL}
    return {**content, SEAL: _seal(content)}


def seal_holds(record: Mapping[str, Any]) -> bool:
    """Whether what it holds is what was written; true of older records, which have no seal."""
    return SEAL not in record or record[SEAL] == _seal({key: record[key] for key in record if key != SEAL})


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()


def wrong_in_run(run: Mapping[str, Any]) -> str:
    """The first field of a run.json that cannot be, and why; empty if all can.  Its kind is that of its identity."""
    identity = run.get("identity")
    if not isinstance(identity, dict):
        return "identity must be an object"
    if "measurement" in identity:
        fields = {"identity": STUDY_IDENTITY, "description": STUDY_DESCRIPTION}
    else:
        trial = {"trial": whole(0)} if identity.get("tuning") else {}
        fields = {"identity": RUN_IDENTITY, "description": RUN_DESCRIPTION | trial}
    return first_wrong(run, {**{name: _object(own) for name, own in fields.items()}, **SHARED})


def wrong_in_done(done: Mapping[str, Any], study: bool) -> str:
    """Likewise of the counts of a done.json."""
    counts = ("parts",) if study else ("environment_steps", "iterations")
    return first_wrong(done, dict.fromkeys(counts, whole(0)))


def first_wrong(value: Any, fields: Mapping[str, Check]) -> str:
    """Of an object with these fields; a name that ends in `?` may be missing, others than these may be anything plain.

    A text that is no name may have several lines.
    """
    if not isinstance(value, dict):
        return "must be an object"
    for name, check in fields.items():
        name, optional = name.rstrip("?"), name.endswith("?")
        if name not in value:
            if optional:
                continue
            return f"{name} is missing"
        said = check(value[name])
        if said:
            return f"{name}{'' if said.startswith('.') else ' '}{said}"
    others = {key: item for key, item in value.items() if key not in fields and f"{key}?" not in fields}
    return _plain(others)


def whole(least: int) -> Check:
    def check(value: Any) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST
        return "" if good else f"must be a whole number of at least {least}, is {_shown(value)}"

    return check


def number(least: float, most: float) -> Check:
    def check(value: Any) -> str:
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
        return "" if good else f"must be a number from {least:g} to {most:g}, is {_shown(value)}"

    return check


def name(value: Any) -> str:
    """A text in one line that a terminal and a page show as it is."""
    good = isinstance(value, str) and value.strip() and not UNPRINTABLE.search(value)
    return "" if good else f"must be a name in one line, is {_shown(value)}"


def text(value: Any) -> str:
    if not isinstance(value, str):
        return f"must be a text, is {_shown(value)}"
    return "" if not UNPRINTABLE.search(value.translate(_LINES)) else f"holds what no page shows: {_shown(value)}"


def flag(value: Any) -> str:
    return "" if isinstance(value, bool) else f"must be true or false, is {_shown(value)}"


def one_of(*known: str) -> Check:
    return lambda value: "" if value in known else f"must be one of {', '.join(known)}, is {_shown(value)}"


def or_none(check: Check) -> Check:
    return lambda value: "" if value is None else check(value)


def list_of(check: Check, least: int = 0) -> Check:
    def checked(value: Any) -> str:
        if not isinstance(value, list) or len(value) < least:
            return f"must be a list{' with an entry' * (least > 0)}, is {_shown(value)}"
        said = ((place, check(item)) for place, item in enumerate(value))
        return next((f"[{place}]{'' if why.startswith('.') else ' '}{why}" for place, why in said if why), "")

    return checked


def by_name(check: Check) -> Check:
    """An object whose keys are names."""

    def checked(value: Any) -> str:
        if not isinstance(value, dict):
            return f"must be an object, is {_shown(value)}"
        said = ((key, name(key) or check(item)) for key, item in value.items())
        return next((f".{key} {why}" for key, why in said if why), "")

    return checked


def _object(fields: Mapping[str, Check]) -> Check:
    def check(value: Any) -> str:
        said = first_wrong(value, fields)
        return f".{said}" if said else ""

    return check


def _plain(value: Any) -> str:
    """Options and what else a record may hold: plain values, whatever they mean."""
    if isinstance(value, dict):
        said = ((key, name(key) or _plain(item)) for key, item in value.items())
        return next((f".{key} {why}".replace(" .", ".") for key, why in said if why), "")
    if isinstance(value, (list, tuple)):
        return next(filter(None, map(_plain, value)), "")
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        return f"holds a number too large to be one: {_shown(value)}"
    return ""


def _shown(value: Any) -> str:
    shown = repr(value) if not isinstance(value, int) or abs(value) <= LARGEST else "a whole number beyond 64 bits"
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _parents(value: Any) -> str:
    """What a record holds of each run that its run begins with, and of those that this begins with."""
    return list_of(_object({"role": name, **_TERMS, "parents": _parents}))(value)


_LINES = {ord("\n"): " ", ord("\t"): " "}
_MACHINE = {"id": name, "processor": name}
_TUNING = {
    "trials?": whole(0),
    "seeds?": whole(0),
    "digest?": name,
    "sibling?": or_none(name),
    "by_hand?": list_of(name),
    "fresh_tasks?": whole(1),
    "origin?": or_none(_object({"profile": name, "trials": whole(0), "seeds": whole(0)})),
}
_ATTEMPT = {
    "started": name,
    "ended": or_none(name),
    "resumed_at_iteration": whole(0),
    "outcome": one_of("running", *OUTCOMES),
    "error": or_none(lambda value: "" if isinstance(value, str) else "must be a text"),
}
#: what every record has
SHARED: dict[str, Check] = {
    "provenance": _object({
        "commit": or_none(name), "dirty": or_none(flag), "packages": by_name(text), "cpu": text, "threads": whole(1),
        "machine?": or_none(_object(_MACHINE)), "python?": text, "platform?": text, "data?": or_none(text),
        "source?": or_none(name), "suite_source?": or_none(name),
        "source_file?": name, "source_sha256?": name,
    }),
    "attempts": list_of(_object(_ATTEMPT)),
}  # fmt: skip
_IDENTITY: dict[str, Check] = {
    "configuration": by_name(_plain), "seed": whole(0), "parents": _parents, "versions": by_name(name),
    "code": name,
}  # fmt: skip
_PROTOCOL = {"adaptation_steps": whole(0), "trajectories": whole(1), "adaptations?": whole(1)}
_TERMS: dict[str, Check] = {
    "algorithm": name, "configuration": by_name(_plain), "protocol": _object(_PROTOCOL), "evaluations": whole(0),
    "budget": whole(1),
}  # fmt: skip
RUN_IDENTITY: dict[str, Check] = {
    "suite": name, **_TERMS, "suite_digest": name, "split_digest": name, "tuning?": flag, "fresh_tasks?": whole(1),
    **_IDENTITY,
}  # fmt: skip
RUN_DESCRIPTION: dict[str, Check] = {
    "metric": one_of(*METRICS), "horizon": whole(1), "discount": number(0, 1), "access": list_of(name),
    "profile": name, "benchmark": or_none(name), "family?": name, "records_success?": flag, "cautions?": list_of(text),
    "scripted?": flag, "tuning?": or_none(_object(_TUNING)), "tasks?": whole(0), "distinct_mdps?": whole(0),
}  # fmt: skip
_MEASURED = {"suites": list_of(name), "algorithms": list_of(name)}
STUDY_IDENTITY: dict[str, Check] = {
    **_IDENTITY, "measurement": name, "configuration": _object(_MEASURED), "suites": by_name(by_name(name)),
}  # fmt: skip
STUDY_DESCRIPTION: dict[str, Check] = {
    "profile": name, "benchmark": or_none(name), "seconds": number(0, 1e15),
}  # fmt: skip
