"""Which rows of each shop's export are one product, and the options that tell them apart."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count

Texts = Mapping[str, str]
# A row's texts and its product's first row's -> options by name, as the export writes them.
ReadOptions = Callable[[Texts, Texts], dict[str, str]]

_MAGENTO_PAIR = re.compile(r",(?=[A-Za-z0-9_]+=)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRole:
    """What a row is to the product of its id.

    `joins` names what the row is to an earlier row of the same id, or to its parent ("" makes
    it a duplicate), and `is_extra` says that it only adds to that one, a picture or a
    translation. `parent` is what a variant with an id of its own calls the product it belongs
    to, and `alone` what it is where that product is not in the export; `references` are the
    names that such rows know this one by. `lists_colors` says that one cell may name the
    colours of several variants.
    """

    joins: str = ""
    is_extra: bool = False
    parent: str | None = None
    alone: str = ""
    references: tuple[str, ...] = ()
    lists_colors: bool = False


_OWN = RowRole()
_OWN_OF_COLORS = RowRole(lists_colors=True)
_VARIANT = RowRole(joins="variant")
_ADDITIONAL_IMAGE = RowRole(joins="additional_image", is_extra=True)
_STORE_VIEW = RowRole(joins="store_view", is_extra=True)


def own_product(texts: Texts, id_name: str) -> RowRole:  # noqa: ARG001 - some dialects need all
    """Every row is a product."""
    return _OWN_OF_COLORS


def no_options(texts: Texts, first: Texts) -> dict[str, str]:  # noqa: ARG001 - as above
    """There are none beside the columns."""
    return {}


def shopify_role(texts: Texts, id_name: str) -> RowRole:  # noqa: ARG001 - as above
    """Rows of one handle are its variants, or add a photo only."""
    of_variants = ("option1_value", "variant_sku", "sku", "variant_price", "price")
    return _VARIANT if any(texts.get(name) for name in of_variants) else _ADDITIONAL_IMAGE


def shopify_options(texts: Texts, first: Texts) -> dict[str, str]:
    """`Option1 Name` = Color, `Option1 Value` = Blue; further rows leave the name out."""
    options = {}
    for number in (1, 2, 3):
        name_column = f"option{number}_name"
        name = texts.get(name_column) or first.get(name_column, "")
        value = texts.get(f"option{number}_value", "")
        if name and value.casefold() != "default title":
            options[name] = value
    return options


def google_role(texts: Texts, id_name: str) -> RowRole:  # noqa: ARG001 - as above
    """Rows of one item group are variants of one product."""
    return _VARIANT if id_name == "item_group_id" else _OWN_OF_COLORS


def woocommerce_role(texts: Texts, id_name: str) -> RowRole:  # noqa: ARG001 - as above
    """A variation belongs to the product that `Parent` names, by SKU or as `id:123`."""
    types = {kind.strip().lower() for kind in texts.get("type", "").split(",")}
    if "variation" in types:
        parent = texts.get("parent", "").strip()
        return RowRole(joins="variant", parent=parent, alone="variant_without_parent")
    references = (texts.get("sku", "").strip(), f"id:{texts.get('id', '').strip()}")
    return RowRole(
        references=tuple(text for text in references if text not in {"", "id:"}),
        lists_colors=any(kind.startswith("variable") for kind in types),
    )


def woocommerce_options(texts: Texts, first: Texts) -> dict[str, str]:  # noqa: ARG001 - as above
    """`Attribute 1 name` = Color, `Attribute 1 value(s)` = `Blue, Green`; numbered on."""
    options: dict[str, str] = {}
    for number in count(1):
        name = texts.get(f"attribute_{number}_name")
        if name is None:
            return options
        if name:
            options[name] = texts.get(f"attribute_{number}_value_s", "")
    return options


def magento_role(texts: Texts, id_name: str) -> RowRole:  # noqa: ARG001 - as above
    """Variants are not visible individually; a store view's row only translates its product."""
    is_translation = bool(texts.get("store_view_code", "").strip())
    if texts.get("visibility", "").strip().lower() == "not visible individually":
        sku = texts.get("sku", "").strip()
        return RowRole(
            joins="not_visible", alone="not_visible", parent=sku, is_extra=is_translation
        )
    if is_translation:
        return _STORE_VIEW
    variants = _magento_variants(texts)
    return RowRole(references=variants, lists_colors=bool(variants)) if variants else _OWN


def _magento_variants(texts: Texts) -> tuple[str, ...]:
    """`configurable_variations` = `sku=A-S,size=S|sku=A-M,size=M`, else `associated_skus`."""
    skus = tuple(
        pair.removeprefix("sku=").strip()
        for variation in texts.get("configurable_variations", "").split("|")
        for pair in _MAGENTO_PAIR.split(variation)
        if pair.startswith("sku=")
    )
    if skus or texts.get("product_type", "").strip().lower() != "configurable":
        return skus
    listed = texts.get("associated_skus", "").split(",")
    return tuple(sku for item in listed if (sku := item.partition("=")[0].strip()))


def magento_options(texts: Texts, first: Texts) -> dict[str, str]:  # noqa: ARG001 - as above
    """`additional_attributes` = `size=XS,climate=Cool|Indoor`."""
    options = {}
    for pair in _MAGENTO_PAIR.split(texts.get("additional_attributes", "")):
        name, _, value = pair.strip('"').partition("=")
        options[name] = ", ".join(value.split("|"))
    return options


def prestashop_options(texts: Texts, first: Texts) -> dict[str, str]:  # noqa: ARG001 - as above
    """Features: a column each (`Feature: Color`), or one of `Color:Blue:1, Size:M:2`."""
    options = {}
    for column, text in texts.items():
        if column.startswith("feature_name_value"):
            for feature in text.split(","):
                name, _, value = feature.partition(":")
                options[name] = value.partition(":")[0].strip()
        elif column.startswith("feature_"):
            options[column.removeprefix("feature_")] = text
    return options
