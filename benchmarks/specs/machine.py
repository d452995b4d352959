"""Which machine this is, for saying on how many a result was made again.

A machine's id is the first 12 hex digits of SHA-256 over the operating system's machine id (`/etc/machine-id`, else the
host's name) and the processor's text: model name, family, model and stepping.  Machines cloned from one image have one
machine id, so on one type of processor they count as one machine: the number is too low rather than too high.
"""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

MACHINE_ID, CPUINFO = Path("/etc/machine-id"), Path("/proc/cpuinfo")
#: of /proc/cpuinfo, beside the model name
DETAILS = ("cpu family", "model", "stepping")


def processor() -> str:
    """The processor's model name: on another one the same run may differ in its last bits."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def processor_text() -> str:
    """Model name, family, model and stepping, since one name may be that of several processors."""
    known = _cpuinfo()
    return ", ".join([processor(), *(f"{key} {known[key]}" for key in DETAILS if key in known)])


def this_machine() -> dict[str, str]:
    """`id` and `processor`."""
    text = processor_text()
    return {"id": hashlib.sha256(f"{_system_id()}\n{text}".encode()).hexdigest()[:12], "processor": text}


def _system_id() -> str:
    try:
        return MACHINE_ID.read_text().strip() or platform.node()
    except OSError:
        return platform.node()


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines; nothing where there is no such file."""
    try:
        first = CPUINFO.read_text().partition("\n\n")[0]
    except OSError:
        return {}
    lines = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}
