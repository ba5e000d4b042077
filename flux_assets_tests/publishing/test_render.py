"""Renditions as they come out of whatever a master is."""

import dataclasses
import io
import json
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from flux_assets.errors import PictureError
from flux_assets.publishing.channels import Profile
from flux_assets.publishing.channels_schema import RenditionFormat
from flux_assets.publishing.mark import NEWS_CODES, build_packet, read_mark
from flux_assets.publishing.measures import FileMeasures, measure
from flux_assets.publishing.profile import Recipe, resolve
from flux_assets.publishing.render import OpenedMaster, open_master, render
from flux_assets.publishing.xmp import find_packets, has_c2pa
from flux_assets_tests.fixtures.icc_profiles import P3_TO_SRGB, build_display_p3
from flux_assets_tests.fixtures.picture_forms import FORMS, build_chunk, draw, save, with_segment

FORMATS: tuple[RenditionFormat, ...] = ("jpg", "png", "webp", "avif")
MARK = "trainedAlgorithmicMedia"
EXIFTOOL = shutil.which("exiftool") or ""
RED, BLUE = (200, 30, 30), (30, 30, 200)


def _profile(**more: object) -> Profile:
    plain = Profile(name="p", width_px=200, height_px=200, format="png", quality=90)
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


def _render(data: bytes, **profile: object) -> bytes:
    master = open_master(data)
    return next(render(master, [resolve(_profile(**profile), *master.image.size)], MARK))


def _encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _open(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def _pixel(data: bytes, x: int, y: int) -> tuple[int, ...]:
    found = _open(data).convert("RGB").getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def _is_near(found: tuple[int, ...], wanted: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


@pytest.mark.skipif(not EXIFTOOL, reason="needs exiftool: apt-get install libimage-exiftool-perl")
@pytest.mark.parametrize("name", FORMATS)
def test_exiftool_reads_the_mark_of_each_format_and_nothing_else_of_ours(
    name: RenditionFormat, tmp_path: Path
) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("prompt", "a secret prompt")
    exif = Image.Exif()
    exif[0x010E] = "a secret prompt"
    master = _encode(draw(), pnginfo=told, exif=exif, icc_profile=build_display_p3())
    path = tmp_path / f"made.{name}"
    path.write_bytes(data := _render(master, format=name))
    read = subprocess.run(  # noqa: S603 - on our own file
        [EXIFTOOL, "-j", "-G1", "-a", "-validate", "-warning", path],
        capture_output=True,
        check=True,
        timeout=60,
    )
    tags = json.loads(read.stdout)[0]
    assert not [tag for tag in tags if tag.endswith(":Warning")], tags
    assert tags["ExifTool:Validate"] == "OK"
    everything = subprocess.run(  # noqa: S603 - as above
        [EXIFTOOL, "-j", "-G1", "-a", "-n", path],
        capture_output=True,
        check=True,
        timeout=60,
    )
    tags = json.loads(everything.stdout)[0]
    uri = f"{NEWS_CODES}{MARK}"
    assert {tag: tags[tag] for tag in tags if tag.startswith("XMP")} == {
        "XMP-iptcExt:DigitalSourceType": uri
    } | {tag: tags[tag] for tag in tags if tag == "XMP-x:XMPToolkit"}
    assert not [tag for tag in tags if tag.split(":")[0] in {"IFD0", "ExifIFD", "ICC_Profile"}]
    assert b"secret" not in data
    assert read_mark(data) == MARK


@pytest.mark.parametrize("name", FORMATS)
def test_what_pillow_saves_anew_has_no_mark(name: RenditionFormat) -> None:
    data = _render(save("PNG"), format=name)
    kind = {"jpg": "JPEG"}.get(name, name.upper())
    assert read_mark(data) == MARK
    image = _open(data)
    image.info = {}
    assert read_mark(_encode(image, kind)) == ""


def test_the_mark_is_read_however_xmp_writes_it() -> None:
    packet = build_packet("compositeSynthetic").decode()
    start, end = packet.index("<Iptc4xmpExt"), packet.index("</rdf:Description>")
    uri = f"{NEWS_CODES}compositeSynthetic"
    as_resource = f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{uri}"/>'
    as_attribute = packet[: start - 1] + f' Iptc4xmpExt:DigitalSourceType="{uri}">' + packet[end:]
    for text in (packet, packet[:start] + as_resource + packet[end:], as_attribute):
        for kind in ("JPEG", "WEBP", "AVIF"):
            assert read_mark(save(kind, xmp=text.encode())) == "compositeSynthetic"
        told = PngImagePlugin.PngInfo()
        told.add_itxt("XML:com.adobe.xmp", text, zip=True)
        assert read_mark(save("PNG", pnginfo=told)) == "compositeSynthetic"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"no xml",
        b"<x/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        build_packet("a").replace(b"DigitalSourceType", b"Creator"),
    ],
)
def test_a_packet_without_the_property_is_no_mark(packet: bytes) -> None:
    assert read_mark(save("JPEG", xmp=packet)) == ""


@pytest.mark.parametrize("form", FORMS)
def test_bytes_that_are_cut_off_anywhere_are_read_without_an_error(form: str) -> None:
    data = FORMS[form][1]()
    for length in (0, 1, 13, 40, 200, len(data) // 2, len(data) - 1):
        list(find_packets(data[:length]))
        read_mark(data[:length])
        has_c2pa(data[:length])


def test_a_packet_that_unpacks_to_very_much_is_not_unpacked() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_itxt("XML:com.adobe.xmp", " " * 50_000_000, zip=True)
    assert max(map(len, find_packets(save("PNG", pnginfo=told)))) <= 1_000_000


def test_the_maker_s_c2pa_manifest_is_seen_where_each_format_keeps_it() -> None:
    png, webp, avif = save("PNG"), save("WEBP"), save("AVIF")
    manifest = b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa"
    assert has_c2pa(with_segment(0xEB, b"JP\0\x01\0\0\0\x01" + manifest))
    assert has_c2pa(png[:33] + build_chunk(b"caBX", manifest) + png[33:])
    assert has_c2pa(webp + struct.pack("<4sI", b"C2PA", len(manifest)) + manifest)
    box = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + manifest
    assert has_c2pa(avif + struct.pack(">I4s", len(box) + 8, b"uuid") + box)
    for data in (save("JPEG"), png, webp, avif, b""):
        assert not has_c2pa(data)


@pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged EXIF
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_master_becomes_a_flat_rendition(form: str) -> None:
    image = _open(_render(FORMS[form][1](), format="jpg"))
    assert (image.format, image.mode) == ("JPEG", "RGB")


@pytest.mark.parametrize("turned_by", range(1, 9))
def test_a_turned_master_comes_out_upright(turned_by: int) -> None:
    upright = Image.new("RGB", (60, 40), BLUE)
    upright.paste(RED, (0, 0, 20, 40))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions that undo each
    stored = upright.transpose(Image.Transpose(back[turned_by])) if turned_by > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = turned_by
    made = _render(_encode(stored, "JPEG", exif=exif, quality=100, subsampling=0))
    assert _open(made).size == (60, 40)
    assert _is_near(_pixel(made, 5, 20), RED, by=6)
    assert _is_near(_pixel(made, 50, 20), BLUE, by=6)


def test_a_transparent_master_lies_on_the_profile_s_background() -> None:
    master = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    master.paste((*RED, 255), (20, 10, 40, 30))
    made = _render(_encode(master), background="#00ff00")
    assert _is_near(_pixel(made, 2, 2), (0, 255, 0))
    assert _is_near(_pixel(made, 30, 20), RED)


def test_a_master_of_16_bits_keeps_its_levels() -> None:
    grey = np.full((40, 60), 0x8000, np.uint16)
    assert _is_near(_pixel(_render(_encode(Image.fromarray(grey))), 30, 20), (128, 128, 128))


def test_a_p3_master_is_its_srgb_truth() -> None:
    levels = np.linspace(40, 215, 64)
    red, green = np.meshgrid(levels, levels)
    given = np.stack([red, green, np.full_like(red, 120)], axis=2).round()
    made = np.asarray(
        _open(
            _render(
                _encode(Image.fromarray(given.astype(np.uint8)), icc_profile=build_display_p3())
            )
        ).convert("RGB"),
        float,
    )
    share = given / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ np.array(P3_TO_SRGB).T, 0, 1)
    truth = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(made - truth).mean() <= 1
    assert np.abs(given - truth).mean() > 5


def test_cut_padded_and_smaller_renditions_have_their_pixels_in_place() -> None:
    master = Image.new("RGB", (400, 200), RED)
    master.paste(BLUE, (100, 0, 300, 200))
    data = _encode(master)
    cut = _render(data, fit="cover", width_px=100, height_px=100)
    assert _open(cut).size == (100, 100)
    assert _is_near(_pixel(cut, 4, 50), BLUE)
    padded = _render(data, fit="pad", width_px=100, height_px=100, background="#0000ff")
    assert _open(padded).size == (100, 100)
    assert _is_near(_pixel(padded, 50, 10), (0, 0, 255))
    assert _is_near(_pixel(padded, 5, 50), RED)
    assert _open(_render(data, width_px=100, height_px=100)).size == (100, 50)


@pytest.mark.parametrize("size", [(1, 1), (2_000, 1), (1, 2_000), (3, 2), (17, 90)])
@pytest.mark.parametrize("fit", ["contain", "cover", "pad"])
def test_masters_of_any_shape_are_rendered_and_measured(size: tuple[int, int], fit: str) -> None:
    for name in FORMATS:
        found = _measure(Image.new("RGB", size, RED), fit=fit, format=name, upscale=size == (3, 2))
        assert 1 <= found.width_px <= 200
        assert 1 <= found.height_px <= 200


def test_what_no_encoder_makes_is_told_with_its_size() -> None:
    master = open_master(save("PNG"))
    recipe = dataclasses.replace(resolve(_profile(format="webp"), 96, 64), canvas=(16_400, 1))
    with pytest.raises(PictureError, match="no webp of 16400 x 1 pixels can be made of it"):
        list(render(master, [recipe], MARK))


def test_a_master_that_is_no_picture_is_told() -> None:
    for data in (b"", b"<html>", save("PNG")[:200], save("GIF")):
        with pytest.raises(PictureError):
            open_master(data)


def _measure(image: Image.Image, **profile: object) -> FileMeasures:
    master = open_master(_encode(image))
    recipe: Recipe = resolve(_profile(**profile), *master.image.size)
    return measure(next(render(master, [recipe], MARK)), recipe.placed)


def _product_on(color: tuple[int, int, int], side: int = 200) -> Image.Image:
    image = Image.new("RGB", (side, side), color)
    ImageDraw.Draw(image).rectangle((20, 50, 179, 149), fill=RED)
    return image


def test_a_product_on_white_has_a_white_border_and_its_share_of_the_frame() -> None:
    for name in FORMATS:
        found = _measure(_product_on((255, 255, 255)), format=name, chroma="4:4:4")
        assert (found.width_px, found.height_px, found.format) == (200, 200, name)
        assert found.mark == MARK
        assert found.border_white > 0.99
        assert found.frame_share == pytest.approx(0.8, abs=0.02)
        assert found.size_bytes > 100


def test_near_white_is_not_white_and_no_padding_makes_it_so() -> None:
    nearly = _product_on((250, 250, 250))
    assert _measure(nearly).border_white == 0
    padded = _measure(nearly, fit="pad", width_px=100, height_px=200)
    assert (padded.width_px, padded.height_px) == (100, 200)
    assert padded.border_white == 0


def test_the_share_of_the_frame_is_unknown_where_the_border_is_not_of_one_colour() -> None:
    gradient = Image.linear_gradient("L").resize((200, 200)).convert("RGB")
    assert _measure(gradient).frame_share is None
    assert _measure(Image.new("RGB", (200, 200), RED)).frame_share is None


def test_a_picture_that_shows_nothing_is_known_by_what_is_wrong() -> None:
    def appearance(image: Image.Image) -> str:
        opened: OpenedMaster = open_master(_encode(image))
        return opened.appearance

    assert appearance(Image.new("RGB", (200, 200))) == "black"
    assert appearance(Image.new("RGB", (200, 200), RED)) == "one colour"
    assert appearance(Image.linear_gradient("L").resize((300, 300)).convert("RGB")) == "blurred"
    assert appearance(_product_on((255, 255, 255))) == ""
