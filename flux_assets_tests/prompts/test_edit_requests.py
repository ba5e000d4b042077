from collections.abc import Mapping

import pytest

from flux_assets.catalog.product import Product
from flux_assets.errors import (
    PhotoUnavailableError,
    PhotoUnusableError,
    PromptError,
    ShotsFileError,
)
from flux_assets.image_api.request import ImageRequest, SourcePhoto
from flux_assets.pictures.photos.photo import Photo
from flux_assets.prompts.requests import Shot, Skipped, build_requests, list_photo_addresses
from flux_assets.prompts.shots import read_shots

EDIT = """
shots:
  scene:
    mode: edit
    prompt: "Place this {{ title }} on a table"
"""
PHOTO = SourcePhoto(uri="https://shop.example/1.jpg", sha256="ab" * 32)
GONE = PhotoUnusableError("https://shop.example/1.jpg", "there is no such file (HTTP 404)")
DOWN = PhotoUnavailableError("https://shop.example/1.jpg", "the server cannot give it now")


def read_shot(extra: str = "") -> Shot:
    (shot,) = read_shots((EDIT + extra).encode(), "shots.yaml").shots
    return shot


def build_product(image_url: str = "https://shop.example/1.jpg", **columns: str) -> Product:
    return Product(product_id="1", title="Mug", line=2, image_url=image_url, columns=columns)


def build(shot: Shot, product: Product, photo: Photo) -> ImageRequest | Skipped | PromptError:
    (result,) = build_requests([product], [shot], find_photo=lambda _: photo)
    return result


def build_edit(
    photo: SourcePhoto = PHOTO, extra: str = "", columns: Mapping[str, str] | None = None
) -> ImageRequest:
    request = build(read_shot(extra), build_product(**(columns or {})), photo)
    assert isinstance(request, ImageRequest)
    return request


def test_an_edit_asks_the_editor_for_the_photos_own_ratio() -> None:
    request = build_edit()

    assert (request.type, request.mode) == ("IMAGE_EDITOR", "edit")
    assert request.prompt_object["aspect_ratio"] == "match_input_image"
    assert "imageUrl" not in request.prompt_object
    assert (request.source_uri, request.source_sha256) == (PHOTO.uri, PHOTO.sha256)


def test_a_ratio_of_the_shot_or_of_the_product_comes_first() -> None:
    assert build_edit(extra='    aspect_ratio: "4:5"').prompt_object["aspect_ratio"] == "4:5"
    wide = build_edit(columns={"aspect_ratio": "16:9"})
    assert wide.prompt_object["aspect_ratio"] == "16:9"


def test_the_same_photo_at_a_new_address_is_the_same_request() -> None:
    moved = SourcePhoto(uri="https://cdn.example/one.jpg", sha256=PHOTO.sha256)

    assert build_edit(moved).fingerprint == build_edit().fingerprint


def test_a_new_photo_at_the_same_address_is_another_request() -> None:
    changed = SourcePhoto(uri=PHOTO.uri, sha256="cd" * 32)

    assert build_edit(changed).fingerprint != build_edit().fingerprint


def test_laying_a_photo_on_a_colour_is_another_request() -> None:
    flat = build_edit(extra='    flatten: "#FFFFFF"')

    assert flat.flatten == "#ffffff"
    assert flat.fingerprint != build_edit().fingerprint


def test_a_request_with_a_photo_comes_back_from_json_as_it_was() -> None:
    request = build_edit(extra='    flatten: "#ffffff"')

    assert ImageRequest.from_json(request.to_json()) == request


def test_the_json_of_a_request_without_a_photo_says_nothing_of_photos() -> None:
    request = build(Shot(name="hero", prompt="{{ title }}"), build_product(), PHOTO)

    assert isinstance(request, ImageRequest)
    assert not {"source_uri", "source_sha256", "flatten"} & request.to_json().keys()


@pytest.mark.parametrize("photo", [GONE, DOWN])
def test_without_a_photo_nothing_is_made_unless_the_shot_says_so(photo: Photo) -> None:
    result = build(read_shot(), build_product(), photo)

    assert isinstance(result, PromptError)
    assert str(photo) in str(result)


def test_fallback_skip_makes_nothing_of_a_product_without_a_photo() -> None:
    result = build(read_shot("    fallback: skip"), build_product(), GONE)

    assert result == Skipped(product_id="1", shot="scene", reason="fallback")


def test_fallback_generate_makes_a_picture_from_the_words() -> None:
    result = build(read_shot("    fallback: generate"), build_product(), GONE)

    assert isinstance(result, ImageRequest)
    assert (result.type, result.prompt_object["aspect_ratio"]) == ("IMAGE_GENERATOR", "1:1")
    assert result.source_sha256 == ""


@pytest.mark.parametrize("fallback", ["skip", "generate"])
def test_a_photo_that_cannot_be_had_today_never_falls_back(fallback: str) -> None:
    result = build(read_shot(f"    fallback: {fallback}"), build_product(), DOWN)

    assert isinstance(result, PromptError)


def test_a_product_without_an_address_has_no_usable_photo() -> None:
    result = build(read_shot(), build_product(image_url=" "), PHOTO)

    assert isinstance(result, PromptError)
    assert "image_url" in str(result)


def test_several_fields_are_candidates_in_their_order() -> None:
    shot = read_shot("    source: [cut_out, image_url]")
    products = [build_product("b.jpg", cut_out="a.png"), build_product("b.jpg", cut_out="")]

    assert list(list_photo_addresses(products, [shot])) == [("a.png", "b.jpg"), ("b.jpg",)]


def test_no_photo_is_wanted_of_what_is_skipped_or_made_from_words() -> None:
    shots = [read_shot("    only_if: \"color == 'red'\""), Shot(name="hero", prompt="x")]

    assert list(list_photo_addresses([build_product()], shots)) == []


def test_a_source_field_that_the_catalog_lacks_is_an_error_that_names_it() -> None:
    result = build(read_shot("    source: fotos"), build_product(), PHOTO)

    assert isinstance(result, PromptError)
    assert (result.field, "no such column" in str(result)) == ("fotos", True)


def test_a_column_cannot_ask_a_picture_from_words_to_match_a_photo() -> None:
    product = build_product(aspect_ratio="match_input_image")

    result = build(Shot(name="hero", prompt="{{ title }}"), product, PHOTO)

    assert isinstance(result, PromptError)
    assert result.field == "aspect_ratio"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("shots:\n  a:\n    prompt: x\n    source: image_url", 2, "`source` is for shots of"),
        ("shots:\n  a:\n    prompt: x\n    flatten: '#ffffff'", 2, "`flatten` is for shots of"),
        (
            "shots:\n  a:\n    prompt: x\n    aspect_ratio: match_input_image",
            2,
            "is for `mode: edit` only",
        ),
        (
            "defaults: {aspect_ratio: match_input_image}\nshots: {a: {prompt: x}}",
            1,
            "is for shots of `mode: edit` only",
        ),
        ("shots:\n  a:\n    mode: edit\n    prompt: x\n    flatten: white", 5, "as '#ffffff'"),
        ("shots:\n  a:\n    mode: edit\n    prompt: x\n    fallback: maybe", 5, "'generate'"),
        ("shots:\n  a:\n    mode: edit\n    prompt: x\n    source: []", 5, "at least one"),
        ("shots:\n  a:\n    mode: edit\n    prompt: x\n    recognisable_above: 2", 5, "less than"),
    ],
)
def test_what_makes_no_sense_in_a_shot_is_named_with_its_line(
    text: str, line: int, problem: str
) -> None:
    with pytest.raises(ShotsFileError) as caught:
        read_shots(text.encode(), "shots.yaml")

    assert caught.value.line == line
    assert problem in str(caught.value)
