from typing import Any

import pytest

from flux_assets.errors import StoreError
from flux_assets.storage.stored_json import DamagedObjectError, read_stored_json


def read(data: bytes) -> str:
    def take(plain: dict[str, Any]) -> str:
        return str(plain["name"].strip())

    return read_stored_json(
        data, "s3://b/k", take, kind="name tag", remedy="write a new one", newest_format=2
    )


def test_what_we_wrote_is_read() -> None:
    assert read(b'{"format": 1, "name": " Ada "}') == "Ada"


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"\xff", b"[]", b"7", b"null", b'"text"', b"{}"),
        *(b'{"format": 1}', b'{"format": "1", "name": "Ada"}', b'{"format": 1, "name": 7}'),
    ],
)
def test_what_is_damaged_is_named_with_what_to_do(data: bytes) -> None:
    with pytest.raises(DamagedObjectError, match=r"s3://b/k: it is no name tag.*write a new one"):
        read(data)


def test_a_newer_releases_object_is_not_taken_for_damage() -> None:
    with pytest.raises(StoreError, match="newer release") as caught:
        read(b'{"format": 3, "name": "Ada"}')
    assert not isinstance(caught.value, DamagedObjectError)
