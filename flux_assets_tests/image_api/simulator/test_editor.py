import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

from flux_assets.image_api.simulator.options import SimulatorOptions
from flux_assets.image_api.simulator.server import RunningSimulator, running_simulator
from flux_assets_tests.fixtures.simulators import (
    FakeTime,
    StartSimulator,
    draw_photo,
    get_result,
    is_picture,
    post_asset,
    post_call,
    post_edit,
    upload_photo,
)


def _record(reply: requests.Response) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    record: dict[str, Any] = reply.json()["aiRecord"]
    return record


def _download(reply: requests.Response) -> bytes:
    download = requests.get(_record(reply)["temporaryUrl"], timeout=10)
    assert download.status_code == 200, download.text
    return download.content


def _size(reply: requests.Response) -> tuple[int, int]:
    return Image.open(io.BytesIO(_download(reply))).size


def _refusal(reply: requests.Response) -> tuple[int, str]:
    """The provider's own status and words."""
    assert reply.status_code == 400
    assert reply.json()["errorCode"] == "EXTERNAL_API_RESPONSE_WITH_ERROR"
    response = json.loads(reply.json()["details"])["response"]
    return response["status"], response["data"]["message"]


# --- Making pictures -------------------------------------------------------------------------


def test_an_editor_call_answers_with_the_photo_in_a_scene(simulator: RunningSimulator) -> None:
    key = upload_photo(simulator, draw_photo())
    reply = post_edit(simulator, "on a table", key, aspect_ratio="1:1", seed=7)
    record = _record(reply)
    assert (record["type"], record["status"]) == ("IMAGE_EDITOR", "SUCCESS")
    assert record["aiRecordDetail"]["promptObject"]["imageUrl"] == key
    picture = Image.open(io.BytesIO(_download(reply))).convert("RGB")
    red, green, blue = picture.getpixel((picture.width // 2, picture.height * 3 // 5))  # type: ignore[misc]  # of RGB
    assert red > 100 > max(green, blue)
    (line,) = simulator.state.read_bill()
    assert (line.type, line.uuid, line.prompt) == ("IMAGE_EDITOR", record["uuid"], "on a table")


def test_the_photos_ratio_is_kept_unless_another_is_asked_for(simulator: RunningSimulator) -> None:
    key = upload_photo(simulator, draw_photo((300, 200)))
    assert _size(post_edit(simulator, "on a table", key)) == (96, 64)
    matched = post_edit(simulator, "on a table", key, aspect_ratio="match_input_image")
    assert _size(matched) == (96, 64)
    assert _size(post_edit(simulator, "on a table", key, aspect_ratio="4:5")) == (64, 80)


def test_an_asynchronous_editor_call_is_polled(simulator: RunningSimulator) -> None:
    key = upload_photo(simulator, draw_photo())
    record = _record(post_edit(simulator, "on a table", key, is_async=True))
    assert record["status"] == "PROCESSING"
    assert is_picture(_download(get_result(simulator, record["uuid"])))


def test_a_later_simulator_draws_the_same_edited_picture(
    tmp_path: Path, start_simulator: StartSimulator
) -> None:
    options = SimulatorOptions(megapixels=0.01)
    with running_simulator(tmp_path / "simulator", options=options) as earlier:
        reply = post_edit(earlier, "on a table", upload_photo(earlier, draw_photo()))
        data = _download(reply)
    assert _download(get_result(start_simulator(), _record(reply)["uuid"])) == data


def test_the_models_page_offers_the_editor(simulator: RunningSimulator) -> None:
    (model,) = requests.get(f"{simulator.base_url}/models?feature=IMAGE_EDITOR", timeout=10).json()[
        "models"
    ]
    assert model["features"] == ["IMAGE_GENERATOR", "IMAGE_EDITOR"]


def test_a_generator_call_silently_ignores_a_photo(simulator: RunningSimulator) -> None:
    key = upload_photo(simulator, draw_photo())
    plain = post_call(simulator, "a mug", seed=1)
    for image_url in (key, "images/never-uploaded.png", 5):
        reply = post_call(simulator, "a mug", seed=1, imageUrl=image_url)
        assert _record(reply)["aiRecordDetail"]["promptObject"]["imageUrl"] == image_url
        assert _download(reply) == _download(plain)


# --- Where the photo comes from --------------------------------------------------------------


def test_an_assets_location_and_a_finished_pictures_url_are_fetched(
    simulator: RunningSimulator,
) -> None:
    asset = post_asset(simulator, draw_photo()).json()["asset"]
    by_key = post_edit(simulator, "on a table", asset["key"], seed=1)
    by_location = post_edit(simulator, "on a table", asset["location"], seed=1)
    assert _download(by_location) == _download(by_key)
    url = _record(by_key)["temporaryUrl"]
    again = post_edit(simulator, "in a garden", url, seed=1)
    assert is_picture(_download(again))
    assert _download(again) != _download(post_edit(simulator, "in a garden", asset["key"], seed=1))


def test_an_address_that_cannot_be_fetched_is_refused(start_simulator: StartSimulator) -> None:
    fake = FakeTime()
    simulator = start_simulator(clock=fake.clock, url_lifetime_seconds=60)
    own = _record(post_call(simulator, "a mug"))["temporaryUrl"]
    fake.now += 60
    addresses = [
        own,  # expired
        own.partition("?")[0],
        f"{simulator.base_url}/storage/images/never-uploaded.png",
        f"{simulator.base_url}/models",
        "https://shop.example/photo.png?signature=0badc0de",
        "http://[broken/photo.png",
        f"{simulator.base_url}/storage/..",
    ]
    for address in addresses:
        status, message = _refusal(post_edit(simulator, "on a table", address))
        assert status == 422
        assert f"could not fetch {address.partition('?')[0]}" in message
        assert "0badc0de" not in message
    assert len(simulator.state.read_bill()) == 1


@pytest.mark.parametrize(
    "key", ["images/never-uploaded.png", "..", "a/../b", "\x00", "x" * 5000, "data:image/png,x"]
)
def test_an_unknown_asset_is_refused_and_nothing_is_paid(
    simulator: RunningSimulator, tmp_path: Path, key: str
) -> None:
    status, message = _refusal(post_edit(simulator, "on a table", key))
    assert status == 404
    assert message == f"Failed to fetch input image: the asset {key[:200]} was not found"
    assert simulator.state.read_bill() == []
    assert list((tmp_path / "simulator" / "generations").iterdir()) == []


def test_an_asset_expires_by_the_simulators_clock(start_simulator: StartSimulator) -> None:
    fake = FakeTime()
    simulator = start_simulator(clock=fake.clock, asset_lifetime_seconds=3600)
    key = upload_photo(simulator, draw_photo())
    fake.now += 3599
    reply = post_edit(simulator, "on a table", key)
    data = _download(reply)
    fake.now += 1
    location = f"{simulator.base_url}/storage/{key}"
    for image_url in (key, location):
        status, message = _refusal(post_edit(simulator, "on a table", image_url))
        assert (status, f"the asset {key} was not found" in message) == (404, True)
    assert _download(reply) == data  # what was made before stays as it was
    assert len(simulator.state.read_bill()) == 1


def test_an_asset_is_kept_for_ever_unless_told(start_simulator: StartSimulator) -> None:
    fake = FakeTime()
    simulator = start_simulator(clock=fake.clock)
    key = upload_photo(simulator, draw_photo())
    fake.now += 10 * 365 * 24 * 3600
    assert _record(post_edit(simulator, "on a table", key))["status"] == "SUCCESS"


def _damaged() -> list[bytes]:
    whole = draw_photo()
    return [
        whole[: len(whole) // 2],
        whole[:20],
        draw_photo(picture_format="JPEG")[:300],
        b"RIFF0000WAVEfmt ",
    ]


@pytest.mark.parametrize("data", _damaged())
def test_a_damaged_photo_is_refused_and_the_server_lives_on(
    simulator: RunningSimulator, data: bytes
) -> None:
    key = upload_photo(simulator, data)
    status, message = _refusal(post_edit(simulator, "on a table", key))
    assert (status, "cannot be decoded" in message) == (422, True)
    assert simulator.state.read_bill() == []
    sound = upload_photo(simulator, draw_photo())
    assert is_picture(_download(post_edit(simulator, "on a table", sound)))


# --- Refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("image_url", [None, ""])
def test_a_photo_is_required(simulator: RunningSimulator, image_url: object) -> None:
    reply = post_edit(simulator, "on a table", image_url)
    assert (reply.status_code, reply.json()["errorCode"]) == (400, "MISSING_REQUIRED_FIELDS")
    assert json.loads(reply.json()["details"]) == {"missingFields": ["imageUrl"]}


def test_a_photo_of_the_wrong_type_is_400(simulator: RunningSimulator) -> None:
    reply = post_edit(simulator, "on a table", ["images/x.png"])
    assert (reply.status_code, reply.json()["errorCode"]) == (400, "HTTP_EXCEPTION")


@pytest.mark.parametrize(
    ("call_type", "aspect_ratio"),
    [("IMAGE_GENERATOR", "match_input_image"), ("IMAGE_EDITOR", "7:7"), ("IMAGE_EDITOR", 1)],
)
def test_a_ratio_that_its_type_does_not_know_is_refused(
    simulator: RunningSimulator, call_type: str, aspect_ratio: object
) -> None:
    key = upload_photo(simulator, draw_photo())
    reply = post_call(
        simulator, "a mug", call_type=call_type, imageUrl=key, aspect_ratio=aspect_ratio
    )
    status, message = _refusal(reply)
    assert (status, "aspect_ratio" in message) == (422, True)


def test_moderation_and_ranges_are_those_of_the_generator(simulator: RunningSimulator) -> None:
    key = upload_photo(simulator, draw_photo())
    assert _refusal(post_edit(simulator, "a forbidden-word mug", key))[0] == 422
    assert _refusal(post_edit(simulator, "a mug", key, steps=5))[0] == 422
    assert simulator.state.read_bill() == []


# --- Faults ----------------------------------------------------------------------------------


def test_a_gateway_may_fail_editor_calls_alone(start_simulator: StartSimulator) -> None:
    simulator = start_simulator(faults={"rates": {"editor_522": 1}})
    key = upload_photo(simulator, draw_photo())
    assert post_call(simulator, "a mug", imageUrl=key).status_code == 200
    assert post_edit(simulator, "a mug", key).status_code == 522
    assert [line.type for line in simulator.state.read_bill()] == ["IMAGE_GENERATOR"]


def test_a_script_spends_its_entry_on_the_call_that_it_cannot_strike(
    start_simulator: StartSimulator,
) -> None:
    simulator = start_simulator(faults={"script": ["editor_522", "editor_522"]})
    key = upload_photo(simulator, draw_photo())
    replies = [
        post_call(simulator, "a mug"),
        post_edit(simulator, "a mug", key),
        post_edit(simulator, "a mug", key),
    ]
    assert [reply.status_code for reply in replies] == [200, 522, 200]


def test_an_editor_call_may_be_paid_though_its_reply_is_lost(
    start_simulator: StartSimulator,
) -> None:
    simulator = start_simulator(faults={"script": ["gateway_522", "gateway_522_billed"]})
    key = upload_photo(simulator, draw_photo())
    assert [post_edit(simulator, "a mug", key).status_code for _ in range(2)] == [522, 522]
    (line,) = simulator.state.read_bill()
    assert (line.type, line.reply_lost) == ("IMAGE_EDITOR", True)
    assert is_picture(_download(get_result(simulator, line.uuid)))


# --- The state -------------------------------------------------------------------------------


def test_a_state_from_before_the_editor_is_still_read(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    reply = post_call(simulator, "a mug")
    data = _download(reply)
    path = tmp_path / "simulator" / "generations" / f"{_record(reply)['uuid']}.json"
    plain = json.loads(path.read_bytes())
    assert plain.pop("photo_key") == ""
    path.write_text(json.dumps(plain))
    old = urlsplit(_record(reply)["temporaryUrl"])
    again = requests.get(f"{simulator.base_url}{old.path}?{old.query}", timeout=10)
    assert again.content == data
