"""Other pictures that the page asks for, and earlier ones that it keeps: the page never buys."""

from collections.abc import Mapping, Sequence
from typing import Any

from flux_assets.catalog.identity import normalise_id
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.pinning import PIN_DIGITS, write_pins
from flux_assets.prompts.reroll import Another, ask_for_others
from flux_assets.prompts.wishes import find_all_chosen, find_chosen
from flux_assets.publishing.picture_index import NO_ROW
from flux_assets.publishing.sheet import Sheet
from flux_assets.settings import Settings
from flux_assets.web.bodies import RerollItem
from flux_assets.web.errors import BadRequestError, NoSuchThingError
from flux_assets.web.files import PictureFiles

_Place = tuple[str, str]


def ask_for_pictures(
    settings: Settings,
    sheet: Sheet,
    files: PictureFiles,
    items: Sequence[RerollItem],
    *,
    dry: bool,
) -> dict[str, Any]:
    """Write the wishes into the overrides file, all of them or none; what they will cost at most.

    Args:
        settings: of the shop.
        sheet: the pictures of now.
        files: which know the earlier ones.
        items: what is wished.
        dry: only say what it would cost.

    Raises:
        NoSuchThingError: there is no such picture.
        BadRequestError: two wishes are for the same product and shot.
        FluxAssetsError: the file cannot be changed so, or the catalog has no such product.
    """
    wished = {find_place(sheet, files, it.fingerprint): _read(it) for it in items}
    if len(wished) < len(items):
        raise BadRequestError("a product's shot is asked for once at a time")
    shots: dict[str, list[str]] = {}
    for product_id, shot in wished:
        shots.setdefault(product_id, []).append(shot)
    chosen = find_all_chosen(settings, shots)
    if not dry:
        ask_for_others(settings, chosen, wished)
    price = 0 if settings.is_sample else settings.cost_usd_per_image
    return {
        "count": len(items),
        "cost": round(len(items) * price, 2),
        "caps": (
            f"The next refresh buys them, at most {settings.max_images_per_run} pictures a run "
            f"and {settings.daily_image_limit} sends a day of all shops."
        ),
    }


def pin_picture(
    settings: Settings, sheet: Sheet, files: PictureFiles, fingerprint: str
) -> dict[str, Any]:
    """Let the next refresh show this stored picture, whatever is asked for.

    Raises:
        NoSuchThingError: there is no such picture.
        FluxAssetsError: the overrides file cannot be changed so.
    """
    product_id, shot = find_place(sheet, files, fingerprint)
    chosen = find_chosen(settings, product_id, [shot])

    def choose(overrides: OverridesFile) -> Mapping[str, str]:
        del overrides
        return {shot: fingerprint[:PIN_DIGITS]}

    write_pins(settings, chosen, choose)
    return {"product_id": product_id, "shot": shot, "pin": fingerprint[:PIN_DIGITS]}


def find_place(sheet: Sheet, files: PictureFiles, fingerprint: str) -> _Place:
    """The product and shot of a picture, of now or an earlier one.

    Raises:
        NoSuchThingError: there is no such picture.
    """
    row = sheet.pictures.find(fingerprint)
    if row != NO_ROW:
        [text] = sheet.read_texts(row, row + 1)
        return normalise_id(text["product_id"]), text["shot"]
    record = files.find_earlier(fingerprint)
    if record is None:
        raise NoSuchThingError("there is no such picture")
    return normalise_id(record.product_id), record.shot


def _read(item: RerollItem) -> Another:
    if item.words is None and item.seed is None and item.takes is None:
        raise BadRequestError("say by what the picture is to differ: words, seed or takes")
    return Another(takes=item.takes or 0, words=item.words or "", seed=item.seed)
