"""What a record holds of the runs that its run begins with: everything that decides them but what its run decides too.

Suite, seed and the versions of software are those of the run itself, and its digest of code covers theirs, so that a
change of a parent's code that changes nothing costs its children a verification and no result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from environments.typed_options import UsageError

#: of a parent's identity, what its child has itself
SHARED = ("suite", "seed", "suite_digest", "split_digest", "versions", "code")


def parent_terms(identities: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`parents` of a run's identity.  identities: the parents', by role."""
    return [
        {"role": role, **{key: value for key, value in identity.items() if key not in SHARED}}
        for role, identity in identities.items()
    ]


def parent_budget(role: str, budget: int, configuration: Mapping[str, Any]) -> int:
    """Environment steps of the parent in that role, of its child's budget."""
    return max(int(budget * configuration[share_option(role)]), 1)


def share_option(role: str) -> str:
    return f"{role}_share"


def check_shares(algorithm: str, roles: Sequence[str], configuration: Mapping[str, Any]) -> None:
    """Raises UsageError unless the configuration leaves a part of the budget to the run itself and to each parent."""
    for role in roles:
        if share_option(role) not in configuration:
            raise UsageError(
                f"algorithm {algorithm} has a parent in the role {role!r}, so its Config needs an option "
                f"{share_option(role)}: the share of the budget that the parent gets"
            )
    shares = {share_option(role): configuration[share_option(role)] for role in roles}
    if shares and (min(shares.values()) <= 0 or sum(shares.values()) >= 1):
        given = ", ".join(f"{name}={value}" for name, value in shares.items())
        raise UsageError(f"algorithm {algorithm}: parents' shares must be above 0 and below 1 together, got {given}")
