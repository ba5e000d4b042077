import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flux_assets.catalog import read_catalog
from flux_assets.catalog.product import Catalog, Product
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.photos.prepare import prepare_photo
from flux_assets.prompts.requests import Skipped, build_requests, render_prompt
from flux_assets.prompts.shots import ShotsFile, read_shots

DATA = Path(__file__).parents[2] / "data"
OPTIONAL_FIELDS = ("description", "category", "brand", "color", "material", "price", "image_url")


@pytest.fixture(scope="module")
def shots() -> ShotsFile:
    return read_shots((DATA / "shots.yaml").read_bytes(), "shots.yaml")


@pytest.fixture(scope="module")
def catalog(shots: ShotsFile) -> Catalog:
    data = (DATA / "catalog.csv").read_bytes()
    return read_catalog(data, "catalog.csv", columns=shots.columns)


@pytest.fixture(scope="module")
def requests(catalog: Catalog, shots: ShotsFile) -> list[ImageRequest]:
    built = list(build_requests(catalog.products, shots.shots))
    others = [result for result in built if not isinstance(result, ImageRequest)]
    assert {(result.shot, type(result)) for result in others} == {("on_the_table", Skipped)}
    return [result for result in built if isinstance(result, ImageRequest)]


def _assert_reads_well(prompt: str, title: str) -> None:
    assert prompt.startswith(title.replace('"', ""))
    assert prompt.endswith(".")
    assert prompt == " ".join(prompt.split())
    found = re.search(r"[,.:;] ?[,.:;]| [,.:;]|\b(in|of|the|made of) ?[,.:;]|[{}<>\"]|&\w", prompt)
    assert found is None, f"{found} in {prompt}"
    assert len(prompt.split()) <= 120


def _begin(shot: str, title: str) -> str:
    """How a prompt begins: an edit says what to do with the product of the photo."""
    return f"Place this {title}" if shot == "on_the_table" else title


def test_the_catalog_is_24_products_four_in_each_of_six_categories(catalog: Catalog) -> None:
    assert catalog.rejected_rows == ()
    assert catalog.rows == 24
    assert Counter(product.category for product in catalog.products) == {
        "Furniture": 4,
        "Jewellery": 4,
        "Kitchen": 4,
        "Clothing": 4,
        "Outdoor": 4,
        "Toys": 4,
    }


def test_awkward_cells_come_through(catalog: Catalog) -> None:
    products = {product.product_id: product for product in catalog.products}
    assert products["00123"].columns["seed"] == "421337"
    assert products["JWL.7/01"].columns["guidance"] == "4"
    assert products["FUR-0042"].title == 'Wall Mirror "Sol"'
    assert products["JWL-101"].brand == "Éclat & Fils"
    assert products["00902"].description.endswith("Waddles as it rolls")
    jacket = products["CL-3002"].description
    assert "<" not in jacket
    assert "walks & short sprints" in jacket


def test_the_four_shots_have_their_ratios(shots: ShotsFile) -> None:
    assert {shot.name: shot.parameters["aspect_ratio"] for shot in shots.shots} == {
        "hero": "1:1",
        "lifestyle": "4:5",
        "banner": "16:9",
        "on_the_table": "1:1",
    }


def test_every_product_and_shot_gives_a_picture_of_its_own(requests: list[ImageRequest]) -> None:
    assert len(requests) == 75
    assert len({request.fingerprint for request in requests}) == 75
    assert len({request.seed for request in requests}) == 70, "two products give their seed"


def test_the_photos_of_the_edit_shot_are_there_and_can_be_edited(
    requests: list[ImageRequest],
) -> None:
    names = [request.source_uri for request in requests if request.mode == "edit"]
    assert len(names) == 3
    for name in names:
        photo = prepare_photo((DATA / name).read_bytes(), uri=name)
        assert photo.extension == "jpg"


def test_a_catalog_without_photos_gets_all_but_the_shot_made_from_them(shots: ShotsFile) -> None:
    catalog = read_catalog(b"product_id,title\n1,Mug\n", "own.csv", columns=shots.columns)
    results = list(build_requests(catalog.products, shots.shots))
    assert [type(result) for result in results] == [ImageRequest] * 3 + [Skipped]


def test_all_75_prompts_read_well(requests: list[ImageRequest], catalog: Catalog) -> None:
    titles = {product.product_id: product.title for product in catalog.products}
    for request in requests:
        title = titles[request.product_id]
        _assert_reads_well(request.prompt, _begin(request.shot, title))


def test_the_templates_read_well_without_any_optional_field(shots: ShotsFile) -> None:
    for shot in shots.shots:
        bare = Product(product_id="1", title="Lounge Chair", line=2)
        _assert_reads_well(render_prompt(shot, bare), _begin(shot.name, "Lounge Chair"))


@pytest.mark.parametrize("field", OPTIONAL_FIELDS)
def test_the_templates_read_well_without_one_field(
    shots: ShotsFile, catalog: Catalog, field: str
) -> None:
    for product in catalog.products:
        for shot in shots.shots:
            emptied: dict[str, Any] = {field: ""}
            without = replace(product, **emptied)
            prompt = render_prompt(shot, without)
            _assert_reads_well(prompt, _begin(shot.name, product.title))


@pytest.mark.parametrize(
    ("title", "begins"),
    [
        ("-40 °C Boot", "-40 °C Boot."),
        ('"-40 °C" Boot', "-40 °C Boot."),
        ("- .5 l Bottle -", ".5 l Bottle."),
        ("±2 mm Caliper", "±2 mm Caliper."),
        ("#1 Dad Mug!", "#1 Dad Mug."),
        ("- 40 Boots", "40 Boots."),
    ],
)
def test_the_templates_leave_a_number_its_sign(shots: ShotsFile, title: str, begins: str) -> None:
    product = Product(product_id="1", title=title, description=f"{title}. Warm.", line=2)
    for shot in shots.shots[:3]:
        assert render_prompt(shot, product).startswith(f"{begins} ")
    described = replace(product, title="Thing")
    assert render_prompt(shots.shots[0], described).startswith(f"Thing. {begins} ")


def test_the_keys_that_are_commented_out_can_be_used(shots: ShotsFile) -> None:
    text = (DATA / "shots.yaml").read_text("utf-8")
    keys = r"# (one_set_per:|include_unpublished:|only_if: \"cat|prompts:|  - \{when:)"
    used, count = re.subn(keys, r"\1", text)
    file = read_shots(used.encode(), "shots.yaml")
    hero = file.shots[0]
    assert count == 5
    assert replace(hero, only_if=None, prompts=()) == shots.shots[0]
    ring = Product(product_id="1", title="Signet Ring", line=2, category="Jewellery")
    _assert_reads_well(render_prompt(hero, ring), "Macro photograph of Signet Ring")
    (card,) = build_requests([replace(ring, category="Gift cards")], [hero])
    assert card == Skipped(product_id="1", shot="hero", reason="only_if")


def test_a_colour_that_the_title_names_is_not_repeated(requests: list[ImageRequest]) -> None:
    prompts = [request.prompt for request in requests if request.product_id == "CL-3002"]
    assert [prompt.lower().count("navy") for prompt in prompts] == [1, 1, 1]
