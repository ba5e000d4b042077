import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flux_assets.bill import process_identity
from flux_assets.bill.process_identity import ProcessIdentity, find_life, this_process

_ROOT = Path(__file__).parents[2]
_TELL_WHO_IT_IS = """
import dataclasses, json, sys
from flux_assets.bill.process_identity import this_process
print(json.dumps(dataclasses.asdict(this_process())), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other() -> "Iterator[subprocess.Popen[str]]":
    """Another process of this code that waits until its input ends."""
    with subprocess.Popen(  # noqa: S603 - this interpreter and the text above
        [sys.executable, "-c", _TELL_WHO_IT_IS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    ) as child:
        yield child
        if child.stdin and not child.stdin.closed:
            child.stdin.close()


def read_identity(child: "subprocess.Popen[str]") -> ProcessIdentity:
    assert child.stdout is not None
    return ProcessIdentity(**json.loads(child.stdout.readline()))


def test_this_process_is_not_gone() -> None:
    me = this_process()
    assert me.pid == os.getpid()
    assert me.host
    assert me.boot_id
    assert find_life(me) == "alive"


def test_another_process_is_gone_once_it_has_ended(other: "subprocess.Popen[str]") -> None:
    identity = read_identity(other)
    assert identity.pid == other.pid
    assert find_life(identity) == "alive"

    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    assert find_life(identity) == "dead"
    other.wait()
    assert find_life(identity) == "dead"


def test_another_process_with_the_same_id_is_not_the_same() -> None:
    me = this_process()
    assert find_life(replace(me, start_ticks=me.start_ticks - 1)) == "dead"


def test_a_process_elsewhere_or_before_a_reboot_proves_nothing() -> None:
    gone = replace(this_process(), start_ticks=1)
    assert find_life(gone) == "dead"
    assert find_life(replace(gone, host="another")) == "unknown"
    assert find_life(replace(gone, boot_id="another")) == "unknown"


def test_where_nothing_can_be_known_nothing_is_proven(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(process_identity, "_BOOT_ID", tmp_path / "absent")
    process_identity._identify.cache_clear()
    try:
        me = this_process()
        assert me == ProcessIdentity(host="", boot_id="", pid=os.getpid(), start_ticks=0)
        assert find_life(replace(me, pid=2**22 + 1)) == "unknown"
    finally:
        process_identity._identify.cache_clear()


def test_a_process_that_proc_hides_is_not_gone(
    other: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = read_identity(other)
    this_process()  # remembered before /proc is made to hide everybody
    monkeypatch.setattr(process_identity, "_read_state", lambda _pid, _tid=None: None)
    assert find_life(identity) == "unknown"
    other.kill()
    other.wait()
    assert find_life(identity) == "dead"


def test_a_forked_child_is_another_process() -> None:
    script = """
import os
from flux_assets.bill.process_identity import this_process
this_process()
child = os.fork()
if child == 0:
    print(this_process().pid == os.getpid(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    told = subprocess.run(  # noqa: S603 - this interpreter and the text above
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=_ROOT
    )
    assert told.stdout == "True\n"
