"""Which process this is, and whether another one is proven to be gone."""

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """One process of one boot of one host; all empty or zero means that nothing is provable.

    `host` includes the process-id namespace, since containers may share a host's name and boot.
    `start_ticks` is the kernel's own start time, which no clock adjustment moves.
    """

    host: str
    boot_id: str
    pid: int
    start_ticks: int


@cache
def _identify(pid: int) -> ProcessIdentity:
    try:
        namespace = Path("/proc/self/ns/pid").readlink()
        boot_id = _BOOT_ID.read_text("ascii").strip()
        state = _read_state(pid)
    except OSError:
        state = None
    if state is None:
        return ProcessIdentity(host="", boot_id="", pid=pid, start_ticks=0)
    return ProcessIdentity(
        host=f"{socket.gethostname()} {namespace}",
        boot_id=boot_id,
        pid=pid,
        start_ticks=state[1],
    )


def this_process() -> ProcessIdentity:
    """The identity to put into a claim; correct after a fork as well."""
    return _identify(os.getpid())


def is_process_gone(other: ProcessIdentity) -> bool:
    """Whether `other` is proven to have ended: it ran on this very host and boot, and is no more.

    False proves nothing: the process may run, or it ran where this one cannot look.
    """
    here = this_process()
    if not here.boot_id or (other.host, other.boot_id) != (here.host, here.boot_id):
        return False
    try:
        state = _read_state(other.pid)
    except OSError:
        return False
    if state is None:
        return not _has_pid(other.pid)
    return state[0] in "ZXx" or state[1] != other.start_ticks


def _has_pid(pid: int) -> bool:
    """Whether a process has this id, also one of another user whom /proc may hide (hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _read_state(pid: int) -> tuple[str, int] | None:
    """The kernel's state letter and start ticks of a process; None where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    return fields[0], int(fields[19])
