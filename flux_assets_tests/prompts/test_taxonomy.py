from pathlib import Path

import pytest

from flux_assets.catalog import read_catalog
from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest
from flux_assets.prompts.requests import build_requests, render_prompt
from flux_assets.prompts.shots import read_shots
from flux_assets.prompts.taxonomy import find_category, find_scene, read_taxonomy

SHARED = Path(__file__).parents[3] / "shared"


def build_product(title: str = "Thing", category: str = "", **columns: str) -> Product:
    return Product(product_id="1", title=title, line=2, category=category, columns=columns)


def category_of(title: str = "Thing", category: str = "", **columns: str) -> str:
    found = find_category(build_product(title, category, **columns))
    return found.path if found else ""


def render(prompt: str, product: Product, more: str = "") -> str:
    (shot,) = read_shots(f"{more}\nshots: {{hero: {{prompt: {prompt!r}}}}}".encode(), "s").shots
    return render_prompt(shot, product)


@pytest.mark.parametrize(
    ("category", "path"),
    [
        ("Furniture", "Furniture"),
        ("166", "Apparel & Accessories"),
        ("187 - Apparel & Accessories > Shoes", "Apparel & Accessories > Shoes"),
        ("Apparel & Accessories > Shoes > Boots", "Apparel & Accessories > Shoes"),
        ("Home & Garden > Kitchen & Dining > Tableware", "Home & Garden > Kitchen & Dining"),
        ("Men > Tops > Hoodies & Sweatshirts", "Apparel & Accessories > Clothing"),
        ("Clothing > Tshirts", "Apparel & Accessories > Clothing"),
        ("Jewellery", "Apparel & Accessories > Jewelry"),
        ("Küche > Tassen", "Home & Garden > Kitchen & Dining"),
        ("Wohnen/Möbel/Stühle", "Furniture > Chairs"),
        ("Maison > Cuisine > Assiettes", "Home & Garden > Kitchen & Dining"),
        ("Accueil > Vêtements > Robes", "Apparel & Accessories > Clothing"),
        ("Ropa | Camisetas", "Apparel & Accessories > Clothing"),
        ("Abbigliamento", "Apparel & Accessories > Clothing"),
        ("Schoenen", "Apparel & Accessories > Shoes"),
        ("Meble > Krzesła", "Furniture > Chairs"),
        ("Móveis", "Furniture"),
        ("Möbler", "Furniture"),
        ("Smykker", "Apparel & Accessories > Jewelry"),
        ("Nábytek > Židle", "Furniture > Chairs"),
        ("Мебель > Стулья", "Furniture > Chairs"),
        ("Oyuncak", "Toys & Games"),
        ("家具 > 椅子", "Furniture > Chairs"),
        ("Wohnen > Leuchten > Tischlampen", "Home & Garden > Lighting"),
        ("Relojes", "Apparel & Accessories > Jewelry"),
        ("Konyha > Csészék", "Home & Garden > Kitchen & Dining"),
        ("Bucătărie > Căni", "Home & Garden > Kitchen & Dining"),
        ("주방 > 머그컵", "Home & Garden > Kitchen & Dining"),
        ("首饰 > 项链", "Apparel & Accessories > Jewelry"),
        ("家具 > 沙发", "Furniture > Sofas"),
        ("Sale", ""),
    ],
)
def test_a_category_is_known_in_any_language_and_depth(category: str, path: str) -> None:
    assert category_of(category=category) == path


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Turtle Check Men Navy Blue Shirt", "Apparel & Accessories > Clothing"),
        ("Puma Men Pack of 3 Socks", "Apparel & Accessories > Clothing > Underwear & Socks"),
        ("Disney Kids Boy's Red Tee", "Apparel & Accessories > Clothing > Baby & Toddler Clothing"),
        ("Disney Kids Boy's Red Sandals", "Apparel & Accessories > Shoes"),
        ("Oak Coffee Table", "Furniture > Tables"),
        ("Lampe de table en laiton", "Home & Garden > Lighting"),
        ("Vase aus Glas", "Home & Garden > Decor"),
        ("Holztisch ausziehbar", "Furniture > Tables"),
        ("Kubek z drewna", "Home & Garden > Kitchen & Dining"),
        ("青花瓷茶杯", "Home & Garden > Kitchen & Dining"),
        ("15.6″ Laptop Sleeve", "Luggage & Bags"),
        ("Red Rose Polka Dot Dress", "Apparel & Accessories > Clothing"),
        ("Kalenji Ekiden 200", ""),
    ],
)
def test_a_title_says_what_a_product_without_a_category_is(title: str, path: str) -> None:
    assert category_of(title) == path


def test_googles_own_column_goes_before_the_shops_category() -> None:
    assert category_of(category="Sale", google_product_category="1604") == (
        "Apparel & Accessories > Clothing"
    )
    assert category_of("Mug", "New in", google_product_category="999999") == (
        "Home & Garden > Kitchen & Dining"
    )


def test_every_category_has_a_scene_and_its_parents_are_there() -> None:
    taxonomy = read_taxonomy()
    assert len(taxonomy.by_number) == len(taxonomy.by_path) > 50
    for category in taxonomy.by_path.values():
        assert category.scene
        assert category.path.count(" > ") == 0 or " > ".join(category.names[:-1]) in (
            taxonomy.by_path
        )


def test_a_scene_of_the_shots_file_goes_first_the_nearest_one() -> None:
    shoes = find_category(build_product(category="Shoes"))
    assert find_scene(shoes, {}).startswith("is worn on the feet")
    assert find_scene(shoes, {"Apparel & Accessories": "hangs"}) == "hangs"
    assert find_scene(shoes, {"Apparel & Accessories": "hangs", "187": "stands"}) == "stands"
    assert find_scene(None, {"default": "lies"}) == "lies"
    more = "scenes: {Shoes: stands on {x}}".replace("{x}", "sand")
    assert render("It {{ scene }}.", build_product("Boots"), more) == "It stands on sand."


def test_a_template_and_a_condition_can_use_the_taxonomy() -> None:
    boots = build_product("Boots")
    assert render("{{ taxonomy[0] }}, {{ taxonomy[1] }}", boots) == "Apparel & Accessories, Shoes"
    written = "{% if taxonomy[0] %}{{ taxonomy[0] }}{% else %}unknown{% endif %}"
    assert render(written, build_product("Ekiden")) == "unknown"
    text = "shots: {hero: {prompt: x, only_if: \"taxonomy[1] != 'Shoes'\"}}"
    (shot,) = read_shots(text.encode(), "s").shots
    made = [*build_requests([boots, build_product("Ekiden")], [shot])]
    assert [isinstance(item, ImageRequest) for item in made] == [False, True]


def test_a_level_that_there_is_not_cannot_be_written() -> None:
    for written in ("{{ taxonomy[0] }}", "{{ taxonomy }}"):
        with pytest.raises(PromptError):
            render(written, build_product("Ekiden"))


def test_a_column_of_the_export_goes_before_the_taxonomy() -> None:
    assert render("{{ scene }}", build_product("Boots", scene="Winter")) == "Winter"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the exports of ../shared")
def test_nearly_every_product_of_the_shared_catalogs_has_a_category() -> None:
    products = [
        product
        for path in sorted((SHARED / "catalogs").iterdir())
        if path.suffix in {".csv", ".tsv"}
        for product in read_catalog(path.read_bytes(), path.name).products
    ]
    known = sum(find_category(product) is not None for product in products)
    assert known > 0.99 * len(products)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the exports of ../shared")
def test_no_quotation_mark_is_left_in_the_prompts_of_the_shared_case() -> None:
    name = "texts_as_merchants_write.csv"
    catalog = read_catalog((SHARED / "cases" / name).read_bytes(), name)
    shots = read_shots((Path(__file__).parents[2] / "data/shots.yaml").read_bytes(), "s").shots
    prompts = {
        (made.product_id, made.shot): made.prompt
        for made in build_requests(catalog.products, shots)
        if isinstance(made, ImageRequest)
    }
    assert not any(set('"“”„«»‘‹›') & set(prompt) for prompt in prompts.values())
    heroes = [prompts[str(number), "hero"] for number in range(1, 6)]
    for prompt, said in zip(
        heroes,
        (
            "Passt zu Retro-Taschen.",
            "Approx. 30 cm tall vase with a narrow neck. Professional",
            "Holds max. 2 kg, e.g. herbs. Professional",
            "Details: see below. Professional",
            "Dr. Bauer entwarf diesen Teller 1962. Professional",
        ),
        strict=True,
    ):
        assert said in prompt
    assert heroes[0].startswith("15.6″ Laptop Sleeve Aurora")
