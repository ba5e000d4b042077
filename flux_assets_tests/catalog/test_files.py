"""Packed files, workbooks and JSON, and the clear refusal of every other kind."""

import io
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from flux_assets.catalog import Catalog, read_catalog
from flux_assets.errors import CatalogError
from flux_assets_tests.fixtures.exports import Shown, gzipped, ods, xlsx, zipped

CSV = b"id,title\n00123,Hat\n7,Cap\n"
HATS = {"00123": "Hat", "7": "Cap"}
# The SKU is shown as 00000, the price as #,##0.00 "€", the VAT as 0%, the weight as 0.00 "kg".
OLD_WORKBOOK = Path(__file__).parents[1] / "samples" / "workbooks" / "number_formats.xls"
MEGABYTE = 1024 * 1024


def read(data: bytes | str, sheet: str | int = "") -> Catalog:
    return read_catalog(data.encode() if isinstance(data, str) else data, "export", sheet=sheet)


def titles(catalog: Catalog) -> dict[str, str]:
    return {product.product_id: product.title for product in catalog.products}


def problem_of(data: bytes | str, sheet: str | int = "") -> str:
    with pytest.raises(CatalogError) as caught:
        read(data, sheet)
    return str(caught.value)


# --- Packed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        gzipped(CSV),
        gzipped(CSV[:15]) + gzipped(CSV[15:]),
        zipped(products__csv=CSV),
        zipped(**{"export/": b"", "export/a.csv": CSV, "__MACOSX/export/._a.csv": b"\0\5"}),
        gzipped(xlsx([["id", "title"], ["00123", "Hat"], [7, "Cap"]])),
        zipped(a__xlsx=xlsx([["id", "title"], ["00123", "Hat"], [7, "Cap"]])),
        zipped(a__json=b'[{"id": "00123", "title": "Hat"}, {"id": 7, "title": "Cap"}]'),
    ],
)
def test_a_packed_file_is_read_as_what_is_inside(data: bytes) -> None:
    assert titles(read(data)) == HATS


def test_a_packed_feed_and_packed_letters_are_no_different() -> None:
    feed = "<rss><channel><item><id>1</id><title>Café</title></item></channel></rss>"
    assert titles(read(gzipped(feed.encode()))) == {"1": "Café"}
    turkish = "id;title\n1;Kırmızı kaşık\n".encode("cp1254")
    assert read(zipped(a=turkish)).suspected_encoding == "cp1254"


def encrypted() -> bytes:
    data = bytearray(zipped(a=CSV))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (gzipped(CSV)[:-6], "is a gzip archive that is cut off or damaged"),
        (gzipped(CSV)[:-8] + bytes(8), "is a gzip archive that is cut off or damaged"),
        (zipped(a=CSV)[:-30], "is a damaged ZIP archive"),
        (zipped(a__csv=CSV, b__csv=CSV), "is a ZIP archive of 2 files ('a.csv', 'b.csv')"),
        (zipped(), "is a ZIP archive without a file"),
        (encrypted(), "is a ZIP archive with a password"),
        (zipped(a=gzipped(CSV)), "is an archive in an archive"),
        (gzipped(zipped(a=CSV)), "is an archive in an archive"),
        (gzipped(gzipped(CSV)), "is an archive in an archive"),
        (gzipped(b"x" * 40 * MEGABYTE), "unpacks to more than"),
        (zipped(a=b"x" * 40 * MEGABYTE), "unpacks to more than"),
        (gzipped(b"%PDF-1.7"), "is a PDF document"),
        (gzipped(b""), "is empty"),
    ],
)
def test_an_archive_that_is_not_read_says_why(data: bytes, problem: str) -> None:
    assert problem in problem_of(data)


# --- Workbooks ------------------------------------------------------------------------------


def test_every_cell_is_the_text_that_the_sheet_shows() -> None:
    header = ["id", "title", "price", "sale", "new", "from", "rate"]
    row: list[object] = ["00123", "Hat & cap", 3.0, 2.5, True, date(2024, 2, 29), 0.1 + 0.2]
    catalog = read(xlsx([["Our list"], [], header, row, [], [7, "Cap", 1e-7]]))
    hat, cap = catalog.products
    assert (hat.product_id, hat.title, hat.price, hat.line) == ("00123", "Hat & cap", "3", 4)
    assert hat.columns["sale"] == "2.5"
    assert (hat.columns["new"], hat.columns["from"], hat.columns["rate"]) == (
        *("TRUE", "2024-02-29", "0.3"),
    )
    assert (cap.product_id, cap.price, cap.line) == ("7", "0.0000001", 6)
    assert (catalog.encoding, catalog.delimiter, catalog.warnings) == ("workbook", "", ())


def numbers_of(data: bytes) -> list[tuple[str, str, dict[str, str]]]:
    names = ("vat", "weight", "since", "plain")
    return [
        (it.product_id, it.price, {name: it.columns[name] for name in names})
        for it in read(data).products
    ]


NUMBERS = [
    ("00123", "12.50 €", {"vat": "19%", "weight": "1.50 kg", "since": "2024-02-29", "plain": "7"}),
    ("00045", "1234.50 €", {"vat": "7%", "weight": "2.00 kg", "since": "2024-03-01"}),
]
NUMBERS[1][2]["plain"] = "3.25"
HEADER = ["SKU", "Title", "Price", "VAT", "Weight", "Since", "Plain"]


def test_a_number_is_the_text_that_its_format_makes_of_it() -> None:
    codes = ("00000", '#,##0.00\\ "€"', "0%", '0.00\\ "kg"')
    rows: list[list[object]] = [[*HEADER]]
    for (*shown, day, plain), title in (
        ((123, 12.5, 0.19, 1.5, date(2024, 2, 29), 7), "Hat"),
        ((45, 1234.5, 0.07, 2, date(2024, 3, 1), 3.25), "Cap"),
    ):
        number, *others = map(Shown, shown, codes)
        rows.append([number, title, *others, day, plain])
    assert numbers_of(xlsx(rows)) == NUMBERS
    assert numbers_of(OLD_WORKBOOK.read_bytes()) == NUMBERS


def test_libreoffice_s_cells_say_what_they_show() -> None:
    catalog = read(
        ods(
            [
                ["sku", "title", "price", "vat", "count", "weight", "since"],
                [
                    Shown(123, "00123"),
                    "Hat",
                    Shown(12.5, "12,50 €", "currency"),
                    Shown(0.19, "19 %", "percentage"),
                    Shown(1234567, "1.234.567"),
                    Shown(1.5, "1,50"),
                    "2024",
                ],
            ]
        )
    )
    (hat,) = catalog.products
    assert (hat.product_id, hat.price, hat.columns["vat"]) == ("00123", "12,50 €", "19 %")
    assert (hat.columns["count"], hat.columns["weight"]) == ("1234567", "1.50")


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (123, "00000", "00123"),
        (123, '"SKU-"00000', "SKU-00123"),
        (123456789, "000-00-0000", "123-45-6789"),
        (4006381333931, "0", "4006381333931"),
        (1234, "#,##0", "1234"),
        (0.195, "0.0%", "19.5%"),
        (1234.5, "[$€-407]\\ #,##0.00", "€ 1234.50"),
        (12.5, "0.00_);[Red](0.00)", "12.50"),
        (-3.2, "0.00_);[Red](0.00)", "(3.20)"),
        (-3.2, "0.00", "-3.20"),
        (12, "0.##", "12"),
        (1234567, '0.0,,"M"', "1.2M"),
        (0, '0;-0;"none"', ""),
        (0, "0;-0;;@", "0"),
        (5, "General", "5"),
        (2.5, "# ?/?", "2.5"),
        (1234, "0.00E+00", "1234"),
        (7, "@", "7"),
    ],
)
def test_a_format_is_read_as_a_spreadsheet_reads_it(value: float, code: str, shown: str) -> None:
    (hat,) = read(xlsx([["id", "title", "number"], ["1", "Hat", Shown(value, code)]])).products
    assert hat.columns["number"] == shown


def test_a_workbook_whose_formats_are_damaged_says_so() -> None:
    book = xlsx([["id", "title"], [Shown(123, "00000"), "Hat"]])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/styles.xml"] = parts["xl/styles.xml"].replace(b'numFmtId="164"', b'numFmtId="?"')
    catalog = read(zipped(**parts))
    assert titles(catalog) == {"123": "Hat"}
    assert "the formats of this workbook's numbers cannot be read" in catalog.warnings[0]


def test_numbers_that_the_spreadsheet_rounded_are_named_by_row() -> None:
    rows: list[list[object]] = [["id", "title"], [123456789012345, "Hat"]]
    rows += [[12345678901234567, "Cap"], ["1.23457E+12", "Tie"]]
    catalog = read(xlsx(rows))
    assert catalog.products[0].product_id == "123456789012345"
    assert "12345678901234567" not in titles(catalog)
    assert "2 rows have a long number in scientific notation" in catalog.warnings[0]
    assert "lines 3, 4" in catalog.warnings[0]


def test_the_first_sheet_is_read_or_the_one_that_is_named() -> None:
    book = xlsx([["id", "title"], ["1", "Hat"]], [["id", "title"], ["2", "Cap"]], [])
    assert titles(read(book)) == {"1": "Hat"}
    for sheet in ("Sheet2", "2", 2):
        assert titles(read(book, sheet)) == {"2": "Cap"}
    assert "has no sheet 'Shee', as `sheet:` in the shots file says; it has 'Sheet1'" in problem_of(
        book, "Shee"
    )
    assert "has no sheet '0'" in problem_of(book, "0")
    assert "has no row in the sheet 'Sheet3'" in problem_of(book, 3)


def test_a_workbook_of_libreoffice_is_read_with_its_million_empty_rows() -> None:
    rows = [["id", "title"], ["00123", "Hat"], ["7", "Cap"], ["", ""]]
    assert titles(read(ods(rows, repeated=1_048_000))) == HATS


def far_off(cell: str) -> bytes:
    sheet = f'<worksheet><row r="{cell[3:]}"><c r="{cell}"><v>1</v></c></row></worksheet>'
    book = b"<workbook><sheets/></workbook>"
    return zipped(**{"xl/workbook.xml": book, "xl/worksheets/sheet1.xml": sheet.encode()})


def test_a_workbook_that_would_fill_the_memory_is_refused() -> None:
    assert "has cells too far off" in problem_of(far_off("XFD1048576"))
    rows = [["id", "title", *["x"] * 40], ["1", "Hat", *["x"] * 40]]
    assert "has cells too far off" in problem_of(ods(rows, repeated=1_000_000))


@pytest.mark.parametrize(
    "data", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), zipped(**{"xl/workbook.xml": b"<"})]
)
def test_a_damaged_workbook_is_one_clear_error(data: bytes) -> None:
    assert "is a workbook that cannot be read" in problem_of(data)


# --- JSON -----------------------------------------------------------------------------------

OBJECTS = [
    {"id": "00123", "title": "Hat", "tags": ["a", "b"], "size": {"w": 1.5, "unit": {"n": "cm"}}},
    {"title": "Cap", "id": 7, "sold": False, "note": None},
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=1),
        "\n".join(map(json.dumps, OBJECTS)) + "\n",
        json.dumps({"count": 2, "products": OBJECTS, "next": None}),
        "\ufeff" + json.dumps({"data": OBJECTS}, indent=2),
    ],
)
def test_json_is_read_as_lines_as_a_list_and_as_the_one_list_of_an_object(text: str) -> None:
    catalog = read(text)
    assert titles(catalog) == HATS
    hat, cap = (product.columns for product in catalog.products)
    assert hat["tags"] == "a|b"
    assert cap["sold"] == "false"
    assert catalog.rejected_rows == ()


def test_numbers_of_json_stay_the_text_they_are() -> None:
    product = read('[{"id": 12345678901234567890, "title": "Hat", "price": 10.50}]').products[0]
    assert (product.product_id, product.price) == ("12345678901234567890", "10.50")


def test_a_row_of_json_with_a_list_of_objects_is_rejected_by_its_line() -> None:
    catalog = read('{"p": [\n{"id": 1, "title": "Hat", "variants": [{"id": 2}]},\n'
                   '{"id": 3, "title": "Cap"}]}')  # fmt: skip
    assert titles(catalog) == {"3": "Cap"}
    (rejected,) = catalog.rejected_rows
    assert (rejected.line, rejected.reason) == (2, "malformed_row")
    assert "'variants' holds a list of objects" in rejected.message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"id": 1,\n "title": "Hat"},', "line 2: the JSON is cut off or damaged here"),
        ('{"id": 1, "title": "Hat"}\n{"id"', "line 2: the JSON is cut off or damaged here"),
        ('[{"id": 1}] x', "more after the list"),
        ('[["id"], [1]]', "is no object with the names of its columns"),
        ('{"a": [{"id": 1}], "b": [{"id": 2}]}', "with more than one list of objects (a, b)"),
        ('{"error": "not found"}', "is JSON, but an object without a list of objects (error)"),
        ("[]", "is JSON without objects"),
        ('{"a":' * 100_000, "is JSON that is nested too deep"),
        ('[{"id": 1, "size": "x"}]', "export: no column for the product's title"),
    ],
)
def test_json_that_is_no_catalog_says_why(text: str, problem: str) -> None:
    assert problem in problem_of(text)


# --- What else a file may be ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7", "a PDF document"),
        (b"PAR1\x15", "a Parquet table"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"MZ\x90\0\3\0", "a program for Windows"),
        (b"\x7fELF\2", "a program"),
        (b"RIFF\1\2\3\4WEBPVP8 ", "a WebP picture"),
        (b"\0\0\0\x1cftypheic", "a picture or video"),
        (b"7z\xbc\xaf\x27\x1c\0", "a 7z archive"),
        (b"Rar!\x1a\7\1\0", "a RAR archive"),
        (b"a.csv" + bytes(252) + b"ustar\0", "a tar archive"),
        (zipped(**{"word/document.xml": b"<w/>"}), "a Word document"),
        (zipped(**{"Index/Document.iwa": b"x"}), "a document of Apple's Numbers"),
        (b"{\\rtf1 x}", "an RTF document"),
        (b"<table><tr><td>id</td></tr></table>", "a web page with a table"),
        (
            b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "a workbook in XML of Excel 2003",
        ),
    ],
)
def test_what_cannot_be_read_is_named_as_what_it_is(data: bytes, kind: str) -> None:
    assert f"export: is {kind}" in problem_of(data)


def test_a_catalog_that_begins_like_a_program_is_a_catalog() -> None:
    assert titles(read("MZ id,title,id\nx,Hat,1\n")) == {"1": "Hat"}
