"""How this process joins a Ray cluster, and what it hands over to one."""

from __future__ import annotations

import logging
import os
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from environments.typed_options import UsageError

#: seconds that a cluster's head may take to answer
PATIENCE = 10.0
#: how HTTP/2, and with it whatever Ray's head says, begins: the settings of both sides, in frames of type 4
SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS


def connect(address: str | None) -> Any:
    """The module `ray`, connected.  Raises UsageError."""
    try:
        import ray
    except ImportError:
        raise UsageError("--executor ray needs Ray: pip install 'metarl-bench[ray]'") from None
    if address is not None and address.startswith("ray://"):
        raise UsageError(
            f"--address {address} is for Ray's client, which knows no nodes; start the command on a machine of the "
            "cluster, with --address auto"
        )
    if not ray.is_initialized():
        _refuse_unreachable(address or os.environ.get("RAY_ADDRESS", ""))
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _no_cluster(address or "this machine", str(error).strip().split("\n")[0]) from error
    return ray


def _refuse_unreachable(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if address in ("", "auto", "local"):
        return
    if not host or not port.isdecimal():
        raise UsageError(f"--address {address} must be HOST:PORT, as `ray start --head` prints it, or auto")
    try:
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            if "RAY_USE_TLS" not in os.environ:
                connection.sendall(GREETING)
                if connection.recv(len(SETTINGS), socket.MSG_WAITALL)[3:4] != SETTINGS[3:4]:
                    raise OSError("what answers there is no Ray")
    except (OSError, OverflowError, UnicodeError) as error:
        raise _no_cluster(address, str(error)) from error


def _no_cluster(where: str, why: str) -> UsageError:
    return UsageError(
        f"no Ray cluster at {where}: {why}; start one by `ray start --head`, add nodes by `ray start "
        "--address=HOST:6379`, and give --address HOST:6379"
    )


def bootstrap(node: str) -> Callable[[bytes, Any], Any]:
    """What Ray carries to a node by its text, so that a node without this project can say so.

    node: the module there whose `carry_out` is given the order.
    """

    def metarl(order: bytes, mailbox: Any) -> Any:
        try:
            import importlib
            import pickle

            carry_out = importlib.import_module(node).carry_out
            job = pickle.loads(order)
        except Exception as error:
            import platform

            import ray

            here = ray.get_runtime_context().get_node_id()
            return here, f"node {here[:12]} ({platform.node()}): {type(error).__name__}: {error}"
        return carry_out(job, mailbox)

    return metarl


def raise_file_limit() -> None:
    """The lock of every run that is under way takes a descriptor."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
