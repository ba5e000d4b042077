"""What both photos and renditions are made by: a photo's bytes are part of what is paid."""

import hashlib
import io

import pytest
from PIL import Image

from flux_assets.pictures.photos.prepare import prepare_photo
from flux_assets_tests.fixtures.picture_forms import FORMS, draw

PREPARED = {
    "plain png": "018b2c845c294dc6",
    "16 bits, grey": "4348051965f2bce5",
    "16 bits, colour": "023e7b710d54734b",
    "16 bits, colour and alpha": "fb41409d3058f934",
    "palette": "9aee772b8b56bbca",
    "two colours": "1adb68d32faa19c7",
    "grey and alpha": "2959bcd9be213b0f",
    "interlaced": "fcb171086a5a28d9",
    "apng": "018b2c845c294dc6",
    "profile of 1.5 MiB": "018b2c845c294dc6",
    "profile that unpacks to 64 MiB": "018b2c845c294dc6",
    "damaged profile": "018b2c845c294dc6",
    "text of 2 MiB": "018b2c845c294dc6",
    "one chunk of 8 MiB": "018b2c845c294dc6",
    "data in chunks of 3 bytes": "018b2c845c294dc6",
    "broken EXIF in a png": "018b2c845c294dc6",
    "no text at all": "018b2c845c294dc6",
    "bytes behind a png": "018b2c845c294dc6",
    "plain jpeg": "5b79b8f7c032812b",
    "progressive": "5b79b8f7c032812b",
    "grey jpeg": "094a08f7e56af8d1",
    "cmyk": "084e2b3c567d7bc9",
    "mpo": "5b79b8f7c032812b",
    "gain map": "5b79b8f7c032812b",
    "broken index of pictures": "5b79b8f7c032812b",
    "broken EXIF": "5b79b8f7c032812b",
    "profile in parts, and some lack": "5b79b8f7c032812b",
    "profile of 1.5 MiB in a jpeg": "5b79b8f7c032812b",
    "comment": "5b79b8f7c032812b",
    "filling before a marker": "5b79b8f7c032812b",
    "bytes behind a jpeg": "5b79b8f7c032812b",
    "turned 1": "5b79b8f7c032812b",
    "turned 2": "0adbc74fa0b8e773",
    "turned 3": "773bd9b33a5f91b1",
    "turned 4": "7f8b471fe5463327",
    "turned 5": "4172b88d0e44e1f1",
    "turned 6": "73d2aba52def363f",
    "turned 7": "8f3057bfc29e0fc7",
    "turned 8": "76d51a254e6ca161",
    "large": "1bf25236d931685c",
}
"""The first digits of the sha256 of what the first release made of each; of its own formats, whose
encoders every Pillow brings the same."""


@pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged EXIF
@pytest.mark.parametrize("form", PREPARED)
def test_a_prepared_photo_has_the_bytes_of_every_release(form: str) -> None:
    prepared = prepare_photo(_build(form), uri="a")
    assert hashlib.sha256(prepared.data).hexdigest()[:16] == PREPARED[form]


def _build(form: str) -> bytes:
    if form in FORMS:
        return FORMS[form][1]()
    buffer = io.BytesIO()
    if form == "large":
        draw().resize((2400, 1600)).save(buffer, "JPEG")
        return buffer.getvalue()
    exif = Image.Exif()
    exif[0x0112] = int(form.removeprefix("turned "))
    draw().save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()
