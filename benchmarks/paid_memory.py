"""Peak memory of buying large pictures that all come at once, beside the budget of pixels.

The server answers no call until as many wait as are in flight; all then name one picture of 4
megapixels, with the grain of a photo (a PNG of 9 MB). The process that buys is one of its own, with
a directory store and the core alone; what one needs that buys a single picture is taken off. What
the pictures may add is 20 MB for each megapixel of the budget.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

from figures import Figure, at_most, run_alone
from flux_assets.settings import Settings, variable_of
from processes import run_measured
from scratch import make_scratch_folder

_BYTES_A_PIXEL = 20
_BOUNDLESS_MEGAPIXELS = 1e6
_WAIT_SECONDS = 60
_DRAW = """
import sys
import numpy as np
from PIL import Image
side = int(sys.argv[1])
grain = np.random.default_rng(7).integers(0, 24, (side, side, 3), np.uint8)
slope = (np.arange(side) * 200 // side).astype(np.uint8)
Image.fromarray(grain + slope[:, None, None]).save(sys.argv[2], "PNG", compress_level=1)
"""
_BUY = """
import json, logging, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from buying import buy
from flux_assets.storage.directory import DirectoryStore
logging.disable(logging.WARNING)
buy(DirectoryStore(Path(sys.argv[2])), sys.argv[3], **json.loads(sys.argv[4]))
"""


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Mebibytes that the pictures add, with the default budget and with none to speak of."""
    in_flight, side_px = (4, 256) if quick else (64, 2048)
    budget = Settings().max_decoded_megapixels
    picture = make_scratch_folder() / "picture.png"
    subprocess.run([sys.executable, "-c", _DRAW, str(side_px), str(picture)], check=True)
    one, bounded, boundless = (
        _measure_peak(picture, pictures=pictures, in_flight=at_once, megapixels=megapixels)
        for pictures, at_once, megapixels in (
            (1, 1, budget),
            (2 * in_flight, in_flight, budget),
            (2 * in_flight, in_flight, _BOUNDLESS_MEGAPIXELS),
        )
    )
    allowed = budget * 1_000_000 * _BYTES_A_PIXEL
    what = (
        f"peak memory that {2 * in_flight} pictures of {side_px} x {side_px} add, {in_flight} "
        "in flight"
    )
    return [
        Figure(
            name=f"{what}, within {budget:g} megapixels, beside 20 MB for each of these",
            unit="MiB",
            ours=(bounded - one) / 2**20,
            peer=allowed / 2**20,
            target=at_most(1.0),
        ),
        Figure(name=f"{what}, without a budget", unit="MiB", ours=(boundless - one) / 2**20),
    ]


def _measure_peak(picture: Path, *, pictures: int, in_flight: int, megapixels: float) -> int:
    """Bytes of a process that buys so many."""
    work = {
        "pictures": pictures,
        "in_flight": in_flight,
        "extra": {variable_of("max_decoded_megapixels"): str(megapixels)},
    }
    store = picture.with_name(f"store-{uuid4().hex}")
    with _serve(picture.read_bytes(), in_flight) as base_url:
        arguments = (str(Path(__file__).parent), str(store), base_url, json.dumps(work))
        return run_measured(
            [sys.executable, "-c", _BUY, *arguments], folder=picture.parent
        ).peak_bytes


@contextmanager
def _serve(picture: bytes, in_flight: int) -> Iterator[str]:
    """An image API that answers when so many wait, and always with this picture."""
    all_wait = threading.Barrier(in_flight)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            all_wait.wait(_WAIT_SECONDS)
            url = f"http://{self.headers['Host']}/picture.png"
            record = {"uuid": uuid4().hex, "status": "SUCCESS", "temporaryUrl": url}
            self._answer(json.dumps({"aiRecord": record}).encode(), "application/json")

        def do_GET(self) -> None:
            self._answer(picture, "image/png")

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, body: bytes, content_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


if __name__ == "__main__":
    run_alone(measure, __doc__)
