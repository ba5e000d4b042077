"""What cells say: nothing, a list, a colour, an id, a text; in every dialect and language."""

from pathlib import Path

import pytest

from flux_assets.catalog import Catalog, Product, read_catalog
from flux_assets.catalog.cells import TextRules
from flux_assets.catalog.colors import read_colors
from flux_assets.catalog.decoration import undress, undress_title
from flux_assets.catalog.html_text import plain_lines
from flux_assets.catalog.identity import normalise_id
from flux_assets.catalog.lists import join_values
from flux_assets.catalog.nothing import says_nothing
from flux_assets_tests.fixtures.growth import measure_growth

CASES = Path(__file__).parents[3] / "shared" / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="needs the exports of ../shared/cases")


def read_case(name: str, **options: object) -> Catalog:
    return read_catalog((CASES / name).read_bytes(), name, **options)  # type: ignore[arg-type] # of the test


def read_products(*rows: str, **options: object) -> list[Product]:
    return list(read_catalog("\n".join(rows).encode(), "export.csv", **options).products)  # type: ignore[arg-type] # of the test


# --- The shared cases -----------------------------------------------------------------------


@needs_cases
def test_texts_as_merchants_write_say_nothing_where_they_do() -> None:
    products = read_case("texts_as_merchants_write.csv").products
    assert [(it.color, it.material) for it in products] == [
        ("", ""),
        ("", "Glass"),
        ("Multicolor", ""),
        ("", ""),
        ("", "Keramik"),
    ]


@needs_cases
def test_lists_in_a_cell_are_no_colour_and_read_as_words() -> None:
    catalog = read_case("lists_in_a_cell.csv")
    assert [it.color for it in catalog.products] == ["", "", ""]
    assert catalog.products[1].material == "Wool, Spandex"
    assert catalog.products[1].category == "Women > Tops > Hoodies"
    sets = read_case("lists_in_a_cell.csv", one_set_per="color").products
    assert [it.product_id for it in sets if it.product_id.startswith("C-1")] == [
        "C-1~Black",
        "C-1~Blue",
        "C-1~Green",
    ]


@needs_cases
def test_an_embedded_picture_costs_nothing_of_the_text() -> None:
    products = read_case("description_with_embedded_picture.csv").products
    assert [it.description for it in products] == [
        "A bench of solid oak. Oiled.",
        "A bench of solid ash. Oiled.",
        "A bench of solid elm. Waxed.",
    ]


@needs_cases
def test_a_woocommerce_exporter_s_apostrophes_go() -> None:
    products = read_case("woocommerce_escaped_formulas.csv").products
    assert [it.product_id for it in products] == ["-40-BOOT", "AT-1", "PL-1", "OC-1"]
    assert [it.title for it in products] == [
        "-40 °C Winter Boot",
        "@home Mug",
        "+2.5 Reading Glasses",
        "'Tis the Season Candle",
    ]
    assert products[0].description.startswith("-40 degrees")


@needs_cases
def test_a_page_builder_s_shortcodes_are_no_text() -> None:
    assert [it.description for it in read_case("woocommerce_page_builder.csv").products] == [
        "A planter of oiled cedar with a zinc liner. Holds two shrubs.",
        "A hand-hammered kettle with a wooden grip.",
        "Ruled pages [A5 size], stitched spine.",
    ]


@needs_cases
def test_ids_are_the_same_in_both_of_unicode_s_forms() -> None:
    composed, decomposed = (read_case(f"ids_{form}.csv").products for form in ("nfc", "nfd"))
    assert [it.product_id for it in composed] == [it.product_id for it in decomposed]
    for products in (composed, decomposed):  # a store may know it by either
        assert [it.former_ids for it in products] == [("MU\u0308-1",), (), ()]


@needs_cases
def test_an_option_s_code_is_words() -> None:
    mapped = {"title": "name-en_US"}
    products = read_case("akeneo_localised.csv", columns=mapped).products
    assert {"brushed brass", "off white"} <= {it.color for it in products}


# --- Nothing --------------------------------------------------------------------------------

NOTHINGS = (
    *(
        "",
        " ",
        "\u200b",
        "-",
        "--",
        ".",
        "…",
        "?",
        "N/A",
        "n.a.",
        "#N/A",
        "#REF!",
        "#WERT!",
        "(none)",
    ),
    *("None", "NULL", "nil", "nan", "undefined", "not specified", "Not-Applicable", "unspecified"),
    *("unknown", "Default", "Default Title", "see product page", "TBD", "keine Angabe", "k. A."),
    *(
        "non spécifié",
        "sin especificar",
        "non specificato",
        "n.v.t.",
        "brak danych",
        "não informado",
    ),
    *("ej angivet", "ikke oplyst".replace("oplyst", "angivet"), "ei määritelty", "neuvedeno"),
    *("None.", "none specified", "Not specified!", "geen kleur", "sans couleur", "No image", "xxx"),
    *("nespecificat", "nincs megadva", "belirtilmemiş", "не указано", "なし", "未指定", "없음"),
)


@pytest.mark.parametrize("text", NOTHINGS)
def test_a_word_for_nothing_says_nothing(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["NA", "0", "Nonesuch", "Ohne Dich", "Red", "白", "5", "No. 5"])
def test_a_word_of_its_own_says_something(text: str) -> None:
    assert not says_nothing(text)


@pytest.mark.parametrize("nothing", ["N/A", "-", "keine Angabe", "null", "0", "#REF!"])
def test_nothing_is_nothing_in_every_field_but_a_size_may_be_0(nothing: str) -> None:
    header = "id,title,description,category,brand,color,material,size,price"
    (product,) = read_products(header, f"1,Hat,{','.join([nothing] * 5)},0,0")
    said = (product.description, product.category, product.brand, product.color, product.material)
    assert said == ("", "", "", "", "")
    assert (product.columns["size"], product.price) == ("0", "0")


@pytest.mark.parametrize(
    "title",
    [
        *(
            "N/A",
            "none",
            "\u200b\u00a0",
            "?",
            "Default Title",
            "未设置",
            "0",
            "Untitled",
            "Ohne Titel",
        ),
        *("Sin título", "無題"),
    ],
)
def test_a_title_that_says_nothing_is_rejected_by_line(title: str) -> None:
    catalog = read_catalog(f"id,title\n1,Hat\n2,{title}\n".encode(), "export.csv")
    (row,) = catalog.rejected_rows
    assert (row.line, row.reason, row.column) == (3, "no_title", "title")


# --- Colours and lists ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "colors"),
    [
        ("#ff0000", "red"),
        ("#F00", "red"),
        ("rgb(0, 0, 128)", "navy"),
        ("#2f4f4f", "dark slate gray"),
        ("#d4af37", ""),
        ("Black (#000000)", "Black"),
        ("4823", ""),
        ("facade", "facade"),
        ("brushed_brass", "brushed brass"),
        ("off-white", "off-white"),
        ("Red/White", "Red/White"),
        ("Black and White", "Black and White"),
        ("Black, N/A", "Black"),
        ("Grey (dark, matt)", "Grey (dark, matt)"),
        *(
            (f"Red{sign}Blue", "Red\nBlue")
            for sign in ("|", ";", ", ", "\n", "\r\n", " / ", "、", "\\n")
        ),
        *(
            (cell, "Red\nBlue")
            for cell in ('["Red","Blue"]', "['Red', 'Blue']", '["Red", null, "Blue"]')
        ),
        ('["Red"]', "Red"),
        ("[none]", ""),
    ],
)
def test_a_colour_s_words(cell: str, colors: str) -> None:
    assert read_colors(cell) == colors


@pytest.mark.parametrize("sign", ["|", ";", ",", "\n", " / ", "; "])
def test_a_material_list_reads_as_words(sign: str) -> None:
    assert join_values(f"Wool{sign}Spandex") == "Wool, Spandex"
    assert join_values("1,5 mm steel") == "1,5 mm steel"


GOOGLE = "id,title,image_link,google_product_category,color,material"
WOOCOMMERCE = "ID,Type,SKU,Name,Regular price,Attribute 1 name,Attribute 1 value(s)"
MAGENTO = "sku,name,attribute_set_code,additional_attributes"


@pytest.mark.parametrize(
    "rows",
    [
        (GOOGLE, "1,Hat,,,Red|Blue,"),
        (GOOGLE, "1,Hat,,,Red;Blue,"),
        (WOOCOMMERCE, "1,simple,a,Hat,5,Farbe,Red|Blue"),
        (WOOCOMMERCE, '1,simple,a,Hat,5,Color,"Red, Blue"'),
        (MAGENTO, "a,Hat,x,color=Red|Blue"),
        ("Handle,Title,Vendor,Option1 Name,Option1 Value", 'h,Hat,x,Color,"Red; Blue"'),
    ],
)
def test_several_colours_are_none_in_every_dialect(rows: tuple[str, ...]) -> None:
    (product,) = read_products(*rows)
    assert product.color == ""


# --- Ids ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "product_id"),
    [
        ('="00123"', "00123"),
        ("'00125", "00125"),
        ("'-40-BOOT", "-40-BOOT"),
        ("'abc", "'abc"),
        ("\ufeffA-1\u200b", "A-1"),
        ("A\u00a01", "A 1"),
        ("\u202aA-1\u202c", "A-1"),
        ("MU\u0308-1", "MÜ-1"),
    ],
)
def test_an_id_is_normalised_once(cell: str, product_id: str) -> None:
    assert normalise_id(cell) == product_id
    assert normalise_id(product_id) == product_id


def test_a_variation_finds_its_parent_whatever_was_done_to_the_id() -> None:
    header = "ID,Type,SKU,Name,Regular price,Parent"
    rows = ("1,variable,'-40,Boot,,", "2,variation,V,Boot - 1,5,-40\u200b")
    catalog = read_catalog("\n".join((header, *rows)).encode(), "export.csv")
    assert [it.product_id for it in catalog.products] == ["-40"]
    assert catalog.skipped == {"variant": 1}


@pytest.mark.parametrize("shortened", ["4.00638E+12", '"1,23E+12"', "4e+12"])
def test_an_id_that_a_spreadsheet_shortened_is_rejected(shortened: str) -> None:
    (row,) = read_catalog(f"id,title\n{shortened},Hat\n".encode(), "export.csv").rejected_rows
    assert (row.line, row.reason) == (2, "unusable_id")
    assert "spreadsheet" in row.message


def test_two_ids_that_become_one_are_duplicates() -> None:
    (row,) = read_catalog("id,title\nA\u200b,Hat\nA,Cap\n".encode(), "export.csv").rejected_rows
    assert (row.line, row.reason) == (3, "duplicate_id")


# --- Text -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("<!-- wp:paragraph --><p>Hi</p><!-- /wp:paragraph -->", "Hi"),
        ('{{widget type="x"}}A lamp. {{media url="a"}} %%name%%', "A lamp."),
        ("&amp;lt;b&amp;gt;Bold&amp;lt;/b&amp;gt; Caf&amp;eacute;", "Bold Café"),
        (".vc_1{color:red} A lamp. body { margin:0 }", "A lamp."),
        ('[caption id="a"]<img src="x"/> A chair[/caption]', "A chair"),
        ("[vc_row css=&quot;.a{b:c}&quot;]Text[/vc_row]", "Text"),
        ("x [1] y [see note] z", "x [1] y [see note] z"),
        ("A\u00adB\u200bC\u00a0D\u202e", "ABC D"),
        ("Text data:image/png;base64,QUJD end", "Text end"),
        ('<div title="a > b">T</div>', "T"),
    ],
)
def test_what_is_for_software_is_no_text(cell: str, text: str) -> None:
    assert plain_lines(cell).split() == text.split()


@pytest.mark.parametrize(
    ("title", "undressed"),
    [
        ("!!! SALE -50% !!! Oak Bench", "Oak Bench"),
        ("★★★ NEW ★★★ Steel Flask", "Steel Flask"),
        ("Oak Bench (SALE)", "Oak Bench"),
        ("Oak Bench nur 19,99 €", "Oak Bench"),
        ("Oferta: Mesa -30%", "Mesa"),
        ("セール! 花瓶", "花瓶"),
        ("**Oak** Bench!!!", "Oak Bench!"),
        ("New Balance 574", "New Balance 574"),
        ("50% Cotton Tee", "50% Cotton Tee"),
        ("-40 °C Boot", "-40 °C Boot"),
        ("OAK BENCH", "OAK BENCH"),
        ("ACME® Mug™", "ACME® Mug™"),
        ("Hut *Top Angebot*", "Hut"),
        ("**SALE** Hat", "Hat"),
        ("Sombrero ¡OFERTA!", "Sombrero"),
        ("¡Hola! Taza", "¡Hola! Taza"),
        ("帽子【新品】送料無料", "帽子"),
        ("木製 椅子 限定", "木製 椅子"),
        ("세일 모자", "모자"),
        ("Oak\\nBench", "Oak Bench"),
        ("#1 Dad Mug", "#1 Dad Mug"),
    ],
)
def test_a_title_s_shouting_goes_and_its_words_stay(title: str, undressed: str) -> None:
    assert undress_title(title) == undressed


def test_markdown_is_no_text() -> None:
    text = "# Bench\n\nOf **oak**, [oiled](https://x.example).\n\n* Soft\n* Warm"
    assert undress(text) == "Bench Of oak, oiled. Soft Warm"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("[Oiled](https://x.example) oak.", "Oiled oak."),
        ("![a bench](data:image/png;base64,QUJD) Of oak.", "Of oak."),
        ("Of oak.\\r\\nOiled.", "Of oak. Oiled."),
        ("Of oak. More at https://x.example/a?b=c", "Of oak. More at"),
        ("Of oak (www.x.example), oiled.", "Of oak, oiled."),
        ("Of oak!!! SALE -50%!!!", "Of oak!"),
    ],
)
def test_links_and_written_line_ends_are_no_text(cell: str, text: str) -> None:
    assert undress(plain_lines(cell)) == text


def test_a_template_s_placeholder_is_no_description() -> None:
    rows = "id,title,description,short_description\n1,Hat,Lorem ipsum dolor sit amet.,Of felt.\n"
    (hat,) = read_catalog(rows.encode(), "export.csv").products
    assert hat.description == "Of felt."


def test_a_raw_column_carries_no_markup() -> None:
    cell = "<style>a{}</style><img onerror=x>Of **oak** [vc_row a='1']{{7*7}}<script>y</script>"
    (bench,) = read_catalog(f'id,title,care_text\n1,Bench,"{cell}"\n'.encode(), "a.csv").products
    assert bench.columns["care_text"] == "Of **oak**"


def test_marks_go_where_the_rules_say_so() -> None:
    rows = ("id,title", "1,ACME® Mug™")
    assert read_products(*rows)[0].title == "ACME® Mug™"
    assert read_products(*rows, rules=TextRules(strip_marks=True))[0].title == "ACME Mug"


def test_a_long_title_is_cut_at_a_word_and_named() -> None:
    catalog = read_catalog(f"id,title\n1,Hat\n2,{'Chair ' * 40}\n".encode(), "export.csv")
    assert catalog.products[1].title == ("Chair " * 25).strip()
    assert catalog.warnings == ("1 titles are too long, and were cut at a word (first: line 3)",)


@pytest.mark.parametrize("hostile", ['<a b="', "[a b=", "{{", "!*", "**a", "SALE ", "12 % ", "<"])
def test_hostile_text_costs_time_in_proportion(hostile: str) -> None:
    assert measure_growth(lambda text: undress(plain_lines(text)), hostile) < 30
