"""Whose a stored picture is, by its C2PA manifest, with the extra and without."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Literal

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

from flux_assets.catalog.offers import read_offers
from flux_assets.publishing import provenance
from flux_assets.publishing.channel_editions import (
    ChannelReport,
    PublishingTerms,
    publish_channels,
)
from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.feeds.jsonl import SCHEMA
from flux_assets.publishing.provenance import Provenance, read_provenance
from flux_assets.publishing.renditions import refresh_renditions
from flux_assets.publishing.xmp import has_c2pa
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.c2pa_signing import ISSUER, sign
from flux_assets_tests.fixtures.masters import draw_product, store_masters
from flux_assets_tests.fixtures.picture_forms import build_chunk, save, with_segment
from flux_assets_tests.fixtures.sites import open_sites

SIGNED = Provenance(c2pa=True, c2pa_state="Valid", c2pa_issuer=ISSUER, c2pa_actions="created")
UNKNOWN = Provenance(c2pa=True)
JUMBF = b"\0\0\0\x1cjumb\0\0\0\x14jumdc2pa\0\x11\0\x10c2pa\0"
RULE = """\
profiles:
  big: {width_px: 150, height_px: 150}
channels:
  shop:
    feed: {format: jsonl}
    slots:
      main: {shots: [hero], profile: big}
    rules:
      - name: unchanged
        require: "c2pa_state != 'Invalid'"
        else: block
        source: example.com
        on: 2026-11-26
        certainty: own
"""


def tampered(data: bytes) -> bytes:
    """One of its pixels' bytes is another, of a picture whose pixels come last."""
    place = len(data) - 40
    return data[:place] + bytes([data[place] ^ 0x11]) + data[place + 1 :]


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    provenance._load.cache_clear()
    yield
    provenance._load.cache_clear()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_signed_picture_tells_who_signed_it_and_what_was_done(
    kind: Literal["JPEG", "PNG", "WEBP", "AVIF"],
) -> None:
    data = save(kind)
    assert read_provenance(sign(data, kind.lower())) == SIGNED
    assert read_provenance(data) == Provenance()


def test_each_action_is_told_once_and_whatever_the_issuer_is_called_stays_one_line() -> None:
    actions = ("c2pa.created", "c2pa.edited", "c2pa.resized", "c2pa.edited")
    found = read_provenance(sign(save("JPEG"), "jpeg", issuer="A\nB\x1b[2J", actions=actions))
    assert found.c2pa_actions == "created, edited, resized"
    assert (found.c2pa_issuer, found.c2pa_state) == ("A B[2J", "Valid")


def test_a_picture_that_was_changed_since_is_invalid_and_still_names_who_signed() -> None:
    found = read_provenance(tampered(sign(save("JPEG"), "jpeg")))
    assert found == SIGNED._replace(c2pa_state="Invalid")


@pytest.mark.parametrize(
    "data",
    [
        with_segment(0xEB, b"JP\0\x01\0\0\0\x01" + JUMBF),
        save("PNG")[:33] + build_chunk(b"caBX", JUMBF) + save("PNG")[33:],
    ],
)
def test_a_manifest_that_is_none_is_invalid(data: bytes) -> None:
    assert read_provenance(data) == Provenance(c2pa=True, c2pa_state="Invalid")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (with_segment(0xEB, b"JP\0\x01\0\0\0\x01" + JUMBF), True),
        (save("PNG")[:33] + build_chunk(b"caBX", b"something else") + save("PNG")[33:], False),
        (save("PNG")[:33] + build_chunk(b"tEXt", b"comment\0c2pa") + save("PNG")[33:], False),
        (with_segment(0xFE, b"c2pa"), False),
        (save("JPEG") + b"\xff\xeb\0\x08c2pa", False),
        (b"", False),
    ],
)
def test_a_manifest_is_found_only_where_it_belongs(data: bytes, *, expected: bool) -> None:
    assert has_c2pa(data) is expected
    assert read_provenance(data).c2pa is expected


def test_bytes_that_are_cut_anywhere_are_no_error() -> None:
    data = sign(save("JPEG"), "jpeg")
    states = {read_provenance(data[:length]).c2pa_state for length in range(0, len(data), 97)}
    assert states == {"", "Invalid"}


def test_no_server_is_asked_about_a_manifest_or_a_certificate() -> None:
    with open_sites() as serve:
        site = serve(lambda request: request.give(200))
        known = sign(save("JPEG"), "jpeg", ocsp_url=f"{site.url}/ocsp")
        assert read_provenance(known) == SIGNED
        elsewhere = sign(save("JPEG"), "jpeg", remote_url=f"{site.url}/manifest.c2pa")
        assert site.url.encode() in elsewhere
        assert read_provenance(elsewhere) == Provenance()
        assert site.received == []


@pytest.mark.usefixtures("without_library")
def test_without_the_extra_a_manifest_is_there_and_the_rest_unknown() -> None:
    assert read_provenance(sign_before(save("JPEG"))) == UNKNOWN
    assert read_provenance(save("JPEG")) == Provenance()


def sign_before(data: bytes) -> bytes:
    return data[:2] + with_segment(0xEB, b"JP\0\x01\0\0\0\x01" + JUMBF)[2:]


def test_another_package_of_that_name_is_told_and_not_used(
    without_library: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    del without_library
    monkeypatch.setitem(sys.modules, "c2pa", ModuleType("c2pa"))
    assert read_provenance(sign_before(save("JPEG"))) == UNKNOWN
    assert "the C2PA library does not load" in caplog.text


# --- Where it is seen ------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def publish(store: DirectoryStore, data: bytes) -> ChannelReport:
    store_masters(store, {("1", "hero"): data})
    channels = read_channels(RULE.encode(), "channels.yaml")
    refresh_renditions(store, channels)
    offers = read_offers(b"id,title,image_link\n1,Chair,\n", "export.csv")
    terms = PublishingTerms(
        public_url="https://pictures.invalid", by="ada", why="test", max_drop_percent=20
    )
    return publish_channels(store, channels, offers, terms)["shop"]


def told(store: DirectoryStore) -> object:
    [line] = store.get("publishing/feeds/shop.jsonl").data.decode().splitlines()
    row = json.loads(line)
    jsonschema.validate(row, SCHEMA)
    return row["c2pa"]


def test_a_feed_tells_who_signed_and_its_own_files_claim_no_signature(
    store: DirectoryStore,
) -> None:
    publish(store, sign(draw_product()))
    assert told(store) == {"state": "Valid", "issuer": ISSUER, "actions": "created"}
    [file] = Path(store.uri).glob("publishing/renditions/1/hero/*.jpg")
    assert not has_c2pa(file.read_bytes())


def test_a_feed_tells_of_no_manifest_where_there_is_none(store: DirectoryStore) -> None:
    publish(store, draw_product())
    assert told(store) is None


def test_a_rule_keeps_a_changed_picture_out(store: DirectoryStore) -> None:
    signed = sign(draw_product(kind="JPEG"), "jpeg")
    changed = tampered(signed)
    assert read_provenance(changed).c2pa_state == "Invalid"
    [blocked] = publish(store, changed).blocked
    assert "unchanged: required is c2pa_state != 'Invalid'" in blocked.findings[0].reason
    assert "c2pa_state is 'Invalid'" in blocked.findings[0].reason


@pytest.mark.usefixtures("without_library")
def test_without_the_extra_such_a_rule_warns(store: DirectoryStore) -> None:
    report = publish(store, sign_before(draw_product(kind="JPEG")))
    assert report.blocked == ()
    assert report.published.edition is not None
    [showing] = report.published.edition.products["1"].showings
    assert showing.warnings == ("unchanged",)
    assert told(store) == {"state": None, "issuer": None, "actions": None}
