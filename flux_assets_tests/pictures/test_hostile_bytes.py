"""Whatever bytes arrive, a reader gives what it promises or an error of ours, and soon."""

import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flux_assets.errors import (
    FluxAssetsError,
    OverridesError,
    PictureError,
    ShotsFileError,
    UnknownOutcomeError,
)
from flux_assets.image_api.protocol import parse_models, parse_reply, parse_result
from flux_assets.pictures.inspect import inspect_picture
from flux_assets.prompts.overrides import OverridesFile, raise_take, read_overrides
from flux_assets.prompts.shots import read_shots
from flux_assets_tests.fixtures.damage import damaged

PROJECT = Path(__file__).parents[2]
SAMPLES = PROJECT / "flux_assets_tests" / "samples" / "image_api"
KEY = "sk-shop-0001"
SOON = settings(deadline=5_000)

SHOTS = (
    (PROJECT / "data" / "shots.yaml").read_bytes(),
    b"""shots:
  hero:
    prompt: "{{ title }}"
    only_if: "category == 'Rings'"
    prompts:
      - {when: "brand", prompt: "{% for x in tags.split(',') %}{{ x }}{% endfor %}"}
""",
    b"columns: {title: name, seed: null}\none_set_per: color\nshots: {hero: {prompt: a, seed: 1}}",
)
YAML_WORDS = (
    *(b"&a ", b"*a", b"!!python/name:os.system", b"<<: ", b"? ", b"- ", b"{", b"[", b": ", b"|\n"),
    *(b"{{", b"}}", b"{%", b"%}", b"{#", b"'", b'"', b"\n---\n", b"\t", b"0x1f", b"1e999", b"null"),
    *(b"__class__", b"|attr('x')", b"range(9)", b"**", b"loop.", b".format", b"\xef\xbb\xbf"),
)
OVERRIDES = (
    b"product_id,shot,take,seed,prompt,pin,skip\n00123,hero,2,7,a mug,abcdef01,\n00123,,,,,,x\n",
    b'\xef\xbb\xbfNote;"take";shot;product_id;pin\r\n"a;""b""";"9";hero;"00123";abcdef01;\r\n\r\n',
    b"shot\ttake\tproduct_id\rhero\t1\t00123\r",
)
CSV_WORDS = (b'"', b",", b";", b"\t", b"\r", b"\n", b"00123,hero,", b"\0", b"\xe2\x80\xa8", b"take")


def draw(kind: str, mode: str, **options: bool) -> bytes:
    noise = random.Random(7).randbytes(48 * 32 * 3)  # noqa: S311 - no secret
    buffer = io.BytesIO()
    Image.frombytes("RGB", (48, 32), noise).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


PICTURES = (
    *(draw("PNG", mode) for mode in ("RGB", "RGBA", "P", "L", "1")),
    *(draw("JPEG", mode) for mode in ("RGB", "L", "CMYK")),
    *(draw("JPEG", "RGB", progressive=True), draw("WEBP", "RGBA")),
    draw("WEBP", "RGB", lossless=True),
)
PICTURE_WORDS = (
    *(b"\x89PNG\r\n\x1a\n", b"IHDR", b"\0\0\0\x04iCCP", b"\0\0\0\x04zTXt", b"acTL", b"fdAT"),
    *(b"\xff\xd8", b"\xff\xda", b"\xff\xc2", b"\xff\xe1\xff\xffExif\0\0MM", b"\xff\xe2\0\x10MPF\0"),
    *(b"RIFF", b"WEBPVP8X", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"\xff" * 8, b"\0" * 8),
)
REPLIES = tuple(path.read_bytes() for path in sorted(SAMPLES.glob("*.http")))
JSON_WORDS = (
    *(b"null", b"{}", b"[]", b'"', b"1e999", b"-1", b"NaN", b"true", b"[[", b"\\ud800", b"\\u0000"),
    *(b"HTTP/1.1 200 ", b"HTTP/1.1 429 ", b"Retry-After: ", b"SUCCESS", b"FAILED", KEY.encode()),
    *(b"https://[", b"?X-Amz-Signature=1", b"9" * 400, b"Date: ", b"\r\n"),
)


@SOON
@given(damaged(SHOTS, YAML_WORDS))
def test_any_bytes_are_a_shots_file_or_an_error_with_its_place(data: bytes) -> None:
    try:
        told = read_shots(data, "shots.yaml").name
    except ShotsFileError as error:
        told = str(error)
    assert told.startswith("shots.yaml")


@SOON
@given(damaged(OVERRIDES, CSV_WORDS))
def test_any_bytes_are_an_overrides_file_or_an_error_with_its_place(data: bytes) -> None:
    try:
        file = read_overrides(data, "overrides.csv")
        raised = raise_take(data, "overrides.csv", product_id="00123", shot="hero")
    except OverridesError as error:
        told = str(error)
    else:
        told = "overrides.csv"
        check_raised(file, read_overrides(raised, told))
    assert told.startswith("overrides.csv")


def check_raised(was: OverridesFile, now: OverridesFile) -> None:
    """One take is one higher, and nothing else of its row has changed."""
    before, after = was.find("00123", "hero"), now.find("00123", "hero")
    assert after.take == (before.take or 1) + 1
    assert (after.seed, after.prompt, after.skip) == (before.seed, before.prompt, before.skip)


@pytest.mark.filterwarnings("ignore:Image appears to be a malformed MPO file:UserWarning")
@SOON
@given(damaged(PICTURES, PICTURE_WORDS))
def test_any_bytes_are_a_picture_or_a_picture_error(data: bytes) -> None:
    try:
        picture = inspect_picture(data, preview_px=32)
    except PictureError:
        return
    assert picture.size_bytes == len(data)
    assert picture.width_px > 0
    assert picture.height_px > 0


def split(reply: bytes) -> tuple[int, dict[str, str], bytes]:
    """The status, headers and body of a damaged reply, as far as there are any."""
    head, _, body = reply.partition(b"\n\n")
    first, *rest = head.decode("latin-1").splitlines() or [""]
    digits = "".join(filter(str.isascii, filter(str.isdigit, first[8:13])))
    headers = dict(line.split(": ", 1) for line in rest if ": " in line)
    return int(digits or 200), headers, body


@SOON
@given(damaged(REPLIES, JSON_WORDS))
def test_any_reply_is_a_reply_or_an_error_of_ours_that_tells_no_secret(data: bytes) -> None:
    status, headers, body = split(data)
    told = ""
    try:
        reply = parse_reply(status, headers, body, secret=KEY)
        told = repr(reply)
        assert reply.uuid or reply.status == "success"
    except FluxAssetsError as error:
        told = str(error)
        assert told.isprintable()
        assert len(told) < 1_000
    assert KEY not in told
    assert "?X-Amz" not in told


@SOON
@given(damaged(REPLIES, JSON_WORDS), st.sampled_from([parse_result, parse_models]))
def test_an_answer_to_a_free_question_is_never_an_unknown_outcome(
    data: bytes, parse: Callable[..., object]
) -> None:
    try:
        parse(*split(data))
    except UnknownOutcomeError:
        pytest.fail("asking is free")
    except FluxAssetsError:
        pass
