"""What a kill storm buys: pictures made from words, and every third one an edit of a photo."""

import io
import random
from collections.abc import Iterator
from functools import cache
from hashlib import sha256

from PIL import Image, ImageDraw

from flux_assets.image_api.request import ImageRequest, SourcePhoto, build_image_request
from flux_assets.storage.object_store import ObjectStore, photo_key

EDITED_OF = 3
EDITS_OF_A_PHOTO = 10
"""Few enough that photos are uploaded until the end of a storm, also while two runs are at it."""
_SIDE_PX = 96


def build_requests(count: int) -> Iterator[ImageRequest]:
    """So many requests that differ; the same ones in every process."""
    for number in range(count):
        is_edit = number % EDITED_OF == EDITED_OF - 1
        yield build_image_request(
            product_id=str(number),
            shot="scene" if is_edit else "hero",
            prompt=f"{'Scene with' if is_edit else 'Studio photograph of'} product {number}",
            parameters={},
            source=_source_of(number) if is_edit else None,
        )


def keep_photos(store: ObjectStore, count: int) -> None:
    """Put the photos of so many requests where a refresh leaves them before it buys."""
    for number in range(0, count, EDITED_OF * EDITS_OF_A_PHOTO):
        data = _draw_photo(number // (EDITED_OF * EDITS_OF_A_PHOTO))
        key = photo_key(sha256(data).hexdigest(), "jpg")
        store.put(key, data, content_type="image/jpeg")


def _source_of(number: int) -> SourcePhoto:
    photo = number // (EDITED_OF * EDITS_OF_A_PHOTO)
    return SourcePhoto(uri=f"{photo}.jpg", sha256=sha256(_draw_photo(photo)).hexdigest())


@cache
def _draw_photo(number: int) -> bytes:
    dice = random.Random(number)  # noqa: S311 - a pattern, no secret
    image = Image.new("RGB", (_SIDE_PX, _SIDE_PX), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(30):
        left, top = (dice.randrange(16, _SIDE_PX - 32) for _ in "xy")
        color = tuple(dice.randrange(230) for _ in "rgb")
        draw.rectangle((left, top, left + 16, top + 16), fill=color)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()
