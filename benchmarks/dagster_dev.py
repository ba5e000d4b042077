"""The whole of Dagster as `flux-assets dev` starts it: web server, daemon and code locations."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from processes import clean_environ, command_of

WEB_SERVER = ("dagster_webserver",)
CODE_LOCATION = ("dagster code-server", "dagster api grpc")

_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class DagsterDev:
    """One under way, and the session that its processes are in."""

    url: str
    session: int

    def peak_bytes(self, *commands: str) -> int:
        """The peak memory of its processes that run one of these commands, added up."""
        return sum(
            _read_peak_bytes(process)
            for process in Path("/proc").glob("[0-9]*")
            if _is_of(process, self.session, commands)
        )


@contextmanager
def dagster_dev(folder: Path, environ: Mapping[str, str]) -> Iterator[DagsterDev]:
    """Run it in a shop's folder, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        (folder / "dev.log").open("wb") as log,
        subprocess.Popen(
            [command_of("flux-assets"), "dev", "--port", str(port)],
            cwd=folder,
            env=clean_environ(environ),
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_served(process, url)
            yield DagsterDev(url=url, session=process.pid)
        finally:  # not reaped yet, so the group is still this process's own
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until_served(process: "subprocess.Popen[bytes]", url: str) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            if requests.get(f"{url}/server_info", timeout=60).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(_LOOK_SECONDS)
    sys.exit("Dagster does not start")


def _is_of(process: Path, session: int, commands: tuple[str, ...]) -> bool:
    try:
        if os.getsid(int(process.name)) != session:
            return False
        command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:  # it has ended
        return False
    return any(one in command for one in commands)


def _read_peak_bytes(process: Path) -> int:
    lines = (process / "status").read_text("utf-8").splitlines()
    [kibibytes] = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kibibytes) * 1024
