import pytest

from flux_assets.catalog import Catalog, Product, read_catalog
from flux_assets.catalog.file_formats import read_table
from flux_assets.catalog.header import HeaderSearch
from flux_assets.errors import CatalogError

DECLARED = 'xmlns:g="http://base.google.com/ns/1.0"'
ITEM = """
<item>
  <g:id>1</g:id>
  <title>Hat &amp; scarf</title>
  <description>&lt;p&gt;Soft.&lt;/p&gt;&lt;p&gt;Warm.&lt;/p&gt;</description>
  <link>https://shop.example/1</link>
  <g:image_link>https://shop.example/1.jpg?a=1&amp;b=2</g:image_link>
  <g:color>Red</g:color>
  <g:material>Wool</g:material>
  <g:price>28.00 USD</g:price>
  <g:shipping><g:country>US</g:country><g:price>5 USD</g:price></g:shipping>
</item>"""


def rss(items: str, *, declared: str = DECLARED, declaration: str = "") -> str:
    channel = f"<channel><title>A shop</title>{items}</channel>"
    return f"{declaration}<rss version='2.0' {declared}>{channel}</rss>"


def read(feed: str | bytes) -> Catalog:
    raw = feed.encode() if isinstance(feed, str) else feed
    return read_catalog(raw, "feed.xml")


def read_one(feed: str | bytes) -> Product:
    (product,) = read(feed).products
    return product


def problem_of(feed: str | bytes) -> str:
    with pytest.raises(CatalogError) as caught:
        read(feed)
    return str(caught.value)


def test_an_item_is_a_product() -> None:
    catalog = read(rss(ITEM))
    assert (catalog.dialect, catalog.delimiter, catalog.encoding) == (
        "google_merchant",
        "",
        "utf-8",
    )
    assert catalog.products == (
        Product(
            product_id="1",
            title="Hat & scarf",
            line=2,
            description="Soft. Warm.",
            color="Red",
            material="Wool",
            price="28.00 USD",
            image_url="https://shop.example/1.jpg?a=1&b=2",
            columns={
                "id": "1",
                "link": "https://shop.example/1",
                "image_link": "https://shop.example/1.jpg?a=1&b=2",
                "shipping": "US 5 USD",
            },
        ),
    )


@pytest.mark.parametrize(
    "feed",
    [
        rss(ITEM, declared=""),
        rss(ITEM.replace("g:", "goo:"), declared=DECLARED.replace(":g", ":goo")),
        rss(ITEM.replace("title>", "g:title>").replace("description>", "g:description>")),
        rss(ITEM.replace("g:", "")),
    ],
    ids=["undeclared prefix", "another prefix", "all prefixed", "none prefixed"],
)
def test_prefixes_do_not_matter(feed: str) -> None:
    assert read_one(feed) == read_one(rss(ITEM))


def test_other_name_spaces_do_not_take_google_s_names() -> None:
    item = "<item><media:title>Photo</media:title><g:id>1</g:id><title>Hat</title></item>"
    product = read_one(rss(item, declared='xmlns:media="http://search.yahoo.com/mrss/"'))
    assert (product.title, product.columns["media_title"]) == ("Hat", "Photo")


def test_an_atom_feed_is_read_with_google_s_own_id() -> None:
    feed = f"""<feed xmlns="http://www.w3.org/2005/Atom" {DECLARED}><title>A shop</title>
    <id>tag:shop.example</id>
    <entry><id>tag:shop.example,1</id><title>Hat</title><summary>Soft</summary>
    <link href="https://shop.example/1"/><g:id>1</g:id></entry>
    <entry><g:id>2</g:id><id>tag:shop.example,2</id><title>Cap</title></entry></feed>"""
    first, second = read(feed).products
    assert (first.product_id, first.title, first.description) == ("1", "Hat", "Soft")
    assert first.columns["link"] == "https://shop.example/1"
    assert (second.product_id, second.title, second.line) == ("2", "Cap", 5)


def test_items_of_one_group_are_one_product() -> None:
    grouped = ITEM.replace("<g:id>", "<g:item_group_id>G</g:item_group_id><g:id>")
    catalog = read(rss(grouped + grouped.replace("Red", "Blue")))
    assert [(product.product_id, product.color) for product in catalog.products] == [("G", "")]
    assert (catalog.rows, catalog.skipped) == (2, {"variant": 1})


@pytest.mark.parametrize("codec", ["iso-8859-1", "windows-1252", "utf-8", "utf-16"])
def test_the_encoding_is_the_declared_one(codec: str) -> None:
    feed = rss(ITEM.replace("Hat", "Café"), declaration=f'<?xml version="1.0" encoding="{codec}"?>')
    catalog = read(feed.encode(codec))
    assert (catalog.encoding, catalog.products[0].title) == (codec, "Café & scarf")


def test_an_encoding_that_is_not_declared_is_found() -> None:
    feed = rss(ITEM.replace("Hat", "Café"))
    assert read_one(feed.encode("utf-16")).title == "Café & scarf"
    assert read(feed.encode("cp1252")).encoding == "cp1252"
    assert read(feed.encode("cp1252")).warnings


def test_a_feed_that_is_cut_off_is_never_half_a_catalog() -> None:
    feed = rss(ITEM * 3)
    for length in range(1, len(feed)):
        with pytest.raises(CatalogError):
            read(feed[:length])
    half = feed[: len(feed) // 2]
    line = half.count("\n") + 1
    assert f"line {line}: the XML is cut off or damaged here" in problem_of(half)


@pytest.mark.parametrize(
    "entities",
    [
        '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>',
        '<!DOCTYPE rss [<!ENTITY c SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/rss.dtd">',
        '<!DOCTYPE rss [<!ATTLIST item kind CDATA "x">]>',
    ],
    ids=["bomb", "external entity", "external document type", "document type"],
)
def test_entities_are_refused_unread(entities: str) -> None:
    feed = entities + rss("<item><g:id>1</g:id><title>Hat</title></item>")
    assert "declares a document type or entities" in problem_of(feed)


@pytest.mark.parametrize(
    ("feed", "problem"),
    [
        ("<products><product/></products>", "<products> is no RSS or Atom feed"),
        ("<orders><order id='1'/></orders>", "<orders> is no RSS or Atom feed"),
        ("<SHOP><ARTICLE/></SHOP>", "<SHOP> is no RSS or Atom feed"),
        (rss(""), "the feed has no items"),
        (rss("<item><title>Hat</title></item>"), "no column for the product's product_id"),
        (rss(ITEM, declaration='<?xml version="1.0" encoding="no-such"?>'), "export as UTF-8"),
    ],
)
def test_xml_that_is_no_product_feed_says_why(feed: str, problem: str) -> None:
    assert problem in problem_of(feed)


# --- Heureka's and Yandex's ---------------------------------------------------------------------


def table_of(feed: str | bytes) -> list[tuple[int, dict[str, str]]]:
    """Every row's line, and its cells that have a text by their headers."""
    raw = feed.encode() if isinstance(feed, str) else feed
    table = read_table(raw, "feed.xml", HeaderSearch({}))
    assert not table.is_feed
    return [
        (row.line, {name: cell for name, cell in zip(table.header, row.cells, strict=True) if cell})
        for row in table.rows
    ]


HEUREKA = """<?xml version="1.0" encoding="utf-8"?>
<SHOP>
<SHOPITEM><ITEM_ID>1</ITEM_ID><PRODUCTNAME>Hrnek</PRODUCTNAME><IMGURL>a</IMGURL>
<IMGURL_ALTERNATIVE>b</IMGURL_ALTERNATIVE><IMGURL_ALTERNATIVE>c</IMGURL_ALTERNATIVE>
<PARAM><PARAM_NAME>Barva</PARAM_NAME><VAL>modrá</VAL></PARAM>
<PARAM><PARAM_NAME>Materiál</PARAM_NAME><VAL>keramika</VAL></PARAM></SHOPITEM>
<SHOPITEM><ITEM_ID>2</ITEM_ID></SHOPITEM>
</SHOP>"""
YANDEX = """<?xml version="1.0" encoding="windows-1251"?>
<!DOCTYPE yml_catalog SYSTEM "shops.dtd">
<yml_catalog date="2026-01-02"><shop><name>Лавка</name>
<categories><category id="1">Дом</category><category id="2" parentId="1">Посуда</category>
<category id="3" parentId="3">Круг</category></categories>
<offers><offer id="a" available="true" group_id="g"><name>Чашка</name><categoryId>2</categoryId>
<picture>p</picture><picture>q</picture><param name="Цвет">Синий</param>
<param name="Вес" unit="г">200</param><description><![CDATA[<p>x</p>]]></description></offer>
<offer id="b" available="false"><id>c</id><name>Нож</name><categoryId>3</categoryId></offer>
</offers><promos><promo><product offer-id="a"/></promo></promos></shop></yml_catalog>"""


def test_heureka_s_items_are_rows_with_a_column_for_each_parameter() -> None:
    assert table_of(HEUREKA) == [
        (
            3,
            {
                "ITEM_ID": "1",
                "PRODUCTNAME": "Hrnek",
                "IMGURL": "a",
                "IMGURL_ALTERNATIVE": "b|c",
                "param: Barva": "modrá",
                "param: Materiál": "keramika",
            },
        ),
        (7, {"ITEM_ID": "2"}),
    ]


def test_yandex_s_offers_are_rows_with_attributes_and_the_path_of_their_category() -> None:
    first, second = table_of(YANDEX.encode("cp1251"))
    assert first == (
        6,
        {
            "id": "a",
            "available": "true",
            "group_id": "g",
            "name": "Чашка",
            "categoryId": "2",
            "category": "Дом > Посуда",
            "picture": "p|q",
            "param: Цвет": "Синий",
            "param: Вес": "200 г",
            "description": "<p>x</p>",
        },
    )
    assert second[1] == {
        "id": "c",
        "available": "false",
        "name": "Нож",
        "categoryId": "3",
        "category": "Круг",
    }


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE yml_catalog SYSTEM "shops.dtd" [<!ENTITY a "x">]>',
        '<!DOCTYPE yml_catalog [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE offers SYSTEM "shops.dtd">',
        '<!DOCTYPE yml_catalog SYSTEM "a"><!DOCTYPE yml_catalog SYSTEM "b">',
    ],
)
def test_only_yandex_s_own_document_type_is_passed_over(doctype: str) -> None:
    feed = YANDEX.replace('<!DOCTYPE yml_catalog SYSTEM "shops.dtd">', doctype)
    with pytest.raises(CatalogError):
        table_of(feed.encode("cp1251"))


@pytest.mark.parametrize("codec", ["gb18030", "shift_jis", "euc-kr", "windows-1250"])
def test_a_declared_encoding_of_any_kind_is_read(codec: str) -> None:
    title = {"windows-1250": "Křišťál", "euc-kr": "도자기"}.get(codec, "茶杯")
    feed = f'<?xml version="1.0" encoding="{codec}"?>'
    feed += f"<SHOP><ITEM><ID>1</ID><X>{title}</X></ITEM></SHOP>"
    assert table_of(feed.encode(codec)) == [(1, {"ID": "1", "X": title})]


def test_a_declaration_that_is_not_true_is_told_by_line() -> None:
    feed = HEUREKA.replace("Hrnek", "Hrnečé").encode("cp1250")
    assert "feed.xml, line 3: is not utf-8 here" in problem_of(feed)


def test_yandex_s_offers_of_a_model_have_the_name_that_is_shown() -> None:
    offer = '<offer id="{}"><typePrefix>Кресло</typePrefix><vendor>Nord</vendor>{}</offer>'
    offers = offer.format(9, "<model>Oslo</model>") + offer.format(
        10, "<model>Oslo</model><name>Кресло-качалка</name>"
    )
    shop = f"<yml_catalog><shop><offers>{offers}</offers></shop></yml_catalog>"
    catalog = read_catalog(shop.encode(), "feed.xml")
    assert [it.title for it in catalog.products] == ["Кресло Nord Oslo", "Кресло-качалка"]


def test_heureka_s_paths_begin_below_its_own_name() -> None:
    item = "<ITEM_ID>1</ITEM_ID><PRODUCTNAME>Hrnek</PRODUCTNAME>"
    item += "<CATEGORYTEXT>Heureka.cz | Dům | Hrnky</CATEGORYTEXT>"
    shop = f"<SHOP><SHOPITEM>{item}</SHOPITEM></SHOP>"
    assert read_catalog(shop.encode(), "feed.xml").products[0].category == "Dům > Hrnky"


@pytest.mark.parametrize("part", ["0199a6f2c3d47b1e8f50a1b2c3d4e5f6", "64b7f0c2a1e9d83c5f60b712"])
def test_a_category_of_bare_identifiers_is_none(part: str) -> None:
    rows = f"id,title,category\n1,Hat,{part}|{part}\n2,Cap,{part}|Hats\n"
    catalog = read_catalog(rows.encode(), "export.csv")
    assert [it.category for it in catalog.products] == ["", "Hats"]
