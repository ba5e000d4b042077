"""Which process and thread this is, and what can be proven of another one."""

import os
import socket
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

Life = Literal["alive", "dead", "unknown"]

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


class ThreadIdentity(NamedTuple):
    """One thread of a process: a worker's process may outlive the step that it worked on."""

    tid: int
    start_ticks: int


NO_THREAD = ThreadIdentity(0, 0)
"""Where the thread is not known, its process alone is asked."""


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


def this_thread() -> ThreadIdentity:
    """The identity of whoever asks."""
    tid = threading.get_native_id()
    try:
        state = _read_state(os.getpid(), tid)
    except OSError:
        state = None
    return NO_THREAD if state is None else ThreadIdentity(tid, state[1])


def find_life(process: ProcessIdentity, thread: ThreadIdentity = NO_THREAD) -> Life:
    """What can be proven of a process, and of one thread of it.

    `alive`, also while it is stopped; `dead`, if it ran on this very host and boot and is no
    more; `unknown`, where this process cannot look.
    """
    here = this_process()
    if not here.boot_id or (process.host, process.boot_id) != (here.host, here.boot_id):
        return "unknown"
    try:
        state = _read_state(process.pid)
        if state is None:
            return "unknown" if _has_pid(process.pid) else "dead"
        if _is_another(state, process.start_ticks):
            return "dead"
        if thread == NO_THREAD:
            return "alive"
        state = _read_state(process.pid, thread.tid)
    except OSError:
        return "unknown"
    return "dead" if state is None or _is_another(state, thread.start_ticks) else "alive"


def _is_another(state: tuple[str, int], start_ticks: int) -> bool:
    """Whether what is there has ended, or is not what began then."""
    return state[0] in "ZXx" or state[1] != start_ticks


def _has_pid(pid: int) -> bool:
    """Whether a process has this id, also one of another user whom /proc may hide (hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _read_state(pid: int, tid: int | None = None) -> tuple[str, int] | None:
    """The kernel's state letter and start ticks of a process or thread; None where none is."""
    folder = f"/proc/{pid}" if tid is None else f"/proc/{pid}/task/{tid}"
    try:
        stat = Path(f"{folder}/stat").read_text("ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    return fields[0], int(fields[19])
