"""What a page of S3's LIST costs in CPU time, beside boto3 reading the same page by itself.

The page of 1,000 objects comes from a server that is a process of its own, always the same one.

python benchmarks/listing.py
python benchmarks/listing.py --quick
"""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, ClassVar

import boto3

from figures import ROUNDS, Figure, at_most, run_alone
from flux_assets.storage.s3 import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_OBJECTS = 1_000
_OBJECT = (
    "<Contents><Key>images/hero/P-{0}/{0:032x}.png</Key>"
    "<LastModified>2026-11-27T01:02:03.000Z</LastModified><ETag>&quot;{0:032x}&quot;</ETag>"
    "<Size>1000000</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
_PAGE = (
    "<ListBucketResult><Name>b</Name><EncodingType>url</EncodingType><IsTruncated>false"
    f"</IsTruncated>{''.join(map(_OBJECT.format, range(_OBJECTS)))}</ListBucketResult>"
).encode()


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """One row."""
    pages = 2 if quick else 50
    with _server() as endpoint:
        plain, ours = (
            boto3.client(
                "s3",
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id="invented",
                aws_secret_access_key="invented-too",  # noqa: S106 - the server asks for none
            )
            for _ in range(2)
        )
        S3Store(ours, bucket="b")
        costs = [min(_time(client, pages) for _ in range(ROUNDS)) for client in (ours, plain)]
    return [
        Figure(
            name=f"CPU time of a LIST page of {_OBJECTS:,} objects, beside boto3's own reading",
            unit="ms",
            ours=costs[0],
            peer=costs[1],
            target=at_most(0.1),
        )
    ]


def _time(client: "S3Client", count: int) -> float:
    """Milliseconds of CPU that one page takes, after a first one."""
    client.list_objects_v2(Bucket="b")
    start = time.process_time()
    for _ in range(count):
        client.list_objects_v2(Bucket="b")
    return 1_000 * (time.process_time() - start) / count


class _Reply(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log_message: ClassVar = lambda *_: None

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)


def _serve(tell: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Reply)
    tell.send(server.server_port)
    server.serve_forever()


@contextmanager
def _server() -> Iterator[str]:
    hear, tell = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(tell,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{hear.recv()}"
    finally:
        process.kill()  # in the background, Dagster lets no SIGTERM through


if __name__ == "__main__":
    run_alone(measure, __doc__)
