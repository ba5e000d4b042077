"""WooCommerce's exporter writes its headers in the shop's language; any word for a draft counts."""

from pathlib import Path

import pytest

from flux_assets.catalog import Catalog, read_catalog
from flux_assets.errors import CatalogError

# For each language its word for colour, then the headers of type, SKU, name, published, visibility,
# description, price, categories, images, parent, and the first attribute's name and values.
HEADERS = Path(__file__).parents[1] / "fixtures" / "woocommerce_headers.txt"
WOOCOMMERCE = {
    line.partition("|")[0]: line.split("|")[1:] for line in HEADERS.read_text("utf-8").splitlines()
}


def read(*rows: str, **columns: str | None) -> Catalog:
    return read_catalog("\n".join(rows).encode(), "export.csv", columns=columns)


@pytest.mark.parametrize("language", WOOCOMMERCE)
def test_woocommerce_is_known_in_its_most_used_languages(language: str) -> None:
    color, *headers = WOOCOMMERCE[language]
    catalog = read(
        ",".join(headers),
        f"variable,K,Kissen,1,visible,Leinen.,,Wohnen > Kissen,https://img.example/k.jpg,,{color},Sand",
        f"variation,K-1,Kissen - Sand,1,visible,,29,,,K,{color},Sand",
        f"variation,K-2,Kissen - Sand,1,visible,,29,,,K,{color},Sand",
        f"simple,B,Becher,1,visible,Blau.,12,Küche,https://img.example/b.jpg,,{color},Blau",
        "simple,L,Lampe,-1,visible,,40,,,,,",
        "simple,P,Privat,0,visible,,40,,,,,",
    )
    assert catalog.dialect == "woocommerce"
    assert catalog.skipped == {"variant": 2, "unpublished": 2}
    cushion, mug = catalog.products
    assert (cushion.product_id, cushion.title, cushion.color) == ("K", "Kissen", "Sand")
    assert (cushion.category, cushion.description) == ("Wohnen > Kissen", "Leinen.")
    assert (mug.product_id, mug.color, mug.price) == ("B", "Blau", "12")
    assert mug.image_url == "https://img.example/b.jpg"


UNKNOWN = (
    "ID,Tipas,Kodas,Pavadinimas,Paskelbta,Tėvinis",
    "1,variable,K,Cushion,1,",
    "2,variation,K-1,Cushion - Sand,1,K",
    "3,simple,B,Mug,1,",
    "4,simple,D,Draft,-1,",
)


@pytest.mark.parametrize(
    "columns", [{}, {"title": "Pavadinimas"}, {"product_id": "Kodas", "title": "Pavadinimas"}]
)
def test_an_unknown_translation_is_one_error_that_says_what_to_map(columns: dict[str, str]) -> None:
    with pytest.raises(CatalogError) as caught:
        read(*UNKNOWN, **columns)
    message = str(caught.value)
    assert all(header in message for header in UNKNOWN[0].split(","))
    assert all(name in message for name in ("parent:", "row_type:", "published:"))


def test_what_is_mapped_tells_variants_parents_and_drafts_in_any_dialect() -> None:
    catalog = read(
        *UNKNOWN,
        product_id="Kodas",
        title="Pavadinimas",
        row_type="Tipas",
        parent="Tėvinis",
        published="Paskelbta",
    )
    assert [product.product_id for product in catalog.products] == ["K", "B"]
    assert catalog.skipped == {"variant": 1, "unpublished": 1}


def test_a_mapped_parent_may_be_named_by_any_id_of_its_row() -> None:
    header = "sku,id,titre,chef"
    rows = ("A,7,Tee,", "A-1,8,Tee S,7", "A-2,9,Tee M,id:7", "A-3,10,Tee L,A", "B,11,Cap,")
    catalog = read(header, *rows, product_id="sku", title="titre", parent="chef")
    assert [product.product_id for product in catalog.products] == ["A", "B"]
    assert catalog.skipped == {"variant": 3}


def test_a_category_called_variant_is_no_type_of_row() -> None:
    catalog = read("sku,title,category", "1,Hat,variant", "2,Cap,Hats")
    assert len(catalog.products) == 2


@pytest.mark.parametrize(
    "header", ["parent_sku", "Parent ID", "Vaterartikel", "SKU padre", "parent"]
)
def test_a_known_header_names_the_parent_in_any_export(header: str) -> None:
    catalog = read(f"sku,title,color,{header}", "A,Tee,,", "A-1,Tee S,Red,A", "A-2,Tee M,Red,A")
    (tee,) = catalog.products
    assert (tee.product_id, tee.title, tee.color) == ("A", "Tee", "Red")


def test_a_parent_that_is_no_row_makes_no_variant() -> None:
    catalog = read("sku,title,parent", "A,Tee,Men", "B,Cap,Men")
    assert [product.product_id for product in catalog.products] == ["A", "B"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Visible", "No"), ("Status", "0"), ("enabled", "0"), ("Product Status", "draft"),
        ("Published", "-1"), ("Aktiv", "nein"), ("Status", "Entwurf"), ("Statut", "brouillon"),
        ("Publicado", "No"), ("Estado", "Borrador"), ("Stato", "Bozza"), ("Zichtbaar", "nee"),
        ("Widoczny", "Nie"), ("Ativo", "não"), ("Publicerad", "Nej"), ("Durum", "Taslak"),
        ("Статус", "Черновик"), ("公開", "非公開"), ("Hidden", "yes"), ("is_deleted", "1"),
        ("archived_at", "2026-01-02"), ("Gelöscht", "ja"), ("Product Visible?", "N"),
        ("lifecycle status", "archived"), ("is_active", "FALSE"), ("online", "off"),
        ("Status (active/draft)", "Draft"), ("Sichtbarkeit", "versteckt"), ("Etat", "Inactif"),
        ("Veröffentlichungsstatus", "Entwurf"), ("Show in store", "No"), ("for_sale", "0"),
        ("discontinued", "TRUE"), ("Status", "discontinued"), ("status", "expired"),
        ("上架状态", "下架"), ("商品状态", "草稿"), ("상태", "임시저장"), ("الحالة", "مسودة"),
    ],
)  # fmt: skip
def test_whatever_says_so_a_product_that_is_not_on_sale_is_left_out(
    header: str, value: str
) -> None:
    catalog = read(f"sku;title;{header}", f"1;Hat;{value}", "2;Cap;")
    assert [product.product_id for product in catalog.products] == ["2"]
    assert catalog.skipped == {"unpublished": 1}


@pytest.mark.parametrize(
    "header",
    [
        (
            "Artikelnummer;Artikelname;Artikeltext;Kategorie Ebene 1;"
            "Farbe;Bild 1;Vaterartikel Artikelnummer;Aktiv"
        ),
        "Code article;Libellé;Description longue;Rayon;Coloris;URL image;SKU parent;Actif",
        (
            "Código de producto;Nombre del producto;Descripción larga;"
            "Categoría;Color;URL imagen;SKU padre;Activo"
        ),
        (
            "Codice articolo;Nome articolo;Descrizione prodotto;"
            "Categoria;Colore;Immagine 1;Codice padre;Attivo"
        ),
        "Kod towaru;Nazwa towaru;Opis długi;Kategoria;Kolor;Zdjęcie 1;Kod nadrzędny;Aktywny",
        "Код товару;Назва товару;Опис;Категорія;Колір;Зображення;Батьківський товар;Активний",
        "Код;Име;Описание на продукта;Категория;Цвят;Снимка;Родителски продукт;Публикувано",
        "商品管理番号;商品名;商品説明文;商品カテゴリ;カラー;画像url;親商品コード;公開",
        "货号;商品名称;商品描述;商品分类;颜色;主图;父商品;上架状态",
        "상품코드;상품명;상품설명;카테고리;색상;대표이미지;상위상품;상태",
        (
            "SKU (required);Title* (max. 150);Description (optional);"
            "Category;Color;Image URL 1;Parent SKU;Status"
        ),
    ],
)
def test_a_plain_export_is_known_in_many_languages(header: str) -> None:
    catalog = read(
        header,
        "A-1;Hemd;Ein Hemd.;Mode;;https://img.example/1.jpg;;1",
        "A-2;Hemd rot;;;Rot;;A-1;1",
        "A-3;Hut;;;;;;0",
    )
    (shirt,) = catalog.products
    assert (shirt.product_id, shirt.title, shirt.description) == ("A-1", "Hemd", "Ein Hemd.")
    assert (shirt.category, shirt.color) == ("Mode", "Rot")
    assert shirt.image_url == "https://img.example/1.jpg"
    assert catalog.skipped == {"variant": 1, "unpublished": 1}


@pytest.mark.parametrize(
    "header",
    [
        "Handle,Title,Vendor,Enabled",
        "id,title,image_link,is_active",
        "sku,name,family,parent,enabled",
    ],
)
def test_a_recognised_export_may_say_it_as_any_other_does(header: str) -> None:
    cells = ["1", "Hat", *[""] * (header.count(",") - 2)]
    catalog = read(header, ",".join([*cells, "0"]))
    assert (catalog.products, catalog.skipped) == ((), {"unpublished": 1})


@pytest.mark.parametrize("name", ["Größe", "Taille", "taglia", "Rozmiar", "サイズ", "размер"])
def test_a_size_is_a_size_in_any_language(name: str) -> None:
    header = "Handle,Title,Option1 Name,Option1 Value,Variant Price"
    (tee,) = read(header, f"tee,Tee,{name},L,9").products
    assert tee.columns["size"] == "L"


def test_variants_whose_parent_is_in_a_column_that_is_not_known_are_refused() -> None:
    rows = ("Type,SKU,Name,Is featured?,Chef", "variable,A,Tee,0,", "variation,A-1,Tee S,0,A")
    with pytest.raises(CatalogError, match="line 3: rows are variants of others, but not all"):
        read(*rows)
    assert len(read(*rows, parent="Chef").products) == 1
    assert read(*rows, parent=None).skipped == {"variant_without_parent": 1}


def test_drafts_that_a_column_that_is_not_known_tells_of_are_refused() -> None:
    rows = ("Type,SKU,Name,Is featured?,Live", "simple,A,Tee,0,1", "simple,B,Cap,0,-1")
    with pytest.raises(
        CatalogError, match="line 3: the column 'Live' says '-1', so rows are drafts"
    ):
        read(*rows)
    assert len(read(*rows, published="Live").products) == 1
    assert len(read(*rows, published=None).products) == 2


def test_google_s_attributes_are_known_in_german() -> None:
    header = "ID,Titel,Beschreibung,Bildlink,Artikelgruppennummer,Farbe"
    catalog = read(header, "1,Hemd,Fein.,https://img.example/1.jpg,G,Rot", "2,Hemd,,,G,Rot")
    assert (catalog.dialect, catalog.skipped) == ("google_merchant", {"variant": 1})
    (shirt,) = catalog.products
    assert (shirt.product_id, shirt.color, shirt.description) == ("G", "Rot", "Fein.")


def test_rows_of_known_types_below_a_product_are_none_in_any_export() -> None:
    catalog = read(
        "item_type,sku,title,color,image,status",
        "product,1,Hat,,https://img.example/1.jpg,active",
        "image,1-i,,,https://img.example/2.jpg,",
        "sku,1-S,Hat S,Red,,",
        "rule,9,Rule,,,",
        "option,8,Option,,,",
        "product,2,Cap,,,disabled",
        "variant,2-S,Cap S,,,",
    )
    (hat,) = catalog.products
    assert (hat.product_id, hat.color, hat.image_url) == ("1", "Red", "https://img.example/1.jpg")
    assert catalog.skipped == {
        "additional_image": 1,
        "variant": 1,
        "no_product": 2,
        "unpublished": 2,
    }


def test_squarespace_may_repeat_the_product_s_id() -> None:
    header = "Product ID [Non Editable],Product Page,Product URL,Title,Option Name 1,Option Value 1"
    catalog = read(header, "1,s,u,Vase,Color,Red", "1,s,u,Vase,Color,Blue")
    assert [(it.product_id, it.color) for it in catalog.products] == [("1", "")]
    assert catalog.skipped == {"variant": 1}
