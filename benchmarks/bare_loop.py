"""The least that buying a picture can take: a call, a download, a look at it, a durable file."""

import hashlib
import io
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from PIL import Image

from flux_assets.image_api.protocol import build_submit_body
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.simulator.options import SAMPLE_KEY

_TIMEOUT_SECONDS = 180


def run_bare_loop(
    folder: Path, base_url: str, wanted: list[ImageRequest], *, threads: int
) -> float:
    """CPU seconds of this process to buy these pictures into a folder, and nothing more."""
    folder.mkdir(parents=True)

    def buy(request: ImageRequest) -> str:
        reply = requests.post(
            f"{base_url}/api/features",
            json=build_submit_body(request, run_async=False),
            headers={"API-KEY": SAMPLE_KEY},
            timeout=_TIMEOUT_SECONDS,
        )
        reply.raise_for_status()
        url = reply.json()["aiRecord"]["temporaryUrl"]
        picture = requests.get(url, timeout=_TIMEOUT_SECONDS)
        picture.raise_for_status()
        with Image.open(io.BytesIO(picture.content)) as image:
            image.load()
        digest = hashlib.sha256(picture.content).hexdigest()
        with (folder / f"{request.fingerprint}.png").open("xb") as file:
            file.write(picture.content)
            file.flush()
            os.fsync(file.fileno())
        return digest

    began = time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        digests = list(pool.map(buy, wanted))
    seconds = time.process_time() - began
    if len(digests) != len(wanted):
        sys.exit("the bare loop lost pictures")
    return seconds
