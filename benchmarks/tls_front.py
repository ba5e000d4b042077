"""TLS before a server of this machine, in a process of its own, with a certificate of its own."""

import asyncio
import multiprocessing
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from flux_assets_tests.fixtures.sites import build_tls

_CHUNK_BYTES = 65_536


@contextmanager
def tls_front(folder: Path, base_url: str) -> Iterator[tuple[str, Path]]:
    """Serve `base_url` over https; gives the base URL there, and a CA bundle that trusts it.

    The bundle holds every public CA as well, so that it takes as long to load as anybody's.
    """
    _, certificate = build_tls(folder)
    bundle = folder / "bundle.pem"
    bundle.write_bytes(Path(DEFAULT_CA_BUNDLE_PATH).read_bytes() + certificate.read_bytes())
    hear, tell = multiprocessing.Pipe()
    port = urlsplit(base_url).port
    process = multiprocessing.Process(target=_serve, args=(certificate, port, tell), daemon=True)
    process.start()
    try:
        yield f"https://127.0.0.1:{hear.recv()}", bundle
    finally:
        process.kill()  # in the background, Dagster lets no SIGTERM through


def _serve(certificate: Path, port: int, tell: Connection) -> None:
    asyncio.run(_relay(certificate, port, tell))


async def _relay(certificate: Path, port: int, tell: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, to_behind = await asyncio.open_connection("127.0.0.1", port)
        # The simulator's addresses of pictures begin as the call's own did.
        to_behind.write(await reader.readline() + b"X-Forwarded-Proto: https\r\n")
        await asyncio.gather(_copy(reader, to_behind), _copy(behind, writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    tell.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(_CHUNK_BYTES):
            sink.write(data)
            await sink.drain()
    sink.close()
