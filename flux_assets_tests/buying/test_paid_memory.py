"""What is held in memory at once of the pictures that a run buys, seen at Pillow's own doors."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile

from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.memory_budget import BYTES_A_PIXEL, MemoryBudget
from flux_assets_tests.fixtures.api_options import options_for
from flux_assets_tests.fixtures.image_requests import build_request, build_requests
from flux_assets_tests.fixtures.purchases import (
    Bench,
    Run,
    build_bench,
    fetching_by,
    keep_photo,
    leave_accepted,
    read_entry,
)
from flux_assets_tests.fixtures.simulators import StartSimulator

SIDE_PX = 144  # of the simulator's pictures of 0.02 megapixels
PIXELS = SIDE_PX * SIDE_PX
PHOTO_PIXELS = 500 * 500
SECONDS = 60


@dataclass
class Meter:
    """How much there is of something, by whom it belongs to, and the most there ever was."""

    peak: int = 0
    of: dict[int, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: int, amount: int) -> None:
        with self.lock:
            self.of[key] = amount
            self.peak = max(self.peak, sum(self.of.values()))

    def drop(self, key: int) -> None:
        with self.lock:
            self.of.pop(key, None)


@dataclass
class Decoder:
    """Pillow, with the pixels of every file that it has unpacked and that is not closed yet.

    `before_load` is called as one is to be unpacked, and may hold it up or fail.
    """

    unpacked: Meter = field(default_factory=Meter)
    before_load: Callable[[], object] = lambda: None


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Decoder:
    found = Decoder()
    load, close = ImageFile.ImageFile.load, Image.Image.close

    def load_metered(image: ImageFile.ImageFile) -> Any:  # noqa: ANN401 - as Pillow gives it
        if image.tile and threading.current_thread().name.startswith("picture"):
            found.unpacked.add(id(image), image.width * image.height)
            found.before_load()
        return load(image)

    def close_metered(image: Image.Image) -> None:
        close(image)
        found.unpacked.drop(id(image))

    monkeypatch.setattr(ImageFile.ImageFile, "load", load_metered)
    monkeypatch.setattr(Image.Image, "close", close_metered)
    return found


@pytest.fixture
def bench(tmp_path: Path, start_simulator: StartSimulator) -> Bench:
    return build_bench(tmp_path, start_simulator, megapixels=0.02)


def open_run(bench: Bench, budget: float, **options: Any) -> Run:  # noqa: ANN401 - of `open`
    return bench.open(threads=9, pixels=MemoryBudget(budget), **options)


def buy(run: Run, requests: list[ImageRequest]) -> list[str]:
    return [outcome.kind for outcome in run.generate(requests)]


def test_as_many_pictures_are_decoded_at_once_as_the_budget_has_pixels_for(
    bench: Bench, decoder: Decoder
) -> None:
    """Three go on only once three are there, so that fewer at once would not come to an end."""
    three = threading.Barrier(3)
    decoder.before_load = lambda: three.wait(SECONDS)

    kinds = buy(open_run(bench, 3 * PIXELS), build_requests(9))

    assert set(kinds) == {"generated"}
    assert decoder.unpacked.peak == 3 * PIXELS


@pytest.mark.parametrize("budget", [10, PIXELS - 1, PIXELS, 2 * PIXELS - 1])
def test_a_picture_that_is_larger_than_the_budget_is_decoded_alone(
    bench: Bench, decoder: Decoder, budget: int
) -> None:
    kinds = buy(open_run(bench, budget), build_requests(9))
    assert set(kinds) == {"generated"}
    assert decoder.unpacked.peak == PIXELS


def test_pictures_made_from_photos_are_shown_and_scored_within_the_budget(
    bench: Bench, decoder: Decoder, tmp_path: Path
) -> None:
    """Each is decoded by itself, for its preview and for its score; so is its photo."""
    requests = [
        build_request(name, photo_sha256=keep_photo(bench.store, tmp_path, name))
        for name in ("mug", "cap", "bag", "pen", "hat", "cup")
    ]

    outcomes = open_run(bench, PHOTO_PIXELS, preview_px=64).generate(requests)

    assert {outcome.kind for outcome in outcomes} == {"generated"}
    assert all(outcome.preview for outcome in outcomes)
    assert decoder.unpacked.peak == PHOTO_PIXELS


def test_a_decoder_that_fails_keeps_no_part_of_the_budget(bench: Bench, decoder: Decoder) -> None:
    fails = iter([True, True, False, True, True])

    def fail() -> None:
        if next(fails, False):
            message = "broken data stream"
            raise OSError(message)

    decoder.before_load = fail
    requests = build_requests(6)

    kinds = buy(open_run(bench, PIXELS), requests)

    assert "generated" in kinds
    assert decoder.unpacked.peak == PIXELS
    assert not decoder.unpacked.of
    kinds = buy(open_run(bench, PIXELS, run_id="run-2"), requests)
    assert set(kinds) <= {"reused", "recovered"}
    assert bench.paid == 6


class MeteredClient(ImageApiClient):
    """A client that counts the bytes that were downloaded, until their picture is stored."""

    meter: Meter

    def download(self, url_or_key: str, **options: Any) -> bytes:  # noqa: ANN401 - as they are
        data = super().download(url_or_key, **options)
        self.meter.add(threading.get_ident(), len(data))
        return data


def test_no_more_files_are_downloaded_than_there_is_room_for(bench: Bench) -> None:
    """Two are held until two are there; a file counts twice, for it may be copied once."""
    requests, held = build_requests(8), []
    for request in requests:
        leave_accepted(bench.open("run-0"), request)
    meter, two = Meter(), threading.Barrier(2)

    def wait_for_another(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("images/"):
            two.wait(SECONDS)
            held.append(len(meter.of))
            meter.drop(threading.get_ident())

    largest = max(_sizes(bench, requests))
    run = open_run(bench, 2 * 2 * largest / BYTES_A_PIXEL)
    client = MeteredClient(
        options_for(bench.simulator.base_url), api_key=run.purchase.sender.caller.client._api_key
    )
    client.meter = meter
    bench.store.before = wait_for_another

    run = replace(run, purchase=fetching_by(run.purchase, client))
    outcomes = run.generate(requests)

    assert {outcome.kind for outcome in outcomes} == {"recovered"}
    assert max(held) == 2


def _sizes(bench: Bench, requests: list[ImageRequest]) -> Iterator[int]:
    client = bench.open("run-0").purchase.sender.caller.client
    for request in requests:
        url = read_entry(bench.store, request).temporary_url
        yield len(client.download(url, timeout_seconds=SECONDS))
