"""All pictures judged at once come to what each judged by itself comes to."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_assets.publishing.channels import ChannelsFile, read_channels
from flux_assets.publishing.expressions import ask, list_bounds, list_names
from flux_assets.publishing.picture_index import NO_ROW, PictureIndex, pack_digests
from flux_assets.publishing.rendition_table import RenditionRow, build_frame
from flux_assets.publishing.rules import judge, worst_of
from flux_assets.publishing.sheet_verdicts import VERDICTS, PictureFacts, judge_slots, read_made
from flux_assets.storage.parquet import StoredTable, write_parquet

SAMPLE = Path(__file__).parents[2] / "data" / "channels.yaml"
PROFILE = "google_1500"


@pytest.fixture(scope="module")
def channels() -> ChannelsFile:
    return read_channels(SAMPLE.read_bytes(), "channels.yaml")


def make_rows(count: int) -> list[RenditionRow]:
    """Renditions of all kinds, each of another picture."""
    random = np.random.default_rng(7)
    return [
        RenditionRow(
            product_id=f"{number:04}",
            shot="hero",
            profile=PROFILE,
            profile_digest="",
            request_fingerprint=f"{number:064x}",
            master_sha256=f"{number + 9:064x}",
            object_key=f"publishing/renditions/{number}/hero/x.{random.choice(['jpg', 'webp'])}",
            sha256="",
            width_px=int(random.choice([499, 500, 1499, 1500, 4000])),
            height_px=int(random.choice([499, 500, 1500, 16_000])),
            size_bytes=int(random.integers(1, 32_000_000)),
            format=str(random.choice(["jpg", "webp", "png"])),
            mark=str(random.choice(["", "trainedAlgorithmicMedia"])),
            border_white=float(random.random()),
            frame_share=(None, 0.75, 0.8, 0.95)[random.integers(4)],
            upscaled=bool(random.integers(2)),
            appearance=str(random.choice(["", "black"])),
            c2pa=bool(random.integers(2)),
            c2pa_state="",
            c2pa_issuer="",
            c2pa_actions="",
        )
        for number in range(count)
    ]


def test_each_picture_gets_what_its_rules_say_of_it(channels: ChannelsFile) -> None:
    rows = make_rows(400)
    pictures = PictureIndex.of(
        pack_digests(row.request_fingerprint for row in rows),
        pack_digests(row.master_sha256 for row in rows),
    )
    facts = PictureFacts(is_of_photo=np.arange(400) % 2 == 0, is_repeated=np.arange(400) % 3 == 0)
    table = StoredTable(write_parquet(build_frame(rows)))
    made = read_made(
        table, pictures, {it.profile for it in channels.channels["google"].slots.values()}
    )
    google = channels.channels["google"]
    codes = dict(judge_slots(google, made, ("hero",), np.zeros(400, int), facts))
    for slot in google.slots.values():
        for place, row in enumerate(rows):
            measures = row.measures(
                made_from="photo" if place % 2 == 0 else "words", repeated=place % 3 == 0
            )
            expected = worst_of(judge(asdict(measures), google.rules_of(slot.name)))
            if "hero" not in slot.shots:
                expected = "none"  # type: ignore[assignment]  # a verdict of sheets alone
            assert VERDICTS[codes[slot.name][place]] == expected


def test_a_picture_without_its_rendition_has_no_verdict(channels: ChannelsFile) -> None:
    pictures = PictureIndex.of(pack_digests(["1" * 64]), pack_digests(["2" * 64]))
    facts = PictureFacts(is_of_photo=np.zeros(1, bool), is_repeated=np.zeros(1, bool))
    google = channels.channels["google"]
    stale = make_rows(1)[0]._replace(request_fingerprint="1" * 64, master_sha256="3" * 64)
    for table in (None, StoredTable(write_parquet(build_frame([stale])))):
        made = read_made(table, pictures, [PROFILE])
        codes = dict(judge_slots(google, made, ("hero",), np.zeros(1, int), facts))
        assert {int(it[0]) for it in codes.values()} == {0}


EXPRESSIONS = (
    "size_bytes <= 16000000 and megapixels <= 64",
    "0.75 <= frame_share and frame_share <= 0.9",
    "width_px in [500, 1500]",
    "not size_bytes",
    "not (width_px > 3 or height_px != 5.5)",
)


@given(st.sampled_from(EXPRESSIONS), st.data())
def test_between_two_bounds_the_answer_is_the_same(text: str, data: st.DataObject) -> None:
    bounds = list_bounds(text)
    assert bounds is not None
    number = st.one_of(st.sampled_from(bounds), st.floats(-1e9, 1e9), st.integers(0, 10**9))
    names = list_names(text)

    def answer(values: Mapping[str, float]) -> bool | None:
        return ask(text, values)

    def place(value: float) -> tuple[int, int]:
        return (int(np.searchsorted(bounds, value)), int(np.searchsorted(bounds, value, "right")))

    one = {name: data.draw(number) for name in names}
    other = {name: data.draw(number) for name in names}
    if all(place(one[name]) == place(other[name]) for name in names):
        assert answer(one) == answer(other)


@pytest.mark.parametrize(
    "text",
    ["width_px == height_px", "width_px * 2 > 5", "ratio > -1", "(width_px > 3) == (ratio > 1)"],
)
def test_what_compares_measures_with_each_other_has_no_bounds(text: str) -> None:
    assert list_bounds(text) is None


def test_pictures_are_found_by_their_whole_fingerprint() -> None:
    known = [f"{number:064x}" for number in range(50)]
    index = PictureIndex.of(pack_digests(known), pack_digests(reversed(known)))
    assert index.find_all(known).tolist() == [*range(50)]
    assert index.find(f"{51:064x}") == NO_ROW
    assert index.find("f" * 64) == NO_ROW
    assert (index.fingerprint_of(7), index.sha256_of(7)) == (known[7], known[42])
    empty = PictureIndex.of(pack_digests(()), pack_digests(()))
    assert empty.find(known[0]) == NO_ROW
