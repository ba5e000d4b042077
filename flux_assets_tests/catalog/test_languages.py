"""Of columns in several languages, a product's title and its description are of one."""

import pytest

from flux_assets.catalog import Product, read_catalog


def read(text: str, **columns: str) -> list[Product]:
    catalog = read_catalog(text.encode(), "export.csv", columns=columns)
    assert catalog.rejected_rows == ()
    return list(catalog.products)


@pytest.mark.parametrize("form", ["{}_{}", "{}-{}", "{}:{}", "{} ({})", "{}.{}"])
@pytest.mark.parametrize("languages", [("de", "fr"), ("fr", "de"), ("de", "en"), ("en", "de")])
def test_the_description_is_in_the_title_s_language_wherever_it_stands(
    form: str, languages: tuple[str, str]
) -> None:
    names = [("title", it) for it in languages]
    names += [("description", it) for it in reversed(languages)]
    names += [("category", it) for it in reversed(languages)]
    names += [("color", it) for it in reversed(languages)]
    header = ",".join(form.format(*name) for name in names)
    cells = ",".join(f"{name} in {language}" for name, language in names)
    (product,) = read(f"sku,{header}\n1,{cells}\n")
    first = "en" if "en" in languages else languages[0]
    assert (product.title, product.description, product.category, product.color) == (
        f"title in {first}",
        f"description in {first}",
        f"category in {first}",
        f"color in {first}",
    )


@pytest.mark.parametrize(
    ("cells", "title", "description"),
    [
        ("Hemd,Shirt,Of linen.,Aus Leinen.", "Shirt", "Of linen."),
        ("Hemd,,Of linen.,Aus Leinen.", "Hemd", "Aus Leinen."),
        ("Hemd,N/A,Of linen.,Aus Leinen.", "Hemd", "Aus Leinen."),
        ("Hemd,Shirt,,Aus Leinen.", "Shirt", "Aus Leinen."),
        ("Hemd,,Of linen.,", "Hemd", "Of linen."),
        ("Hemd,,,", "Hemd", ""),
    ],
)
def test_each_row_is_described_in_its_own_title_s_language(
    cells: str, title: str, description: str
) -> None:
    header = "sku,title_de,title_en,description_en,description_de"
    (product,) = read(f"{header}\n1,{cells}\n")
    assert (product.title, product.description) == (title, description)


def test_a_short_text_in_the_title_s_language_goes_before_a_long_one_in_another() -> None:
    header = "sku,name_de,name_fr,description_fr,short_description_de"
    (product,) = read(f"{header}\n1,Hemd,Chemise,En lin.,Aus Leinen.\n")
    assert (product.title, product.description) == ("Hemd", "Aus Leinen.")


def test_a_country_s_own_column_goes_before_another_country_s() -> None:
    header = "sku,name-en_US,name-en_GB,description-de_DE,description-en_GB,description-en_US"
    (product,) = read(f"{header}\n1,Pants,Trousers,Aus Leinen.,Of flax.,Of linen.\n")
    assert (product.title, product.description) == ("Pants", "Of linen.")
    (product,) = read(f"{header}\n1,,Trousers,Aus Leinen.,Of flax.,Of linen.\n")
    assert (product.title, product.description) == ("Trousers", "Of flax.")


def test_a_title_that_is_mapped_is_described_in_its_language() -> None:
    header = "sku,title_en,title_de,description_en,description_de"
    text = f"{header}\n1,Shirt,Hemd,Of linen.,Aus Leinen.\n"
    (product,) = read(text, title="title_de")
    assert (product.title, product.description) == ("Hemd", "Aus Leinen.")
    (product,) = read(text, title="title_de", description="description_en")
    assert (product.title, product.description) == ("Hemd", "Of linen.")


def test_a_title_without_a_language_is_described_in_english_first() -> None:
    (product,) = read("sku,title,description_de,description_en\n1,Hemd,Aus Leinen.,Of linen.\n")
    assert product.description == "Of linen."


def test_a_language_that_stands_first_in_a_header_counts_alike() -> None:
    header = "Internal_ID;NL_Title_Short;DE_Title_Short;DE_Description_Long;NL_Description_Long"
    (product,) = read(f"{header}\n1;Overhemd;Hemd;Aus Leinen.;Van linnen.\n")
    assert (product.title, product.description) == ("Overhemd", "Van linnen.")
