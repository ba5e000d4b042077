"""Which column is what in each shop's export, and how an export is recognised."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from flux_assets.catalog.grouping import (
    ReadOptions,
    RowRole,
    google_role,
    magento_options,
    magento_role,
    no_options,
    own_product,
    prestashop_options,
    shopify_options,
    shopify_role,
    woocommerce_options,
    woocommerce_role,
)
from flux_assets.catalog.names import normalise_name, squash_name
from flux_assets.catalog.paths import first_listed_path, first_magento_path

_NO = frozenset({"0", "false", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One kind of export; names are normalised headers, in order of preference.

    An export is of this dialect if, for one of the `signatures`, it has all of the first names
    and one of the second. `has_variants` says that several rows can be one product. Only where
    `id_falls_back` does a row without the first id column's value take the next one's, since two
    columns' ids could be equal by chance. `lists_colors` says that a comma parts several colours.
    `unpublished` gives, for the columns that say so, the values of what is not on sale.

    Where each variant is to have its own pictures, `variant_id` are the columns of its id, if
    that is not the product's. A cell it leaves empty is as in its product's first row, unless
    the column's name starts with one of `own_columns`; `first_row_columns` are always as there.
    `variant_image` are the columns of a picture that shows the variant and no other.
    """

    name: str
    fields: Mapping[str, tuple[str, ...]]
    signatures: tuple[tuple[frozenset[str], frozenset[str]], ...] = ()
    has_variants: bool = False
    id_falls_back: bool = False
    lists_colors: bool = False
    read_options: ReadOptions = no_options
    role_of: Callable[[Mapping[str, str], str], RowRole] = own_product
    read_category: Callable[[str], str] = str
    unpublished: Mapping[str, frozenset[str]] = field(default_factory=dict)
    variant_id: tuple[str, ...] = ()
    variant_image: tuple[str, ...] = ()
    own_columns: tuple[str, ...] = ()
    first_row_columns: tuple[str, ...] = ()


SHOPIFY = Dialect(
    name="shopify",
    signatures=(
        (frozenset({"url_handle"}), frozenset({"title"})),
        (
            frozenset({"handle"}),
            frozenset({"body_html", "vendor", "option1_name", "variant_price", "image_src"}),
        ),
    ),
    fields={
        "product_id": ("handle", "url_handle"),
        "title": ("title",),
        "description": ("body_html", "description"),
        "category": ("type", "product_category", "google_shopping_google_product_category"),
        "brand": ("vendor",),
        "price": ("variant_price", "price", "price_international"),
        "image_url": ("image_src", "product_image_url"),
    },
    has_variants=True,
    read_options=shopify_options,
    role_of=shopify_role,
    unpublished={
        "status": frozenset({"draft", "archived"}),
        "published": _NO,
        "published_on_online_store": _NO,
    },
    variant_id=("variant_sku", "sku"),
    variant_image=("variant_image", "variant_image_url"),
    own_columns=(
        *("variant_", "option", "sku", "barcode", "price", "compare_at_price", "cost_per_item"),
        *("unit_price", "inventory_", "weight_"),
    ),
    # A variant's row names the next picture of the product there, of whichever variant it is.
    first_row_columns=("image_src", "product_image_url", "image_position", "image_alt_text"),
)

WOOCOMMERCE = Dialect(
    name="woocommerce",
    signatures=(
        (
            frozenset({"type", "name"}),
            frozenset({"regular_price", "parent", "attribute_1_name", "is_featured"}),
        ),
    ),
    fields={
        "product_id": ("sku", "id"),
        "title": ("name",),
        "description": ("description", "short_description"),
        "category": ("categories",),
        "brand": ("brands", "brand"),
        "price": ("regular_price", "sale_price"),
        "image_url": ("images",),
    },
    has_variants=True,
    id_falls_back=True,
    lists_colors=True,
    read_options=woocommerce_options,
    role_of=woocommerce_role,
    read_category=first_listed_path,
    # 0 is private, -1 a draft. What the catalog merely hides is sold by link or in a bundle.
    unpublished={"published": _NO | {"-1"}},
    own_columns=("attribute_",),
)

MAGENTO = Dialect(
    name="magento",
    signatures=(
        (
            frozenset({"sku", "name"}),
            frozenset({"additional_attributes", "attribute_set_code", "store_view_code"}),
        ),
        (frozenset({"sku", "name", "product_type", "visibility"}), frozenset({"sku"})),
    ),
    fields={
        "product_id": ("sku",),
        "title": ("name",),
        "description": ("description", "short_description"),
        "category": ("categories",),
        "brand": ("manufacturer", "brand"),
        "color": ("color",),
        "material": ("material",),
        "price": ("price", "special_price"),
        "image_url": ("base_image", "small_image", "thumbnail_image"),
    },
    lists_colors=True,
    read_options=magento_options,
    role_of=magento_role,
    read_category=first_magento_path,
    unpublished={"product_online": _NO | {"2"}},
    own_columns=("additional_attributes",),
)

PRESTASHOP = Dialect(
    name="prestashop",
    signatures=(
        (
            frozenset({"name"}),
            frozenset(
                {
                    "active_0_1",
                    "categories_x_y_z",
                    "image_urls_x_y_z",
                    "price_tax_excl",
                    "price_tax_excluded",
                    "price_tax_included",
                }
            ),
        ),
    ),
    fields={
        "product_id": ("id", "product_id", "reference", "ean13"),
        "title": ("name",),
        "description": ("description", "short_description", "summary"),
        "category": ("categories_x_y_z", "categories"),
        "brand": ("manufacturer", "brand"),
        "price": ("price_tax_excl", "price_tax_excluded", "price_tax_included", "price"),
        "image_url": ("image_urls_x_y_z", "image_urls"),
    },
    read_options=prestashop_options,
    unpublished={"active_0_1": _NO},
)

GOOGLE_MERCHANT = Dialect(
    name="google_merchant",
    signatures=(
        (
            frozenset({"id", "title"}),
            frozenset({"image_link", "item_group_id", "google_product_category"}),
        ),
    ),
    fields={
        "product_id": ("item_group_id", "id"),
        "title": ("title",),
        "description": ("description", "summary", "content"),
        "category": ("product_type", "google_product_category"),
        "brand": ("brand",),
        "color": ("color",),
        "material": ("material",),
        "price": ("price", "sale_price"),
        "image_url": ("image_link",),
    },
    has_variants=True,
    id_falls_back=True,
    role_of=google_role,
    variant_id=("id",),
    own_columns=(
        *("id", "gtin", "mpn", "link", "price", "sale_price", "color", "size", "pattern"),
        *("material", "gender", "age_group", "availability", "condition", "additional_image"),
    ),
)

GENERIC = Dialect(
    name="generic",
    fields={
        "product_id": (
            *("product_id", "id", "sku", "article_no", "article_number", "item_id", "item_no"),
            *("item_number", "asin", "product_code", "product_sku", "product_number", "handle"),
            *("artikelnummer", "code", "reference", "gtin", "ean", "ean13", "mpn"),
        ),
        "title": (
            *("title", "name", "product_name", "product_title", "product_display_name"),
            *("post_title", "item_name", "article_name", "display_name", "product"),
            *("bezeichnung", "titel", "produktname", "artikelname"),
        ),
        "description": (
            *("description", "product_description", "long_description", "body_html", "body"),
            *("post_content", "short_description", "post_excerpt", "summary", "beschreibung"),
        ),
        "category": (
            *("category", "product_category", "category_path", "categories", "product_type"),
            *("article_type", "tax_product_cat", "google_product_category", "product_class"),
            *("sub_category", "master_category", "type", "kategorie"),
        ),
        "brand": (
            *("brand", "vendor", "manufacturer", "brand_name", "tax_product_brand"),
            *("marke", "hersteller"),
        ),
        "color": ("color", "colour", "base_colour", "base_color", "attribute_pa_color", "farbe"),
        "material": ("material", "materials", "fabric", "attribute_pa_material"),
        "price": ("price", "regular_price", "variant_price", "sale_price", "preis"),
        "image_url": (
            *("image_url", "image_link", "img_url", "image_src", "image", "images", "image_urls"),
            *("base_image", "main_image", "photo", "picture", "bild"),
        ),
    },
    unpublished=dict.fromkeys(
        ("status", "published", "active", "enabled"),
        _NO | {"draft", "archived", "unpublished", "inactive", "disabled"},
    ),
)

# The most particular first: a Shopify export may well have Google's columns.
DIALECTS = (SHOPIFY, WOOCOMMERCE, MAGENTO, PRESTASHOP, GOOGLE_MERCHANT)

_KNOWN = frozenset(
    squash_name(name)
    for dialect in (*DIALECTS, GENERIC)
    for names in dialect.fields.values()
    for name in names
)


def is_known_header(header: str) -> bool:
    """Whether some dialect gives this header a meaning."""
    return squash_name(header) in _KNOWN


def recognise_dialect(headers: Collection[str]) -> Dialect:
    """The dialect that these headers are of; the generic one if of no shop's."""
    names = {normalise_name(header) for header in headers}
    for dialect in DIALECTS:
        if any(names >= all_of and names & any_of for all_of, any_of in dialect.signatures):
            return dialect
    return GENERIC
