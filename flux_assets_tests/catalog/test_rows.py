import pytest

from flux_assets.catalog import Catalog, Product, RejectedRow, read_catalog
from flux_assets.catalog.html_text import plain_lines
from flux_assets.errors import CatalogError
from flux_assets.image_api.parameters import PARAMETERS


def read(text: str, **columns: str | None) -> Catalog:
    catalog = read_catalog(text.encode(), "export.csv", columns=columns)
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(catalog.products) + len(catalog.rejected_rows) + skipped
    return catalog


def read_one(text: str, **columns: str | None) -> Product:
    catalog = read(text, **columns)
    assert catalog.rejected_rows == ()
    (product,) = catalog.products
    return product


def rejected_one(text: str, **columns: str | None) -> RejectedRow:
    (rejected,) = read(text, **columns).rejected_rows
    return rejected


def problem_of(text: str, **columns: str | None) -> str:
    with pytest.raises(CatalogError) as caught:
        read(text, **columns)
    return str(caught.value)


# --- Rejected rows --------------------------------------------------------------------------


def test_a_row_without_an_id_or_a_title_is_rejected() -> None:
    no_id, no_title = read("Item ID,Name\n ,Hat\n2, &nbsp; \n").rejected_rows
    assert (no_id.line, no_id.column, no_id.reason) == (2, "Item ID", "no_id")
    assert (no_title.line, no_title.column, no_title.reason) == (3, "Name", "no_title")
    assert no_title.product_id == "2"
    assert "give the product one in the shop" in no_id.message


@pytest.mark.parametrize("cell", ["-", "?", "N/A", "#N/A", "#REF!", "NULL", "None", "nan", "..."])
def test_an_id_that_says_nothing_is_none(cell: str) -> None:
    assert rejected_one(f"sku,title\n{cell},Hat\n").reason == "no_id"
    products = read(f"sku,title,parent\nA,Hat,{cell}\nB,Cap,{cell}\n").products
    assert [it.product_id for it in products] == ["A", "B"]


def test_an_id_may_be_a_word_that_says_nothing_elsewhere() -> None:
    ids = ["DEFAULT", "OHNE", "0", "xx"]
    rows = "".join(f"{it},Hat\n" for it in ids)
    assert [it.product_id for it in read(f"sku,title\n{rows}").products] == ids


def test_the_first_row_of_an_id_is_kept() -> None:
    catalog = read("id,title\n1,\n1,Hat\n1,Cap\n")
    assert [product.title for product in catalog.products] == ["Hat"]
    without_title, duplicate = catalog.rejected_rows
    assert without_title.reason == "no_title"
    assert (duplicate.line, duplicate.reason) == (4, "duplicate_id")
    assert "'1' is already that of line 3" in duplicate.message


@pytest.mark.parametrize(
    "product_id", ["a...b", "a\tb", '"a\nb"', "a\ab", "a\bb", "a\fb", "a\vb", "a\x1bb", "x" * 256]
)
def test_an_id_that_no_partition_can_have_is_rejected(product_id: str) -> None:
    rejected = rejected_one(f"id,title\n{product_id},Hat\n")
    assert (rejected.line, rejected.column, rejected.reason) == (2, "id", "unusable_id")
    assert "no partition can be named by" in rejected.message


@pytest.mark.parametrize("product_id", ["a..b", "x" * 255, "Ä/ö%20?", "1 2"])
def test_any_other_id_is_taken_as_it_is(product_id: str) -> None:
    assert read_one(f"id,title\n{product_id},Hat\n").product_id == product_id


# --- Per-product parameters -----------------------------------------------------------------


def test_parameters_stay_text_in_the_columns() -> None:
    product = read_one("id,title,Seed,guidance,Aspect Ratio\n1,Hat,007,,16:9\n")
    assert (product.columns["seed"], product.columns["guidance"]) == ("007", "")
    assert product.columns["aspect_ratio"] == "16:9"


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_every_parameter_out_of_its_range_rejects_the_row(parameter: str) -> None:
    header = parameter.replace("_", " ").title()
    rejected = rejected_one(f"id,title,{header}\n1,Hat,-1\n2,Cap,\n")
    assert (rejected.line, rejected.column, rejected.product_id) == (2, header, "1")
    assert rejected.reason == "override_out_of_range"
    assert f"{parameter} is '-1'; the API takes" in rejected.message
    assert f"columns: {{{parameter}: null}} in the shots file" in rejected.message


def test_a_column_can_be_said_to_be_no_parameter() -> None:
    product = read_one("id,title,seed\n1,Tomato,heirloom\n", seed=None)
    assert "seed" not in product.columns


def test_a_parameter_can_come_from_a_column_of_another_name() -> None:
    assert read_one("id,title,Zufall\n1,Hat,7\n", seed="Zufall").columns["seed"] == "7"
    rejected = rejected_one("id,title,Zufall\n1,Hat,x\n", seed="Zufall")
    assert (rejected.column, rejected.reason) == ("Zufall", "override_out_of_range")


# --- Mapped columns -------------------------------------------------------------------------


def test_mapped_columns_take_the_place_of_recognised_ones() -> None:
    product = read_one(
        "id,title,Artikel Nr,Name DE,Name*,Metall\n1,Hat,A7,Hut,Mütze,Gold\n",
        product_id="Artikel Nr",
        title="name de",
        metal="Metall",
        cap="Name*",
    )
    assert (product.product_id, product.title) == ("A7", "Hut")
    assert product.columns == {
        "id": "1",
        "artikel_nr": "A7",
        "name_de": "Hut",
        "name": "Mütze",
        "metall": "Gold",
        "metal": "Gold",
        "cap": "Mütze",
    }


def test_a_header_whose_name_is_taken_can_still_be_mapped() -> None:
    product = read_one("#,Name,Name*\n1,Hat,Cap\n", product_id="#", title="Name*")
    assert (product.product_id, product.title) == ("1", "Cap")


def test_a_field_can_be_said_to_have_no_column() -> None:
    text = "Handle,Title,Vendor,Option1 Name,Option1 Value,Size\nring,Ring,Ours,Color,Gold,6\n"
    assert read_one(text).color == "Gold"
    product = read_one(text, color=None, brand=None, size=None)
    assert (product.color, product.brand, "size" in product.columns) == ("", "", False)


def test_a_mapped_header_that_is_not_there_lists_those_that_are() -> None:
    problem = problem_of("Nr,Name DE\n1,Hut\n", product_id="Nr", title="Name EN")
    assert "title is to be the column 'Name EN', but the headers are 'Nr', 'Name DE'" in problem


@pytest.mark.parametrize("missing", ["product_id", "title"])
def test_an_id_and_a_title_column_are_needed(missing: str) -> None:
    problem = problem_of("id,title,price\n1,Hat,5\n", **{missing: None})
    assert f"no column for the product's {missing} is recognised" in problem
    assert "'id', 'title', 'price'" in problem
    assert f"columns: {{{missing}: <header>}}" in problem


# --- Text -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  two \n\t words\u00a0here ", "two words here"),
        ("<p>One.</p><p>Two<br>three <b>bo</b>ld.</p>", "One. Two three bold."),
        ("<ul><li>a</li><li>b</li></ul>c", "a b c"),
        ("<style>p {}</style>Hat<script>alert(1)</script>", "Hat"),
        ("Salt &amp; pepper &bull; 5&Prime; &#233; &#x20AC;", "Salt & pepper • 5″ é €"),
        ("&lt;p&gt;Soft&lt;/p&gt;", "Soft"),
        ("https://x/?a=1&copy=2&lt=3", "https://x/?a=1&copy=2&lt=3"),
        ("a < b and b > c, M&S, <3", "a < b and b > c, M&S, <3"),
        ("<!-- note --><![if !supportLists]>Hat<![endif]><?xml version='1.0'?>", "Hat"),
        ("Hat <!-- cut off", "Hat"),
        ("<b>Smile</b> &#128512; &#55357;", "Smile \N{GRINNING FACE} \N{REPLACEMENT CHARACTER}"),
        ("<p>size<M or <i>L</i></p>", "size<M or L"),
    ],
)
def test_html_becomes_plain_text(cell: str, text: str) -> None:
    assert plain_lines(cell).split() == text.split()


def test_hostile_markup_is_cut_off() -> None:
    assert len(plain_lines("<b>" + "x" * 1_000_000)) < 100_000


def test_titles_and_further_columns_are_plain_text_too() -> None:
    product = read_one("id,title,notes,kept\n1,<b>Salt</b> &amp;  pepper,<i>Hot</i>, a  b \n")
    assert (product.title, product.columns["notes"]) == ("Salt & pepper", "Hot")
    assert product.columns["kept"] == " a  b "
