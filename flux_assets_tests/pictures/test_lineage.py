import json
from dataclasses import fields, replace

from flux_assets.pictures.inspect import Picture
from flux_assets.pictures.lineage import LineageRecord, build_object_metadata, build_plain_metadata
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import build_lineage

REQUEST = build_request("Größe 38", seed=42, guidance=3.5)
PICTURE = Picture(
    extension="png",
    content_type="image/png",
    width_px=64,
    height_px=64,
    size_bytes=1234,
    sha256="ab" * 32,
)
RECORD = build_lineage(REQUEST)


def test_a_lineage_record_comes_back_from_json_as_it_was() -> None:
    assert LineageRecord.from_json(json.loads(json.dumps(RECORD.to_json()))) == RECORD


def test_fields_of_a_newer_release_are_left_out() -> None:
    plain = RECORD.to_json() | {"a_newer_field": 1}
    assert LineageRecord.from_json(plain) == RECORD


def test_object_metadata_is_ascii_text_that_names_the_call_and_the_request() -> None:
    metadata = build_object_metadata(REQUEST, PICTURE, uuid="rüf-1", mode="live")

    assert metadata == {
        "fingerprint": REQUEST.fingerprint,
        "uuid": "r?f-1",
        "seed": "42",
        "guidance": "3.5",
        "model": REQUEST.model,
        "shot": "hero",
        "sha256": PICTURE.sha256,
        "mode": "live",
    }
    assert all(value.isascii() for value in metadata.values())


def test_plain_metadata_is_one_flat_row_of_every_fact() -> None:
    row = build_plain_metadata(RECORD)

    assert all(isinstance(value, str | int | float | None) for value in row.values())
    asked = {"seed": 42, "guidance": 3.5, "steps": 50, "aspect_ratio": "1:1"}
    assert {name: row[name] for name in asked} == asked
    assert row["prompt"] == REQUEST.prompt
    assert row["warnings"] == "; ".join(RECORD.warnings)
    elsewhere = {"prompt_object", "type", "run_id"}
    same = {field.name for field in fields(RECORD)} - elsewhere - {"warnings"}
    assert {name: row[name] for name in same} == {name: getattr(RECORD, name) for name in same}


def test_guidance_is_one_type_whatever_was_asked_for() -> None:
    whole = replace(RECORD, prompt_object={**RECORD.prompt_object, "guidance": 3})
    assert isinstance(build_plain_metadata(whole)["guidance"], float)
