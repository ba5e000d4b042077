import json

from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.catalog import OneSetPer, read_catalog
from flux_assets.catalog.tables import build_products_table, build_rejected_rows_table
from flux_assets.errors import CatalogError
from flux_assets_tests.fixtures.exports import gzipped, xlsx, zipped

HEADERS = (
    "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant Price,Image Src,seed",
    "Handle,Title,Status,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Image,seed",
    "ID,Type,SKU,Name,Regular price,Published,Parent,Attribute 1 name,Attribute 1 value(s)",
    "sku,store_view_code,name,description,categories,visibility,additional_attributes,steps",
    "sku,store_view_code,name,visibility,product_online,configurable_variations,color",
    "id;Active (0/1);Name*;Categories (x,y,z,...);Feature(Name:Value:Position);Feature: Color",
    "g:id\ttitle\tgoogle product category\titem_group_id\tcolor\timage_link",
    "article_no|productDisplayName||color|",
    "handleId,fieldType,name,visible,productOptionName1,productOptionDescription1,sku",
    "Item,ID,Name,SKU,Options,Is Visible,Image URL (Import)",
    "Product ID [Non Editable],Title,Option Name 1,Option Value 1,Visible,SKU",
    "Token,Item Name,Variation Name,SKU,Option Name 1,Option Value 1,Archived",
    "Action(SiteID=US),Title,Relationship,RelationshipDetails,CustomLabel,PicURL",
    "item_sku,item_name,parent_child,parent_sku,color_name,update_delete",
    "sku;family;parent;enabled;name-en_US;name-de_DE;color",
    "sku,title,row_type,parent_sku,status,hidden",
    "sku,title,item_type,color,image,archived_at",
)
CELL = st.sampled_from(
    [
        *("", "1", "a", "NA", '"', '""', '"a', "a...b", "x\ny", "\x07", "\0", "id:1", "variation"),
        *("Color", "Blue", "Blue, Red", "<b>x</b>&amp;", "<", "Not Visible Individually", "99"),
        *("variable", "draft", "0", "2", "sku=1,color=Red|sku=a,color=Blue"),
        *("Variant", "image", "rule", "Child", "parent", "Color=Red;Blue|Size=S", "-1"),
        *("a=b,color=Red|Blue", "Color:Blue:1", "Default Category/Men,Default Category", "é", "€"),
    ]
)
TEXT = st.builds(
    lambda header, rows, delimiter, end: end.join([header, *(delimiter.join(row) for row in rows)]),
    st.sampled_from(HEADERS),
    st.lists(st.lists(CELL, max_size=12), max_size=12),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
ENCODED = st.builds(
    lambda text, codec: text.encode(codec, "replace"),
    TEXT,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
)
DAMAGED = st.builds(
    lambda data, at, junk: data[:at] + junk + data[at + len(junk) :],
    ENCODED,
    st.integers(0, 400),
    st.binary(max_size=8),
)
FEED = st.builds(
    lambda parts: ("<rss><channel>" + "".join(parts)).encode(),
    st.lists(
        st.sampled_from(
            [
                *(
                    "<item>",
                    "</item>",
                    "<g:id>1</g:id>",
                    "<id>2</id>",
                    "<title>Hat</title>",
                    "&amp;",
                ),
                *("<entry>", "</entry>", "<link href='x'/>", "</channel></rss>", "<!-- -->", "&x;"),
            ]
        ),
        max_size=30,
    ),
)
OTHER_FEED = st.builds(
    lambda root, parts: f"<{root}>{''.join(parts)}</{root}>".encode(),
    st.sampled_from(["SHOP", "yml_catalog", "offers", "products"]),
    st.lists(
        st.sampled_from(
            [
                *("<offer id='1'>", "</offer>", "<SHOPITEM>", "</SHOPITEM>", "<name>Hat</name>"),
                *("<param name='x'>1</param>", "<PARAM><VAL>1</VAL></PARAM>", "<id>2</id>"),
                *("<category id='1' parentId='1'>a</category>", "<categoryId>1</categoryId>", "x"),
            ]
        ),
        max_size=12,
    ),
)
HALF = st.sampled_from(["a\ud83d", "\ude00", '["\\ud83d"]'])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | HALF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
OBJECTS = st.lists(
    st.dictionaries(st.sampled_from(["id", "title", "Title", "image", "a", "", "\ud83d"]), VALUE),
    max_size=5,
)
JSON = st.builds(
    lambda objects, form: form(objects).encode(),
    OBJECTS,
    st.sampled_from(
        [
            json.dumps,
            lambda objects: "\n".join(map(json.dumps, objects)),
            lambda objects: json.dumps({"products": objects, "n": 1}, indent=1),
        ]
    ),
)
SHEET = st.builds(xlsx, st.lists(st.lists(CELL.filter(str.isprintable), max_size=4), max_size=5))
PACKED = st.builds(
    lambda data, pack: pack(data),
    st.one_of(TEXT.map(str.encode), JSON, SHEET),
    st.sampled_from([gzipped, lambda data: zipped(a=data)]),
)
CUT = st.builds(
    lambda data, at, junk: data[:at] + junk + data[at + len(junk) :],
    st.one_of(JSON, SHEET, PACKED, OTHER_FEED),
    st.integers(0, 3000),
    st.binary(max_size=8),
)


@settings(deadline=None)  # what finds letters is loaded with the first file that needs it
@given(
    st.one_of(
        st.binary(max_size=300), ENCODED, DAMAGED, FEED, OTHER_FEED, JSON, SHEET, PACKED, CUT
    ),
    st.sampled_from(["product", "color", "row"]),
)
def test_any_bytes_are_a_catalog_that_adds_up_or_a_catalog_error(
    data: bytes, one_set_per: OneSetPer
) -> None:
    try:
        catalog = read_catalog(data, "export.csv", one_set_per=one_set_per)
    except CatalogError:
        return
    # Items of a feed may share a line, but none of them lists colours.
    is_feed = not catalog.delimiter
    started = catalog.products if is_feed else {product.line for product in catalog.products}
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(started) + len(catalog.rejected_rows) + skipped
    assert 0 not in catalog.skipped.values()
    physical_lines = 10 * len(data) + 1  # of what is packed
    assert all(1 <= product.line <= physical_lines for product in catalog.products)
    assert all(1 <= rejected.line <= physical_lines for rejected in catalog.rejected_rows)
    assert len({product.product_id for product in catalog.products}) == len(catalog.products)
    assert all(product.title for product in catalog.products)
    build_products_table(catalog.products)
    build_rejected_rows_table(catalog.rejected_rows)
