"""Whole purchases of hostile products, of hostile pictures, and onto a disk that is full."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from flux_assets.buying.outcome import Outcome
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import MAX_PIXELS
from flux_assets.storage.object_store import ledger_key, picture_key
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import (
    Bench,
    build_bench,
    fetching_by,
    leave_accepted,
    read_entry,
)
from flux_assets_tests.fixtures.scripted_servers import Serve, http, make_client, open_servers
from flux_assets_tests.fixtures.simulators import StartSimulator, is_picture

REQUEST = build_request()
HOSTILE_IDS = (
    *("../../x", "..", ".", "/etc/passwd", "a%2Fb", "a/b", "%2e%2e/x", "a\\b", "~root", ".tmp"),
    *("C:con", "x" * 300, "\N{DUCK}" * 300, "a\u202eb", "a b\tc", "a\nb", "-rf", "$(id)", "'; --"),
    *("e\u0301", "\u00e9", "Ä", "ä", "image.png", "?a=b#c", "*", "\N{DUCK}"),
)


@pytest.fixture
def bench(tmp_path: Path, start_simulator: StartSimulator) -> Bench:
    """A new directory store and a simulator that does nothing wrong."""
    return build_bench(tmp_path, start_simulator)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_servers() as serve:
        yield serve


def files_below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


# --- Products ---------------------------------------------------------------------------------


def test_any_product_id_lands_in_its_own_folder_and_nowhere_else(
    bench: Bench, tmp_path: Path
) -> None:
    before = files_below(tmp_path)
    requests = [build_request(product_id) for product_id in HOSTILE_IDS]

    outcomes = bench.open().generate(requests)

    assert {outcome.kind for outcome in outcomes} == {"generated"}
    added = {path for path in files_below(tmp_path) - before if path.parts[0] != "simulator"}
    ours = {path for path in added if path.parts[1] not in {".locks", ".metadata"}}
    expected = {Path("store", key) for request in requests for key in keys_of(request)}
    assert ours >= expected
    assert {path.parts[1] for path in ours - expected} == {"budget"}
    assert {path.parts[0] for path in added} == {"store"}
    folders = {path.parts[3] for path in ours if path.parts[1] == "images"}
    assert len(folders) == len(HOSTILE_IDS)
    assert all(outcome.kind == "reused" for outcome in bench.open("run-2").generate(requests))
    assert bench.paid == len(HOSTILE_IDS)


def keys_of(request: ImageRequest) -> tuple[str, str]:
    picture = picture_key(
        shot=request.shot,
        product_id=request.product_id,
        fingerprint=request.fingerprint,
        extension="png",
    )
    return picture, ledger_key(request.fingerprint)


# --- Pictures ---------------------------------------------------------------------------------


def draw_bomb() -> bytes:
    """A small PNG of more pixels than are opened."""
    side = int(MAX_PIXELS**0.5) + 1
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


def land_from(bench: Bench, serve: Serve, body: bytes) -> Outcome:
    """What becomes of a paid picture in whose place a server always gives these bytes."""
    leave_accepted(bench.open("run-1"), REQUEST)
    server = serve(*[http("200 OK", body, Content_Type="image/png")] * 100)
    purchase = bench.open("run-2").purchase
    return fetching_by(purchase, make_client(server.url)).obtain(REQUEST)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<!doctype html><title>Sign in</title>", "an HTML page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "an SVG drawing"),
        (b"GIF89a" + bytes(20), "unknown bytes"),
        (b"%PDF-1.7 " + bytes(20), "a PDF"),
        (b"", "nothing at all"),
    ],
    ids=["html", "svg", "gif", "pdf", "empty"],
)
def test_what_only_says_that_it_is_a_picture_is_never_stored(
    bench: Bench, serve: Serve, body: bytes, what: str
) -> None:
    outcome = land_from(bench, serve, body)

    assert (outcome.kind, outcome.calls) == ("failed", 0)
    assert what in outcome.reason
    assert list(bench.store.list("images/")) == []
    assert read_entry(bench.store, REQUEST).state == "accepted"
    bench.pass_time(minutes=1)
    assert bench.open("run-3").obtain(REQUEST).kind == "recovered"


def test_a_picture_that_would_fill_the_memory_is_never_stored(bench: Bench, serve: Serve) -> None:
    outcome = land_from(bench, serve, draw_bomb())

    assert (outcome.kind, outcome.calls) == ("failed", 0)
    assert f"pixels are more than {MAX_PIXELS}" in outcome.reason
    assert list(bench.store.list("images/")) == []
    assert read_entry(bench.store, REQUEST).state == "accepted"


# --- A full disk ------------------------------------------------------------------------------


def test_a_disk_that_fills_up_with_the_picture_leaves_it_for_the_next_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def run_out_of_space(descriptor: int) -> None:
        """The ledger's small files still fit."""
        file = os.fstat(descriptor)
        if stat.S_ISREG(file.st_mode) and file.st_size > 4_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", run_out_of_space)

    first = bench.open("run-1").obtain(REQUEST)

    assert (first.kind, first.calls) == ("failed", 1)
    assert first.reason.startswith(
        "paid and not stored yet; the next run fetches it without a call: could not write "
    )
    assert first.reason.endswith(
        ": the disk is full; free some space or choose another place with FLUX_ASSETS_STORE"
    )
    assert read_entry(bench.store, REQUEST).state == "accepted"
    assert list(bench.store.list("images/")) == []
    monkeypatch.undo()
    second = bench.open("run-2").obtain(REQUEST)
    assert (second.kind, second.calls, bench.paid) == ("recovered", 0, 1)
    assert second.lineage is not None
    assert is_picture(bench.store.get(second.lineage.object_key).data)


def test_a_disk_that_is_full_from_the_start_buys_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out_of_space(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", run_out_of_space)

    (outcome,) = bench.open().generate([REQUEST])

    assert (outcome.kind, outcome.calls, bench.paid) == ("failed", 0, 0)
    assert "the disk is full" in outcome.reason
