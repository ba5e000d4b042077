"""The stand-ins for what is far away: the simulator and an S3, each a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from processes import clean_environ, command_of

MEGAPIXELS = 0.25  # 512 x 512

_MINISTACK = Path(__file__).parents[1] / ".venv-ministack" / "bin" / "ministack"
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "invented",
    "AWS_SECRET_ACCESS_KEY": "invented-too",
    "AWS_REGION": "us-east-1",
}
_DATA = "data"
_ACCOUNT = "000000000000"  # ministack's own, for a key that is no account's number
_START_SECONDS = 300
_LOOK_SECONDS = 0.1


@contextmanager
def simulator(
    folder: Path, latency_seconds: float = 0.0, *options: str, megapixels: float = MEGAPIXELS
) -> Iterator[str]:
    """Serve the image API's stand-in; gives its base URL."""
    command = [
        *(command_of("flux-assets"), "simulator", "--port", "0"),
        *("--state-dir", str(folder / "simulator"), "--latency", str(latency_seconds)),
        *("--megapixels", str(megapixels), *options),
    ]
    environ = clean_environ({})
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        if process.stdout is None:
            sys.exit("the simulator says nothing")
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def bucket_folder(folder: Path, bucket: str) -> Path:
    """Where the objects of a bucket lie that `s3(folder)` serves."""
    return folder / _DATA / _ACCOUNT / bucket


@contextmanager
def s3(folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve S3 as ministack does; gives the environment that AWS clients find it by.

    What lies in a `bucket_folder` when it starts are objects of that bucket.
    """
    if not _MINISTACK.exists():
        sys.exit(f"{_MINISTACK} is missing: run `make .venv-ministack/.ready`")
    (folder / _DATA).mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    environ = {
        **_CREDENTIALS,
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / _DATA),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
    }
    with (
        (folder / "s3.log").open("wb") as log,
        subprocess.Popen(
            [str(_MINISTACK)], env=clean_environ(environ), cwd=folder, stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait_until_ready(process, endpoint)
            yield {**_CREDENTIALS, "AWS_ENDPOINT_URL_S3": endpoint}
        finally:
            process.terminate()


def _wait_until_ready(process: "subprocess.Popen[bytes]", endpoint: str) -> None:
    give_up_at = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            if requests.get(f"{endpoint}/_ministack/ready", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(_LOOK_SECONDS)
    sys.exit("ministack did not start")
