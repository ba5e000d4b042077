import gc
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from flux_assets.buying.outcome import Outcome
from flux_assets.errors import PictureError
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.request import ImageRequest, build_image_request
from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets.pictures.photos.prepare import PreparedPhoto
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import (
    Bench,
    read_entry,
    read_photo_file,
)
from flux_assets_tests.fixtures.simulators import StartSimulator


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "mug.png"
    image = Image.new("RGBA", (160, 120), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    for place in range(0, 100, 10):
        draw.rectangle((30 + place, 20, 36 + place, 100), fill=(place * 2, 80, 200 - place, 255))
    image.save(path)
    return path


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "simulator"


@pytest.fixture
def bench(tmp_path: Path, state_dir: Path, start_simulator: StartSimulator) -> Bench:
    return Bench(
        store=HookedStore(DirectoryStore(tmp_path / "store")),
        simulator=start_simulator(state_dir=state_dir, megapixels=0.02),
    )


@pytest.fixture
def request_of(bench: Bench, photo: Path) -> "Ask":
    return Ask(bench, photo)


class Ask:
    """Builds requests that edit the photo as it is now."""

    def __init__(self, bench: Bench, photo: Path) -> None:
        self._bench = bench
        self._photo = photo

    def __call__(self, shot: str = "scene", *, flatten: str = "", prompt: str = "") -> ImageRequest:
        return build_image_request(
            product_id="1",
            shot=shot,
            prompt=prompt or "Place this Mug on a table",
            parameters={},
            source=read_photo_file(self._bench.store, self._photo),
            flatten=flatten,
        )


def uploads(state_dir: Path) -> list[Path]:
    return sorted((state_dir / "assets").iterdir())


def bill(state_dir: Path) -> int:
    return len(SimulatorState(state_dir).read_bill())


def test_a_photo_is_uploaded_once_and_named_in_the_call_and_in_the_lineage(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    outcomes = bench.open().generate([request_of("scene"), request_of("other")])

    assert {outcome.kind for outcome in outcomes} == {"generated"}
    assert len(uploads(state_dir)) == 1
    keys = {outcome.lineage.asset_key for outcome in outcomes if outcome.lineage}
    assert len(keys) == 1
    assert all(keys)
    lineage = outcomes[0].lineage
    assert lineage is not None
    assert (lineage.type, lineage.shot_mode) == ("IMAGE_EDITOR", "edit")
    assert lineage.digital_source_type == "compositeWithTrainedAlgorithmicMedia"
    assert lineage.source_uri.endswith("mug.png")


def test_another_run_uploads_nothing_again(bench: Bench, request_of: Ask, state_dir: Path) -> None:
    bench.open("run-1").obtain(request_of("scene"))

    outcome = bench.open("run-2").obtain(request_of("other"))

    assert outcome.kind == "generated"
    assert len(uploads(state_dir)) == 1


def test_of_two_runs_that_upload_a_photo_at_once_both_name_the_key_noted_first(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    first, second = bench.open("run-1"), bench.open("run-2")
    scene, other = request_of("scene"), request_of("other")
    beside: list[Outcome] = []

    def overtake(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("uploads/"):
            bench.store.before = lambda _operation, _key: None
            beside.append(second.obtain(other))

    bench.store.before = overtake
    outcomes = [first.obtain(scene), *beside]

    assert [(outcome.kind, outcome.calls) for outcome in outcomes] == [("generated", 1)] * 2
    assert (len(uploads(state_dir)), bill(state_dir)) == (2, 2)
    (memory,) = bench.store.list("uploads/")
    noted = json.loads(bench.store.get(memory.key).data)["asset_key"]
    assert {outcome.lineage.asset_key for outcome in outcomes if outcome.lineage} == {noted}


def test_a_crash_between_upload_and_call_uploads_and_pays_nothing_twice(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    request = request_of()

    def crash(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("ledger/"):
            raise Crash

    bench.store.before = crash
    with pytest.raises(Crash):
        bench.open("run-1").obtain(request)
    bench.store.before = lambda _operation, _key: None

    outcome = bench.open("run-2", dead_runs={"run-1"}).obtain(request)

    assert outcome.kind == "generated"
    assert (len(uploads(state_dir)), bill(state_dir)) == (1, 1)


def test_a_photo_that_the_vendor_has_forgotten_is_uploaded_again_and_paid_once(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    bench.open("run-1").obtain(request_of("scene"))
    (forgotten,) = uploads(state_dir)
    forgotten.unlink()

    outcome = bench.open("run-2").obtain(request_of("other"))

    assert (outcome.kind, outcome.calls) == ("generated", 1)
    assert len(uploads(state_dir)) == 1
    assert uploads(state_dir) != [forgotten]
    assert bill(state_dir) == 2


def test_a_moderated_edit_is_refused_without_another_upload(
    tmp_path: Path, photo: Path, start_simulator: StartSimulator, state_dir: Path
) -> None:
    simulator = start_simulator(
        state_dir=state_dir, megapixels=0.02, moderated_words=("forbidden",)
    )
    bench = Bench(store=HookedStore(DirectoryStore(tmp_path / "store")), simulator=simulator)
    ask = Ask(bench, photo)
    bench.open("run-1").obtain(ask("scene"))

    outcome = bench.open("run-2").obtain(ask("other", prompt="A forbidden scene"))

    assert outcome.kind == "refused"
    assert (len(uploads(state_dir)), bill(state_dir)) == (1, 1)


def test_a_gateways_522_on_the_editor_is_an_unknown_outcome_and_sent_at_most_twice(
    tmp_path: Path, photo: Path, start_simulator: StartSimulator, state_dir: Path
) -> None:
    faults = {"rates": {"gateway_522_billed": 1.0}}
    simulator = start_simulator(state_dir=state_dir, megapixels=0.02, faults=faults)
    bench = Bench(store=HookedStore(DirectoryStore(tmp_path / "store")), simulator=simulator)
    request = Ask(bench, photo)()

    (outcome,) = bench.open().generate([request])

    assert outcome.kind == "held"
    entry = read_entry(bench.store, request)
    assert (entry.state, entry.attempts) == ("unknown", 2)
    assert len(uploads(state_dir)) == 1


def test_transparent_parts_are_laid_on_the_colour_that_is_asked_for(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    bench.open().obtain(request_of(flatten="#00ff00"))

    (uploaded,) = uploads(state_dir)
    with Image.open(io.BytesIO(uploaded.read_bytes())) as image:
        red, green, blue = image.convert("RGB").getpixel((1, 1))  # type: ignore[misc] # three bands
    assert green > 200
    assert max(red, blue) < 60


def test_a_damaged_memory_of_an_upload_is_written_anew(bench: Bench, request_of: Ask) -> None:
    bench.open("run-1").obtain(request_of("scene"))
    (memory,) = bench.store.list("uploads/")
    bench.store.put(memory.key, b"{", content_type="application/json")

    outcome = bench.open("run-2").obtain(request_of("other"))

    assert outcome.kind == "generated"
    assert "asset_key" in json.loads(bench.store.get(memory.key).data)


def test_over_the_days_limit_no_photo_is_uploaded(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    outcome = bench.open(daily_limit=0).obtain(request_of())

    assert outcome.kind == "not_attempted"
    assert uploads(state_dir) == []


def test_edits_and_pictures_from_words_share_the_days_limit(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    run = bench.open(daily_limit=3, threads=1)
    mixed = [request_of("scene"), build_request("a"), request_of("other"), build_request("b")]

    outcomes = [*run.generate(mixed), *run.generate([request_of("third")])]

    kinds = [outcome.kind for outcome in outcomes]
    assert kinds == ["generated"] * 3 + ["not_attempted"] * 2
    assert (len(uploads(state_dir)), bill(state_dir)) == (1, 3)


def test_an_edit_whose_photo_is_forgotten_takes_one_of_the_days_limit(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    bench.open("run-1", budget_batch=1).generate([request_of("scene")])
    uploads(state_dir)[0].unlink()

    run = bench.open("run-2", daily_limit=3, budget_batch=1, threads=1)
    outcomes = run.generate([request_of("other"), build_request("a"), build_request("b")])

    assert [outcome.kind for outcome in outcomes] == ["generated", "generated", "not_attempted"]
    assert bill(state_dir) == 3


def test_an_edit_whose_photo_cannot_be_uploaded_takes_nothing_of_the_days_limit(
    bench: Bench, request_of: Ask, state_dir: Path, tmp_path: Path
) -> None:
    request = request_of()
    for path in (tmp_path / "store/photos").glob("*.*"):
        path.unlink()
    run = bench.open(daily_limit=1, threads=1)

    outcomes = run.generate([request, build_request("a")])

    assert [outcome.kind for outcome in outcomes] == ["failed", "generated"]
    assert (uploads(state_dir), bill(state_dir)) == ([], 1)


def test_a_picture_is_kept_although_its_photo_is_gone_from_the_store(
    bench: Bench, request_of: Ask, tmp_path: Path
) -> None:
    request = request_of()

    def lose_photo(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("images/"):
            return
        if operation == "put" and key.startswith("ledger/"):
            for path in (tmp_path / "store/photos").glob("*.*"):
                path.unlink()

    bench.store.after = lose_photo
    outcome = bench.open(preview_px=64).obtain(request)

    assert outcome.kind == "generated"
    assert outcome.lineage is not None
    assert outcome.lineage.recognition is None


def test_the_preview_shows_photo_and_picture_side_by_side(bench: Bench, request_of: Ask) -> None:
    outcome = bench.open(preview_px=200).obtain(request_of())

    with Image.open(io.BytesIO(outcome.preview)) as preview:
        assert preview.width > 1.8 * preview.height
    again = bench.open("run-2", preview_px=200).obtain(request_of())
    assert (again.kind, again.preview) == ("reused", outcome.preview)


def test_an_asynchronous_edit_keeps_its_asset_key(bench: Bench, request_of: Ask) -> None:
    outcome = replace(bench, run_async=True).open().obtain(request_of())

    assert outcome.kind == "generated"
    assert outcome.lineage is not None
    assert outcome.lineage.asset_key


def test_a_picture_is_stored_before_it_is_compared_with_its_photo(
    bench: Bench, request_of: Ask, state_dir: Path
) -> None:
    request = request_of()
    stored: list[str] = []

    def note(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("images/"):
            stored.append(key)

    def crash(operation: str, key: str) -> None:
        if stored and operation == "get" and key.startswith("photos/"):
            raise Crash

    bench.store.after, bench.store.before = note, crash
    with pytest.raises(Crash):
        bench.open("run-1").obtain(request)
    bench.store.before = lambda _operation, _key: None

    outcome = bench.open("run-2", dead_runs={"run-1"}, preview_px=64).obtain(request)

    assert (outcome.kind, bill(state_dir)) == ("reused", 1)
    assert read_entry(bench.store, request).state == "stored"


def test_a_picture_that_cannot_be_shown_beside_its_photo_is_kept_and_shown_alone(
    bench: Bench, request_of: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object, **__: object) -> bytes:
        raise PictureError("the picture is damaged: what it says of itself")

    monkeypatch.setattr("flux_assets.pictures.likeness.build_pair_preview", stumble)

    outcome = bench.open(preview_px=64).obtain(request_of())

    assert outcome.kind == "generated"
    with Image.open(io.BytesIO(outcome.preview)) as preview:
        assert preview.width <= 64


def test_a_photo_is_not_held_while_its_upload_waits_for_its_turn(
    bench: Bench, request_of: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as are in flight may wait at once, each with a photo of some megabytes."""
    held: list[int] = []
    spend = Pace.spend_request

    def spend_noting(self: Pace, **options: Any) -> None:  # noqa: ANN401 - as they are
        held.append(sum(isinstance(it, PreparedPhoto) for it in gc.get_objects()))
        spend(self, **options)

    monkeypatch.setattr(Pace, "spend_request", spend_noting)
    outcome = bench.open().obtain(request_of(flatten="#00ff00"))
    assert outcome.kind == "generated"
    assert held == [0]
