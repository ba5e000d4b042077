"""An S3 whose pictures are only names: LIST shows them, and nobody had to store millions.

It stands before an S3 stand-in, which has all else, in a process of its own.
"""

import http.client
import multiprocessing
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, quote, unquote, urlsplit

_PICTURES = "images/"
_PAGE_KEYS = 1_000
_LAST = "\x7f"
_OBJECT = (
    "<Contents><Key>{}</Key><LastModified>2026-11-27T01:02:03.000Z</LastModified>"
    "<ETag>&quot;00000000000000000000000000000000&quot;</ETag><Size>1000000</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
)
_HOP_BY_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}


@contextmanager
def listed_pictures(endpoint: str, keys: Path) -> Iterator[str]:
    """Serve the S3 at `endpoint` with these pictures, a key a line, in order; gives its URL."""
    hear, tell = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(endpoint, keys, tell), daemon=True
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{hear.recv()}"
    finally:
        process.terminate()


def _serve(endpoint: str, keys: Path, tell: Connection) -> None:
    _Front.behind = urlsplit(endpoint).netloc
    _Front.keys = keys.read_text("ascii").splitlines()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Front) as server:
        tell.send(server.server_port)
        server.serve_forever()


class _Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind: ClassVar[str]
    keys: ClassVar[list[str]]

    def do_GET(self) -> None:
        asked = {name: texts[0] for name, texts in parse_qs(urlsplit(self.path).query).items()}
        if "list-type" in asked and asked.get("prefix", "").startswith(_PICTURES):
            self._answer(200, {"Content-Type": "application/xml"}, _list(self.keys, asked))
        else:
            self._pass_on()

    def do_PUT(self) -> None:
        key, at = self._find_key()
        if key.startswith(_PICTURES) and self.keys[at : at + 1] != [key]:
            self.keys.insert(at, key)
        self._pass_on()

    def _find_key(self) -> tuple[str, int]:
        """Which object is meant, and where its key is or would be."""
        _, _, quoted = urlsplit(self.path).path.lstrip("/").partition("/")
        key = unquote(quoted)
        return key, bisect_left(self.keys, key)

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: it for name, it in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        behind = http.client.HTTPConnection(self.behind)
        behind.request(self.command, self.path, body, headers)
        reply = behind.getresponse()
        kept = {name: it for name, it in reply.getheaders() if name.lower() not in _HOP_BY_HOP}
        self._answer(reply.status, kept, reply.read())
        behind.close()

    def do_HEAD(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def do_DELETE(self) -> None:
        key, at = self._find_key()
        if self.keys[at : at + 1] == [key]:
            del self.keys[at]
        self._pass_on()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, text in headers.items():
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, text)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _list(keys: list[str], asked: dict[str, str]) -> bytes:
    prefix, most = asked["prefix"], int(asked.get("max-keys", _PAGE_KEYS))
    after = asked.get("continuation-token") or asked.get("start-after", "")
    begin = max(bisect_left(keys, prefix), bisect_right(keys, after))
    end = bisect_left(keys, prefix + _LAST)
    parts: list[str] = []
    if asked.get("delimiter"):
        last = begin
        while last < end and len(parts) < most:
            name, slash, _ = keys[last][len(prefix) :].partition("/")
            folder = f"{prefix}{name}/"
            if slash:
                parts.append(f"<CommonPrefixes><Prefix>{quote(folder)}</Prefix></CommonPrefixes>")
                last = bisect_left(keys, folder + _LAST)
            else:
                parts.append(_OBJECT.format(quote(keys[last])))
                last += 1
    else:
        last = min(begin + most, end)
        parts = [_OBJECT.format(quote(key)) for key in keys[begin:last]]
    more = ""
    if last < end:
        more = f"<NextContinuationToken>{quote(keys[last - 1])}</NextContinuationToken>"
    return (
        f"<ListBucketResult><Name>b</Name><EncodingType>url</EncodingType><IsTruncated>"
        f"{str(last < end).lower()}</IsTruncated>{more}{''.join(parts)}</ListBucketResult>"
    ).encode()
