from typing import Any
from urllib.parse import quote

import pytest
import requests

from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.image_api.simulator.server import RunningSimulator
from flux_assets_tests.fixtures.simulators import FakeTime, StartSimulator, post_asset

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40 + b"\r\n--\r\r\n\n"


def test_an_upload_is_kept_byte_for_byte(simulator: RunningSimulator) -> None:
    reply = post_asset(simulator, _PNG).json()
    assert reply["fileContent"]["path"] == reply["asset"]["key"]
    assert reply["asset"]["mimetype"] == "image/png"
    assert reply["asset"]["size"] == len(_PNG)
    assert reply["asset"]["acl"] == "private"
    assert simulator.state.read_asset(reply["asset"]["key"]) == _PNG


def test_every_upload_is_listed_by_its_key(simulator: RunningSimulator) -> None:
    assert simulator.state.list_assets() == []
    keys = [post_asset(simulator, _PNG).json()["asset"]["key"] for _ in range(2)]
    assert simulator.state.list_assets() == sorted(keys)


def test_the_reply_has_all_that_is_known_of_a_file(simulator: RunningSimulator) -> None:
    reply = post_asset(simulator, _PNG, name="mug.png").json()
    asset, content = reply["asset"], reply["fileContent"]
    assert set(asset) == {
        *("fieldname", "originalname", "encoding", "mimetype", "size", "bucket", "key", "acl"),
        *("contentType", "contentDisposition", "contentEncoding", "storageClass"),
        *("serverSideEncryption", "metadata", "location", "etag"),
    }
    assert asset["originalname"] == content["name"] == "mug.png"
    assert asset["location"].endswith(asset["key"])
    assert set(content) >= {"uuid", "name", "path", "type", "size", "createdAt"}


NAMES = ["Größe 1.png", "杯子.png", "a b;c.png", 'in "quotes".png', "e\u0301.png", "😀.png"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["rfc2231", "utf-8"])
def test_a_file_name_keeps_its_letters(simulator: RunningSimulator, name: str, form: str) -> None:
    quoted = name.replace('"', "%22")
    given = f'filename="{quoted}"' if form == "utf-8" else f"filename*=UTF-8''{quote(name)}"
    body = (
        f'--cut\r\nContent-Disposition: form-data; name="asset"; {given}\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode() + _PNG
    reply = requests.post(
        f"{simulator.base_url}/api/assets",
        data=body + b"\r\n--cut--\r\n",
        headers={"API-KEY": SAMPLE_KEY, "Content-Type": "multipart/form-data; boundary=cut"},
        timeout=10,
    )
    assert reply.json()["asset"]["originalname"] == name
    assert reply.json()["fileContent"]["name"] == name


@pytest.mark.parametrize(
    ("mistake", "complaint"),
    [
        ({"name": "photo"}, "no extension"),
        ({"field": "file"}, "must be named asset"),
        ({"data": b"<html>"}, "not a supported picture"),
        ({"data": b""}, "is empty"),
    ],
)
def test_an_unusable_upload_is_400(
    simulator: RunningSimulator, mistake: dict[str, Any], complaint: str
) -> None:
    reply = post_asset(simulator, **{"data": _PNG, **mistake})
    assert reply.status_code == 400
    assert complaint in reply.json()["message"]


@pytest.mark.parametrize("headers", [{}, {"API-KEY": "another-key"}])
def test_an_upload_without_a_valid_key_is_401(
    simulator: RunningSimulator, headers: dict[str, str]
) -> None:
    reply = requests.post(
        f"{simulator.base_url}/api/assets",
        files={"asset": ("photo.png", _PNG)},
        headers=headers,
        timeout=10,
    )
    assert (reply.status_code, reply.json()["errorCode"]) == (401, "HTTP_EXCEPTION")


def test_uploads_count_against_the_rate_limit(start_simulator: StartSimulator) -> None:
    fake = FakeTime()
    simulator = start_simulator(clock=fake.clock, requests_per_minute=2)
    replies = [post_asset(simulator, _PNG) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2].json()["retryAfter"] == 60


def test_an_uploaded_picture_is_private(simulator: RunningSimulator) -> None:
    location = post_asset(simulator, _PNG).json()["asset"]["location"]
    assert requests.get(location, timeout=10).status_code == 403


def test_an_upload_that_is_no_multipart_is_400(simulator: RunningSimulator) -> None:
    reply = requests.post(
        f"{simulator.base_url}/api/assets", data=_PNG, headers={"API-KEY": SAMPLE_KEY}, timeout=10
    )
    assert reply.status_code == 400
