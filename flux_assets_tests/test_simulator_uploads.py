from typing import Any

import pytest
import requests

from flux_assets.simulator.options import SAMPLE_KEY
from flux_assets.simulator.server import RunningSimulator

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40 + b"\r\n--\r\r\n\n"


def _upload(
    simulator: RunningSimulator, *, field: str = "asset", name: str = "x.png", data: bytes = _PNG
) -> requests.Response:
    return requests.post(
        f"{simulator.base_url}/api/assets",
        files={field: (name, data)},
        headers={"API-KEY": SAMPLE_KEY},
        timeout=10,
    )


def test_an_upload_is_kept_byte_for_byte(simulator: RunningSimulator) -> None:
    reply = _upload(simulator).json()
    assert reply["fileContent"]["path"] == reply["asset"]["key"]
    assert reply["asset"]["mimetype"] == "image/png"
    assert reply["asset"]["size"] == len(_PNG)
    assert reply["asset"]["acl"] == "private"
    assert simulator.state.read_asset(reply["asset"]["key"]) == _PNG


@pytest.mark.parametrize(
    "mistake", [{"name": "photo"}, {"field": "file"}, {"data": b"<html>"}, {"data": b""}]
)
def test_an_unusable_upload_is_400(simulator: RunningSimulator, mistake: dict[str, Any]) -> None:
    assert _upload(simulator, **mistake).status_code == 400


def test_an_upload_that_is_no_multipart_is_400(simulator: RunningSimulator) -> None:
    reply = requests.post(
        f"{simulator.base_url}/api/assets", data=_PNG, headers={"API-KEY": SAMPLE_KEY}, timeout=10
    )
    assert reply.status_code == 400
