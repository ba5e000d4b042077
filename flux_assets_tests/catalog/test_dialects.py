from collections.abc import Callable

import pytest

from flux_assets.catalog import Catalog, Product, read_catalog
from flux_assets.catalog.dialects import load_dialects, recognise_dialect
from flux_assets.catalog.paths import first_listed_path, first_magento_path

SHOPIFY = "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant Price,Image Src"
NEW_SHOPIFY = (
    "Title,URL handle,Description,Vendor,Type,Option1 name,Option1 value,Price,Product image URL"
)
WOOCOMMERCE = (
    "ID,Type,SKU,Name,Description,Regular price,Categories,Images,Parent,"
    "Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)"
)
MAGENTO = (
    "sku,store_view_code,name,description,categories,visibility,price,base_image,"
    "additional_attributes"
)
PRESTASHOP = (
    "id;Active (0/1);Name*;Categories (x,y,z,...);Price tax excl.;Manufacturer;"
    "Feature(Name:Value:Position);Feature: Fabric;Image URLs (x,y,z,...)"
)


def read(*rows: str) -> Catalog:
    catalog = read_catalog("\n".join(rows).encode(), "export.csv")
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(catalog.products) + len(catalog.rejected_rows) + skipped
    return catalog


def read_one(*rows: str) -> Product:
    catalog = read(*rows)
    assert catalog.rejected_rows == ()
    (product,) = catalog.products
    return product


# --- Shopify --------------------------------------------------------------------------------


def test_rows_of_one_handle_are_one_product_described_by_the_first() -> None:
    catalog = read(
        SHOPIFY,
        "ring,Ring,<p>A ring</p>,Ours,Rings,Size,6,9.50,https://x/1.jpg",
        "ring,,,,,,7,9.50,",
        "ring,,,,,,,,https://x/2.jpg",
        "cap,Cap,,Theirs,Hats,Title,Default Title,5,",
    )
    assert (catalog.dialect, catalog.rows) == ("shopify", 4)
    assert catalog.skipped == {"variant": 1, "additional_image": 1}
    ring, cap = catalog.products
    assert ring == Product(
        product_id="ring",
        title="Ring",
        line=2,
        description="A ring",
        category="Rings",
        brand="Ours",
        price="9.50",
        image_url="https://x/1.jpg",
        columns={
            "handle": "ring",
            "body_html": "A ring",
            "vendor": "Ours",
            "type": "Rings",
            "option1_name": "Size",
            "option1_value": "6",
            "variant_price": "9.50",
            "image_src": "https://x/1.jpg",
            "size": "",
        },
    )
    assert (cap.product_id, cap.color, cap.line) == ("cap", "", 5)


def test_the_newer_shopify_headers_mean_the_same() -> None:
    product = read_one(
        NEW_SHOPIFY,
        "Ring,ring,A ring,Ours,Rings,Color,Gold,9.50,https://x/1.jpg",
        ",ring,,,,,Gold,9.50,",
    )
    assert (product.product_id, product.title, product.description) == ("ring", "Ring", "A ring")
    assert (product.brand, product.category, product.color) == ("Ours", "Rings", "Gold")
    assert (product.price, product.image_url) == ("9.50", "https://x/1.jpg")


@pytest.mark.parametrize(
    ("name", "values", "color", "material"),
    [
        ("Color", ["Blue", "Blue"], "Blue", ""),
        ("Colour", ["Blue", "Red"], "", ""),
        ("Material", ["Gold"], "", "Gold"),
        ("Material", ["Gold", "Silver"], "", ""),
        ("Color", ["Default Title"], "", ""),
        ("Title", ["Default Title"], "", ""),
    ],
)
def test_options_fill_colour_and_material_where_all_variants_agree(
    name: str, values: list[str], color: str, material: str
) -> None:
    rows = [f"ring,Ring,,,,{name},{values[0]},1,", *(f"ring,,,,,,{v},1," for v in values[1:])]
    product = read_one(SHOPIFY, *rows)
    assert (product.color, product.material) == (color, material)


def test_an_option_becomes_a_column_only_where_the_name_is_free() -> None:
    product = read_one(SHOPIFY + ",Size", "ring,Ring,,,,Size,6,1,,from the column")
    assert product.columns["size"] == "from the column"
    assert read_one(SHOPIFY, "ring,Ring,,,,Ring Size,6,1,").columns["ring_size"] == "6"
    assert "seed" not in read_one(SHOPIFY, "ring,Ring,,,,Seed,tomato,1,").columns


def test_a_product_that_is_rejected_is_rejected_once_for_all_its_rows() -> None:
    catalog = read(SHOPIFY, "ring,,,,,Size,6,1,", "ring,,,,,,7,1,", "cap,Cap,,,,,,1,")
    assert [rejected.reason for rejected in catalog.rejected_rows] == ["no_title"]
    assert catalog.skipped == {"variant": 1}


# --- WooCommerce ----------------------------------------------------------------------------


def test_variations_join_their_parent_by_sku_or_id_wherever_it_stands() -> None:
    catalog = read(
        WOOCOMMERCE,
        "8,variation,tee-red,Tee - Red,,5,,,tee,Color,Red,,",
        "7,variable,tee,Tee,Soft,,Clothing > Tees,,,Color,,Material,Cotton",
        '9,"variation, virtual",tee-blue,Tee - Blue,,5,,,id:7,Color,Blue,,',
        "10,simple,,Cap,,4,,,,Color,Green,,",
        "11,grouped,set,Set,,,,,,,,,",
    )
    assert (catalog.dialect, catalog.skipped) == ("woocommerce", {"variant": 2})
    tee, cap, bundle = catalog.products
    assert (tee.product_id, tee.color, tee.material) == ("tee", "", "Cotton")
    assert (tee.category, tee.line, tee.description) == ("Clothing > Tees", 3, "Soft")
    assert (cap.product_id, cap.color, cap.price) == ("10", "Green", "4")
    assert bundle.product_id == "set"


def test_a_list_of_colours_is_no_colour() -> None:
    product = read_one(WOOCOMMERCE, '7,variable,tee,Tee,,,,,,Color,"Blue, Green, Red",,')
    assert (product.color, product.columns["attribute_1_value_s"]) == ("", "Blue, Green, Red")


def test_a_variation_s_colour_is_the_product_s_if_there_is_no_other() -> None:
    rows = ("7,variable,tee,Tee,,,,,,Color,,,", "8,variation,tee-red,,,,,,tee,Color,Red,,")
    assert read_one(WOOCOMMERCE, *rows).color == "Red"


def test_variations_without_their_parent_are_counted_and_mentioned() -> None:
    catalog = read(WOOCOMMERCE, "8,variation,a,A,,5,,,gone,,,,", "9,variation,b,B,,5,,,,,,,")
    assert (catalog.products, catalog.skipped) == ((), {"variant_without_parent": 2})
    assert "2 variations" in catalog.warnings[0]
    assert "first: line 2" in catalog.warnings[0]


# --- Magento --------------------------------------------------------------------------------


def test_only_what_is_visible_individually_is_a_product() -> None:
    catalog = read(
        MAGENTO,
        "tee-red,,Tee-Red,,,Not Visible Individually,5,,color=Red",
        'tee,,Tee,<p>Soft</p>,"Default Category/Men/Tops & Tees,Default Category",'
        '"Catalog, Search",5,/t.jpg,"has_options=1,color=Red,material=Wool|Silk,climate=Cool, dry"',
        "tee,de,Hemd,,,,,,",
    )
    assert (catalog.dialect, catalog.skipped) == ("magento", {"not_visible": 1, "store_view": 1})
    (tee,) = catalog.products
    assert (tee.product_id, tee.title, tee.description, tee.line) == ("tee", "Tee", "Soft", 3)
    assert (tee.category, tee.image_url) == ("Men > Tops & Tees", "/t.jpg")
    assert (tee.color, tee.material, tee.columns["climate"]) == ("Red", "Wool, Silk", "Cool, dry")


def test_several_colours_of_one_attribute_are_no_colour() -> None:
    assert read_one(MAGENTO, "tee,,Tee,,,,5,,color=Red|Blue").color == ""


# --- Google Merchant and PrestaShop ---------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "id\ttitle\timage_link\titem_group_id\tcolor\tgoogle_product_category\tproduct_type",
        "id\ttitle\timage link\titem group id\tcolor\tgoogle product category\tproduct type",
        "g:id\tg:title\tg:image_link\tg:item_group_id\tg:color\tg:google_product_category\tg:product_type",
        "ID\tTitle\tImage Link\tItem Group ID\tColor\tGoogle Product Category\tProduct Type",
    ],
)
def test_google_s_attributes_are_known_however_they_are_written(header: str) -> None:
    catalog = read(
        header,
        "1\tTee\thttps://x/1.jpg\tG\tRed\tClothing > Tees\t",
        "2\tTee\thttps://x/2.jpg\tG\tSee product page\t212\t",
        "3\tCap\t\t\tSee product page\t173\t",
        "4\tBelt\t\t\tTan\t169\tBelts",
    )
    assert (catalog.dialect, catalog.skipped) == ("google_merchant", {"variant": 1})
    tee, cap, belt = catalog.products
    assert (tee.product_id, tee.color, tee.category) == ("G", "Red", "Clothing > Tees")
    assert (tee.image_url, tee.columns["id"]) == ("https://x/1.jpg", "1")
    assert (cap.product_id, cap.color, cap.category) == ("3", "", "")
    assert (belt.product_id, belt.color, belt.category) == ("4", "Tan", "Belts")


def test_a_google_id_that_repeats_outside_a_group_is_a_duplicate() -> None:
    catalog = read("id,title,image_link,item_group_id", "1,Tee,,", "1,Tee,,", "2,Tee,,1")
    assert [rejected.reason for rejected in catalog.rejected_rows] == ["duplicate_id"]
    assert catalog.skipped == {"variant": 1}


def test_prestashop_s_features_and_lists_are_read() -> None:
    catalog = read(
        PRESTASHOP,
        '7;1;Mug;"Home,Kitchen";4.50;Ours;Color:Blue:1, Size:Large:2;Linen;'
        "https://x/w_1,h_2/1.jpg,https://x/2.jpg",
    )
    (mug,) = catalog.products
    assert (catalog.dialect, mug.product_id, mug.title) == ("prestashop", "7", "Mug")
    assert (mug.category, mug.brand, mug.price) == ("Home,Kitchen", "Ours", "4.50")
    assert (mug.color, mug.material, mug.columns["size"]) == ("Blue", "Linen", "Large")
    assert mug.image_url == "https://x/w_1,h_2/1.jpg"


# --- Any other export -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "product_id,title,description,category,brand,color,material,price,image_url",
        "sku,name,short_description,categoryPath,Manufacturer,Farbe,fabric,Regular Price,imageUrls",
        "asin,productDisplayName,Beschreibung,articleType,Marke,baseColour,Materials,Preis,imgUrl",
        "item_id,Product Name,Product Description,product_class,vendor,colour,material,price,Bild",
        (
            "article_no,post_title,post_content,tax:product_cat,tax:product_brand,"
            "attribute:pa_color,attribute:pa_material,regular_price,images"
        ),
    ],
)
def test_common_names_are_known(header: str) -> None:
    catalog = read(header, "1,Hat,Soft,Hats,Ours,Red,Wool,5,https://x/1.jpg")
    (hat,) = catalog.products
    assert catalog.dialect == "generic"
    assert (hat.product_id, hat.title, hat.description, hat.category) == (
        "1",
        "Hat",
        "Soft",
        "Hats",
    )
    assert (hat.brand, hat.color, hat.material) == ("Ours", "Red", "Wool")
    assert (hat.price, hat.image_url) == ("5", "https://x/1.jpg")


def test_the_id_comes_from_one_column_only() -> None:
    catalog = read("id,sku,title", ",1,Hat", "1,2,Cap")
    assert [(rejected.line, rejected.column) for rejected in catalog.rejected_rows] == [(2, "id")]
    assert [product.title for product in catalog.products] == ["Cap"]


def test_every_dialect_is_recognised_by_each_of_its_signatures() -> None:
    table = load_dialects()
    for dialect in table.dialects:
        for signature in dialect.signatures:
            for any_of in signature:
                others = [next(iter(sorted(it))) for it in signature if it is not any_of]
                recognised = {
                    recognise_dialect([name.rstrip("*"), *others]).name for name in any_of
                }
                assert recognised == {dialect.name}
    assert recognise_dialect(["id", "name"]) is table.generic


@pytest.mark.parametrize(
    ("read_path", "cell", "path"),
    [
        (first_magento_path, "Default/Men/Tops, Tees,Default/Sale,Default", "Men > Tops, Tees"),
        (first_magento_path, "Default,Default/Sale", "Sale"),
        (first_magento_path, "Sale", "Sale"),
        (first_magento_path, "", ""),
        (first_listed_path, "Clothing > Tees, Sale", "Clothing > Tees"),
        (first_listed_path, "Uncategorized, Clothing > Tees", "Clothing > Tees"),
        (first_listed_path, "Unkategorisiert, Non classé,Clothing", "Clothing"),
        (first_listed_path, "Uncategorized,", ""),
        (first_listed_path, r"Pots\, pans > Lids,Sale", "Pots, pans > Lids"),
    ],
)
def test_the_first_of_a_list_stands_for_the_product(
    read_path: Callable[[str], str], cell: str, path: str
) -> None:
    assert read_path(cell) == path
