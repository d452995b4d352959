"""Merging stores: what is finished elsewhere is copied here; what is said of it there is hearsay here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from results.attestations import Record, read_attestations, write_attestation
from results.files import StoreError, sha256_of
from results.measured import finished_measurements
from results.run_folder import ATTESTATIONS, DONE, RunFolder

if TYPE_CHECKING:
    from results.store import Store


def merge(here: Store, there: Store) -> list[RunFolder]:
    """See `Store.merge_from`."""
    measured, problems = finished_measurements(there)
    if problems:
        raise StoreError(problems[0])
    copied = []
    records: list[Record] = [*there.finished(), *measured]
    for record in records:
        folder = here.folder(record.identity)
        with folder.lock(wait=False):
            if not folder.finished:
                folder.copy_from(RunFolder(record.path, read_only=True))
                copied.append(folder)
            _merge_attestations(record, folder)
    return copied


def _merge_attestations(record: Record, folder: RunFolder) -> None:
    """Those of the very bytes that are here, unless the same code on the same machine is heard of already."""
    done = sha256_of(folder.path / DONE)
    for attestation in read_attestations(record.path)[0]:
        known = (folder.path / ATTESTATIONS / attestation.file_name).exists()
        if not known and attestation.done == done:
            write_attestation(folder.path, replace(attestation, merged=True))
