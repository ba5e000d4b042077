from pathlib import Path

import pytest

from flux_assets.catalog import Catalog, read_catalog
from flux_assets.errors import CatalogError
from flux_assets_tests.fixtures.exports import xlsx

CASES = Path(__file__).parents[3] / "shared" / "cases"


def read(data: str | bytes, **columns: str | None) -> Catalog:
    return read_catalog(
        data.encode() if isinstance(data, str) else data, "export.csv", columns=columns
    )


def lines(catalog: Catalog) -> dict[str, tuple[str, int]]:
    return {product.product_id: (product.title, product.line) for product in catalog.products}


def problem_of(data: str, **columns: str | None) -> str:
    with pytest.raises(CatalogError) as caught:
        read(data, **columns)
    return str(caught.value)


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the exports of ../shared/cases")
def test_the_help_row_of_meta_s_template_is_no_header() -> None:
    catalog = read((CASES / "meta_template.csv").read_bytes())
    assert lines(catalog) == {"M-1": ("Oak Tray", 3), "M-2": ("Oak Board", 4)}
    assert (catalog.rows, catalog.rejected_rows) == (2, ())


@pytest.mark.parametrize(
    "above",
    [
        "Products of our shop\n",
        "Products of our shop; exported on 2026-01-02, by A\n\n",
        "Shop,Oak & Co.,,\nDate,2026-01-02,,\n,,,\n",
        "Info,Version=1.0.0,Template=fx_category_template_EBAY_US\n",
        "TemplateType=fptcustom,Version=2026.1,For the shop only,\nSeller's number,Name of it,,\n",
        "# Required | A unique ID.,# Required | A title,# Optional\n",
        '"A title, with\na line end",,\n',
        "sep=,\n",
        '"sep=,"\n',
        "sep=,,,\n",
        "\ufeff\u200b\n",
        "x\n" * 19,
    ],
)
@pytest.mark.parametrize("header", ["id,title,image_link", "Handle,Title,Vendor", "sku,name,x"])
def test_rows_above_the_header_are_no_header_and_no_products(above: str, header: str) -> None:
    catalog = read(f"{above}{header}\n1,Hat,a\n2,Cap,b\n")
    start = above.count("\n") + 2
    assert lines(catalog) == {"1": ("Hat", start), "2": ("Cap", start + 1)}
    assert (catalog.rows, catalog.delimiter) == (2, ",")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_title_line_does_not_hide_the_delimiter(delimiter: str) -> None:
    text = f"Our products, new, and old, all of them\n\nid{delimiter}title\n1{delimiter}Hat, blue\n"
    assert lines(read(text)) == {"1": ("Hat, blue", 4)}


def test_headers_that_the_shots_file_maps_are_found_below_others() -> None:
    text = "Report\nid,title,from\nNr,Bezeichnung,Farbton\n1,Hut,rot\n"
    catalog = read(text, product_id="Nr", title="Bezeichnung")
    assert lines(catalog) == {"1": ("Hut", 4)}


def test_a_shop_s_own_names_go_before_the_labels_above_them() -> None:
    catalog = read("sku,name,picture\nid,title,image_link\n1,Hat,a\n")
    assert (catalog.dialect, lines(catalog)) == ("google_merchant", {"1": ("Hat", 3)})


def test_a_workbook_s_header_is_found_too() -> None:
    rows: list[list[object]] = [
        ["Our list", None],
        [],
        ["# Required | the id", "# Required | x"],
        ["id", "title"],
    ]
    assert lines(read(xlsx([*rows, ["1", "Hat"]]))) == {"1": ("Hat", 5)}


def test_help_below_the_header_is_skipped_and_an_id_with_a_number_sign_is_not() -> None:
    text = 'id,title\n# Required | unique,"# Required\nx"\n#1,Hat\n# two words,Cap\n'
    assert lines(read(text)) == {"#1": ("Hat", 4), "# two words": ("Cap", 5)}


def test_an_error_shows_the_row_that_is_most_like_a_header() -> None:
    told = problem_of("Our list,,\n\nartikelnummer,Irgendwas,Preis\n1,Hut,3\n")
    assert "export.csv, line 3: no column for the product's title is recognised" in told
    assert "its headers are 'artikelnummer', 'Irgendwas', 'Preis'" in told
    told = problem_of("Our list,,\nid,title,x\n1,Hat,3\n", color="Farbe")
    assert "export.csv, line 2: columns: color is to be the column 'Farbe'" in told
    assert "line 1: no column" in problem_of("a,b\n1,2\n")
    # A cell of a product may be called as a column of another shop's.
    told = problem_of("Preislista\nNumrera,Tipas,Aprašymas\n1,paprastas,Material\n2,Type,Color\n")
    assert "line 2: no column" in told
    assert "'Numrera', 'Tipas', 'Aprašymas'" in told


@pytest.mark.parametrize(
    "header",
    [
        *(
            "\ufeffid,title",
            "\u200bid\u200b,ti\u200btle",
            "\u00a0id\u00a0,\u2009title ",
            "i\u00add,title",
        ),
        *('"id","title"', '"id\n","\n title"', "\u202aid\u202c,\u200ftitle\u200e", "ID , TITLE "),
        '\ufeff"id","title"',
    ],
)
def test_what_is_no_letter_in_a_header_counts_for_nothing(header: str) -> None:
    catalog = read(f"{header}\n1,Hat\n".encode("utf-8-sig"))
    assert [(item.product_id, item.title) for item in catalog.products] == [("1", "Hat")]


@pytest.mark.parametrize("header", ["Größe", "Gro\u0308ße", "GRÖSSE", "İSİM"])
def test_one_name_in_two_spellings_is_one_column(header: str) -> None:
    columns = read(f"id,title,{header}\n1,Hat,x\n").products[0].columns
    assert list(columns.values()) == ["1", "x"]
    assert not any("\u0307" in name or "\u0308" in name for name in columns)


def test_of_twin_headers_the_first_cell_that_is_not_empty_counts() -> None:
    text = (
        "id,title,Title,color,TITLE ,color\n1,,Hat,,x,red\n2,Cap,y,blue,,green\n3,,,,Tie,\n4,Hut\n"
    )
    catalog = read(text)
    assert [(item.title, item.color) for item in catalog.products] == [
        *(("Hat", "red"), ("Cap", "blue"), ("Tie", ""), ("Hut", "")),
    ]
    (warning,) = catalog.warnings
    assert warning.startswith("headers stand more than once ('title', 'color'); of each row")
    assert read("id,title,,\n1,Hat,a,b\n").warnings != catalog.warnings


def test_twins_of_a_workbook_and_of_json_are_joined_too() -> None:
    assert lines(read(xlsx([["id", "title", "Title"], [1, None, "Hat"]]))) == {"1": ("Hat", 2)}
    assert lines(read('[{"id": 1, "title": "", "Title": "Hat"}]')) == {"1": ("Hat", 1)}


@pytest.mark.parametrize(
    "form",
    ["{name}:{language}", "{name} : {language}", "{name}-{language}", "{name} [{language}_XX]"],
)
def test_english_goes_first_however_a_header_names_its_language(form: str) -> None:
    names = [
        form.format(name=name, language=it) for name in ("name", "color") for it in ("de", "en")
    ]
    (product,) = read(f"sku,{','.join(names)}\n1,Tisch,Table,Rot,Red\n").products
    assert (product.title, product.color) == ("Table", "Red")


@pytest.mark.parametrize(
    "header",
    [
        "Typ [Class];Bezeichner [Alias];Name/Deutsch [Name/de];Sichtbar [IsVisible]",
        "Type [Class];Object ID [Alias];Name/English [Name/en];Visible [IsVisible]",
        "Tyyppi [Class];Tunnus [Alias] ;Nimi/suomi [Name/fi_FI];Näkyvä  [IsVisible]",
    ],
)
def test_a_name_in_brackets_is_known_whatever_language_stands_before_it(header: str) -> None:
    catalog = read(f"{header}\nProduct;A;Mug;1\nProduct;B;Old mug;0\n")
    assert catalog.dialect == "epages"
    assert lines(catalog) == {"A": ("Mug", 2)}


@pytest.mark.parametrize("header", ["[Alias];[Name];[Class]", "Alias];Name];Class", "A [;N [;C ["])
def test_brackets_that_hold_no_name_are_none(header: str) -> None:
    with pytest.raises(CatalogError, match="no column for the product"):
        read(f"{header}\nA;Mug;1\n")


@pytest.mark.parametrize(
    ("header", "hidden", "shown"),
    [
        ("code,name,productVisibility", "hidden", "visible"),
        ("상품코드,상품명,진열상태", "N", "Y"),
        ("商品番号,商品名,倉庫指定", "1", "0"),
        ("Código,Produto,Ativo", "Não", "Sim"),
    ],
)
def test_a_shop_s_own_word_for_what_is_hidden(header: str, hidden: str, shown: str) -> None:
    catalog = read(f"{header}\n1,Old Mug,{hidden}\n2,Mug,{shown}\n")
    assert [it.product_id for it in catalog.products] == ["2"]
    assert catalog.skipped == {"unpublished": 1}


def test_shopware_s_long_text_describes_where_it_is_alone() -> None:
    catalog = read("ordernumber;name;description;description_long\nA;Mug;;<p>Of clay.</p>\n")
    assert [it.description for it in catalog.products] == ["Of clay."]


def test_a_variant_of_salsify_is_of_its_parent() -> None:
    catalog = read("salsify:id,salsify:parent_id,Product Name,Color\nP,,Boot,\nP-R,P,Boot R,Red\n")
    assert [(it.product_id, it.color) for it in catalog.products] == [("P", "Red")]


@pytest.mark.parametrize(("encoding", "is_guess"), [("koi8-r", True), ("utf-8", False)])
def test_unknown_headers_may_be_a_wrong_guess_of_their_letters(
    encoding: str,
    is_guess: bool,  # noqa: FBT001 - a case
) -> None:
    header = "артикул,заголовок,описание,цвет" if is_guess else "nomen,numerus"
    data = f"{header}\n1,Деревянный стол,Стол из дуба.,Чёрный\n".encode(encoding)
    with pytest.raises(CatalogError) as caught:
        read(data)
    assert ("FLUX_ASSETS_CATALOG_ENCODING" in str(caught.value)) is is_guess
    assert caught.value.line == 1
