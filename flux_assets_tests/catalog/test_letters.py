import codecs
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from flux_assets.catalog import Catalog, read_catalog
from flux_assets.catalog.proposal import propose_columns
from flux_assets.catalog.tables import build_products_table, build_rejected_rows_table
from flux_assets.errors import CatalogError

CASES = Path(__file__).parents[3] / "shared" / "cases"

WESTERN = {
    "de": ("Schöne Tischdecke für draußen", "Grüner Übertopf „Größe L“, 5 m²"),
    "fr": ("Théière en céramique bleu pâle", "Bœuf braisé, boîte à goûter d’été, garçon"),
    "es": ("Lámpara de pie para niño", "¿Cojín? Sillón pequeño, 1º calidad"),
    "pt_wool": ("Lã e pão", "Romã, avelã e maçã"),
    "pt": ("Decoração de coração", "Cobertor de lã, pães, avó, câmera, põe"),
    "it": ("Caffè più buono della città", "Tè perché è così però"),
    "da": ("Rødt bord af egetræ, blå", "Læderpung til køkkenet"),
    "sv": ("Mörkgrå väska", "Kökshandduk på ö"),
    "fi": ("Pöytäliina, säilytys", "Keittiöpyyhe"),
    "names": ("Noël, Zoë et Citroën", "Café « Moët », crème brûlée"),
    "nl": ("Geëmailleerde pan uit België", "Coördinaat, ideeën, één crème"),
    "is": ("Rauður bolli úr postulíni", "Ný húfa í góðum gæðum"),
    "ca": ("Cadira còmoda, això és feliç", "Col·lecció de raïm"),
    "en": ("Chef’s “best” knife – 25 °C, £5", "Blue™ mug® ½ off"),
}
OTHERS = [
    ("cp1250", ("Drewniana łyżka kuchenna", "Świecznik szklany")),
    ("cp1250", ("Rękawica kuchenna", "Pęk kluczy")),
    ("cp1250", ("Dřevěný stůl", "Křišťálová váza")),
    ("cp1250", ("Rdeča skodelica", "Črna žlica")),
    ("cp1250", ("Női bőr pénztárca", "Fűszertartó")),
    ("cp1250", ("Masă", "Scaun")),
    ("cp1250", ("Cană albastră", "Pernă de lână")),
    ("cp1251", ("Деревянная ложка", "Стеклянная ваза")),
    ("cp1253", ("Ξύλινο κουτάλι", "Γυάλινο βάζο")),
    ("cp1254", ("Şömine Örtüsü", "Kırmızı kaşık")),
    ("cp1255", ("כף עץ", "אגרטל")),
    ("cp1256", ("ملعقة خشبية", "طاولة")),
    ("cp1257", ("Žalias rankšluostis", "Medinė dėžė")),
    ("cp1257", ("Kėdė", "Stalas")),
    ("cp1257", ("Bērnu gultiņa", "Stikla vāze")),
    ("cp932", ("手作り陶器のカップ", "木製まな板")),
    ("gb18030", ("青花瓷茶杯", "竹编灯罩")),
    ("gb18030", ("玻璃杯", "竹灯")),
    ("big5", ("手工陶瓷杯", "竹編燈罩")),
    ("cp949", ("도자기 찻잔", "유리 꽃병")),
    ("koi8_r", ("Деревянная ложка", "Ваза")),
    ("cp850", ("Grüner Übertopf", "Größe")),
    ("cp437", ("Weißes Kissen", "Küchenschürze")),
    ("mac_roman", ("Théière brûlée", "Boîte à goûter")),
    ("mac_roman", ("Sillón para niño", "Algodón")),
]


def export(titles: tuple[str, ...]) -> str:
    rows = "".join(f'{number};"{title}"\r\n' for number, title in enumerate(titles, start=1))
    return f"id;title\r\n{rows}"


def titles(catalog: Catalog) -> tuple[str, ...]:
    return tuple(product.title for product in catalog.products)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("written", [("Hat", "Cap"), ("青花瓷茶杯", "ملعقة خشبية")])
def test_unicode_is_certain_in_every_form(codec: str, mark: str, written: tuple[str, ...]) -> None:
    catalog = read_catalog((mark + export(written)).encode(codec), "export.csv")
    assert titles(catalog) == written
    assert catalog.suspected_encoding == ""


@pytest.mark.parametrize("codec", ["utf-32", "utf-32-le", "utf-32-be"])
def test_utf_32_is_read_with_and_without_its_mark(codec: str) -> None:
    written = ("Café 青花", "Plain")
    for text in (export(written), "\ufeff" + export(written)):
        catalog = read_catalog(text.encode(codec), "export.csv")
        assert titles(catalog) == written
    assert read_catalog(export(written).encode("utf-32-be"), "a").encoding == "utf-32-be"


@pytest.mark.parametrize("language", WESTERN)
def test_western_files_of_two_rows_are_read_without_a_question(language: str) -> None:
    for written in (WESTERN[language], WESTERN[language][:1], WESTERN[language][1:]):
        catalog = read_catalog(export(written).encode("cp1252"), "export.csv")
        assert titles(catalog) == written
        assert (catalog.encoding, catalog.suspected_encoding) == ("cp1252", "")


@pytest.mark.parametrize(("codec", "written"), OTHERS)
def test_another_code_page_is_never_read_as_if_it_were_sure(
    codec: str, written: tuple[str, ...]
) -> None:
    data = export(written).encode(codec)
    assert read_catalog(data, "export.csv").suspected_encoding
    named = read_catalog(data, "export.csv", encoding=codec)
    assert (titles(named), named.suspected_encoding) == (written, "")


@pytest.mark.parametrize("codec", ["cp1250", "cp1251", "cp1254", "gb18030", "cp932", "big5"])
def test_a_guess_at_a_larger_file_is_the_right_one(codec: str) -> None:
    written = next(texts for page, texts in OTHERS if page == codec) * 20
    catalog = read_catalog(export(written).encode(codec), "export.csv")
    assert (titles(catalog), catalog.suspected_encoding) == (written, codec)


def test_one_foreign_name_in_a_large_western_catalog_is_no_reason_to_stop() -> None:
    written = (*WESTERN["de"] * 20, "Škoda Fußmatte", "Þór")
    assert read_catalog(export(written).encode("cp1252"), "a").suspected_encoding == ""


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the exports of ../shared/cases")
@pytest.mark.parametrize(
    ("file", "codec", "expected"),
    [
        ("excel_gbk.csv", "gbk", ("青花瓷茶杯", "竹编灯罩")),
        ("excel_cp1254.csv", "cp1254", ("Şömine Örtüsü", "Gümüş İğne Oyası")),
    ],
)
def test_shared_cases_read_right_as_a_guess_and_by_name(
    file: str, codec: str, expected: tuple[str, ...]
) -> None:
    data = (CASES / file).read_bytes()
    guessed = read_catalog(data, file)
    assert (titles(guessed), bool(guessed.suspected_encoding)) == (expected, True)
    assert titles(read_catalog(data, file, encoding=codec)) == expected


# --- A named encoding -------------------------------------------------------------------------


def problem_of(data: bytes, encoding: str = "") -> str:
    with pytest.raises(CatalogError) as caught:
        read_catalog(data, "export.csv", encoding=encoding)
    return str(caught.value)


def test_bytes_that_are_not_in_the_named_encoding_are_told_by_line() -> None:
    told = problem_of(b"id,title\n1,Hat\n2,\x81\xff\n", "cp1252")
    assert "export.csv, line 3: is not cp1252 here" in told
    assert "FLUX_ASSETS_CATALOG_ENCODING" in told


def test_a_name_that_is_left_from_another_export_garbles_no_utf_8() -> None:
    data = export(("Şömine Örtüsü", "Kırmızı")).encode()
    assert "is UTF-8, and not cp1254" in problem_of(data, "cp1254")
    marked = codecs.BOM_UTF8 + export(("Hat", "Cap")).encode()
    assert "begins as utf-8-sig, though FLUX_ASSETS_CATALOG_ENCODING says" in problem_of(
        marked, "cp1254"
    )
    assert titles(read_catalog(marked, "a", encoding="utf-8")) == ("Hat", "Cap")
    for encoding in ("utf-16", "utf_16_le"):
        text = export(("Hat", "Cap"))
        assert titles(read_catalog(text.encode("utf-16"), "a", encoding=encoding)) == ("Hat", "Cap")


def test_a_standard_s_name_reads_what_programs_write_under_it() -> None:
    written = ("①高島屋", "髙")
    data = export(written).encode("cp932")
    assert titles(read_catalog(data, "a", encoding="shift_jis")) == written


# --- Text that was encoded twice --------------------------------------------------------------


def test_text_that_was_encoded_twice_is_mended_and_named() -> None:
    right = ("Café crème", "Chef’s knife", "Plain", "Деревянная ложка")
    twice = (*(text.encode().decode("cp1252") for text in right[:3]), right[3])
    catalog = read_catalog(export(twice).encode(), "export.csv")
    assert titles(catalog) == right
    assert catalog.warnings == (
        "2 rows had text that was encoded twice, and were mended (first: line 2; lines 2, 3)",
    )


@pytest.mark.parametrize(
    "title",
    [
        *("PÃO DE AÇÚCAR", "LÃ MERINO", "MAÇÃ “FUJI”", "Ghế gỗ sồi Ấn Độ", "ÂM THANH", "Ñandú"),
        *("Größe: „Ä“", "Crème brûlée", "naïve café", "Москва", "青花瓷", "São Tomé – ‘Ã’"),
    ],
)
def test_text_that_is_right_is_never_changed(title: str) -> None:
    catalog = read_catalog(export((title, "Hat")).encode(), "export.csv")
    assert titles(catalog) == (title, "Hat")


def test_letters_that_are_lost_are_named_by_row() -> None:
    catalog = read_catalog(export(("Hat", "Caf\ufffd")).encode(), "export.csv")
    assert "1 rows have letters that an encoding damaged" in catalog.warnings[0]
    assert "(line 3)" in catalog.warnings[0]


# JSON can have halves of a character; here, a shop cut its texts in the middle of an emoji.
HALF = "\ud83d"


def read_objects(*objects: Mapping[str, object]) -> tuple[Catalog, pd.DataFrame]:
    """The catalog of a JSON export, and its products' table, which takes whole characters only."""
    catalog = read_catalog(json.dumps(objects).encode(), "export.json")
    return catalog, build_products_table(catalog.products)


@pytest.mark.parametrize("column", ["title", "description", "brand", "color", "material", "price"])
@pytest.mark.parametrize("cell", [f"Oak{HALF}", f"{HALF}Oak", f"O{HALF}ak"])
def test_half_a_character_says_nothing_in_a_text(column: str, cell: str) -> None:
    _, table = read_objects({"id": "1", "title": "Chair", column: cell})
    assert table[column].tolist() == ["Oak"]


def test_half_a_character_says_nothing_in_any_other_column() -> None:
    catalog, _ = read_objects({"id": "1", "title": "Chair", "mo\ude00od": f"calm{HALF}"})
    assert [it.columns for it in catalog.products] == [{"id": "1", "mo_od": "calm"}]


@pytest.mark.parametrize(
    ("cell", "values"), [('["Oak\\ud83d", "Ash"]', "Oak, Ash"), ("['Oak\\ud83d']", "Oak")]
)
def test_half_a_character_in_a_list_within_a_cell_says_nothing(cell: str, values: str) -> None:
    _, table = read_objects({"id": "1", "title": "Chair", "material": cell})
    assert table["material"].tolist() == [values]


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        (f"https://a.example/{HALF}.jpg", "https://a.example/\ufffd.jpg"),
        ('["https://a.example/\\ud83d.jpg"]', "https://a.example/\ufffd.jpg"),
        (
            f"https://drive.google.com/open?id={HALF}1",
            "https://drive.google.com/uc?export=download&id=\ufffd1",
        ),
    ],
)
def test_half_a_character_in_a_photos_address_is_what_browsers_make_of_it(
    cell: str, address: str
) -> None:
    _, table = read_objects({"id": "1", "title": "Chair", "image_url": cell})
    assert table["image_url"].tolist() == [address]


@pytest.mark.parametrize("product_id", [f"1{HALF}", f"{HALF}1", "1\ude00\ud83d"])
def test_an_id_with_half_a_character_is_rejected_and_the_others_are_read(product_id: str) -> None:
    catalog, table = read_objects(
        {"id": product_id, "title": "Chair"}, {"id": "2", "title": "Table"}
    )
    assert table["product_id"].tolist() == ["2"]
    rejected = build_rejected_rows_table(catalog.rejected_rows)
    assert rejected[["line", "column", "reason"]].to_numpy().tolist() == [[1, "id", "unusable_id"]]


def test_a_title_of_half_a_character_is_none() -> None:
    catalog, _ = read_objects({"id": "1", "title": HALF})
    assert [it.reason for it in catalog.rejected_rows] == ["no_title"]


def test_half_a_character_beside_letters_that_were_encoded_twice_ends_nothing() -> None:
    catalog, table = read_objects({"id": "1", "title": f"Caf\u00c3\u00a9 {HALF} Mug"})
    assert len(table) == 1
    assert "letters that an encoding damaged" in catalog.warnings[0]


def test_a_header_has_one_that_is_lost_for_half_a_character() -> None:
    columns = propose_columns(json.dumps([{"id": "1", f"title{HALF}": "Chair"}]).encode(), "a.json")
    assert columns.recognised["title"] == "title\ufffd"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ({f"p{HALF}": [{"id": 1}], "q": [{"id": 1}]}, "(p\ufffd, q)"),
        ({f"error{HALF}": "x", "meta": {"a": 1}}, "(error\ufffd, meta)"),
    ],
)
def test_no_error_repeats_half_a_character(text: object, problem: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read_catalog(json.dumps(text).encode(), "export.json")
    assert problem in str(caught.value)


def test_a_row_that_is_left_out_is_told_by_the_id_that_can_be_written() -> None:
    rows = [
        {"id": f"1{HALF}", "title": "Chair", "status": "draft"},
        {"id": f"2{HALF}", "title": "Jug", "status": "active"},
        {"id": "3", "title": "Lamp", "status": "active"},
    ]
    catalog = read_catalog(json.dumps(rows).encode(), "export.json")
    assert {it: (row.line, row.reason) for it, row in catalog.left_out.items()} == {
        "1\ufffd": (1, "unpublished")
    }
    assert [it.product_id for it in catalog.rejected_rows] == ["2\ufffd"]


def test_a_file_whose_name_is_no_text_is_named_as_well_as_can_be() -> None:
    catalog = read_catalog(b"id,title\n1,\n2,Chair\n", os.fsdecode(b"caf\xe9.csv"))
    rejected = build_rejected_rows_table(catalog.rejected_rows)
    assert rejected["file"].tolist() == ["caf\ufffd.csv"]
