import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_assets.storage.object_store import (
    budget_key,
    extra_reply_key,
    ledger_key,
    picture_key,
    picture_prefix,
    quote_segment,
    run_key,
    table_key,
)

FINGERPRINT = "0123456789abcdef" * 4


@given(st.text(min_size=1))
def test_any_text_becomes_one_safe_segment(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_%-]{1,180}", quote_segment(text))


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_texts_never_share_a_segment(one: str, other: str) -> None:
    assert (quote_segment(one) == quote_segment(other)) == (one == other)


@pytest.mark.parametrize("longest", [180, 181])
def test_long_texts_with_the_same_start_stay_apart(longest: int) -> None:
    segments = {quote_segment("x" * length) for length in range(longest, longest + 5)}

    assert len(segments) == 5


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("SKU-1_a", "SKU-1_a"),
        ("..", "%2E%2E"),
        ("a/b.c~d", "a%2Fb%2Ec%7Ed"),
        ("%2E", "%252E"),
        ("Größe", "Gr%C3%B6%C3%9Fe"),
        ("x" * 180, "x" * 180),
    ],
)
def test_the_quoting_never_changes(text: str, segment: str) -> None:
    assert quote_segment(text) == segment


def test_a_quoted_text_over_180_bytes_ends_in_its_sha256() -> None:
    sha256 = "dc31ed5afb940294fdd687c69bbba2aecc51b6093425c0047f6fa6c687303924"
    assert quote_segment("x" * 181) == f"{'x' * 115}-{sha256}"


def test_every_kind_of_object_has_its_place() -> None:
    assert (
        picture_key(shot="hero", product_id="a.b", fingerprint=FINGERPRINT, extension="png")
        == f"images/hero/a%2Eb/{FINGERPRINT[:32]}.png"
    )
    assert ledger_key(FINGERPRINT) == f"ledger/01/{FINGERPRINT}.json"
    assert extra_reply_key(FINGERPRINT, "1/2") == f"ledger/01/{FINGERPRINT}.1%2F2.json"
    assert budget_key("2030-01-31") == "budget/2030-01-31.json"
    assert run_key("r.1", "plan.json") == "runs/r%2E1/plan.json"
    assert table_key("manifest.parquet") == "tables/manifest.parquet"


def test_the_prefix_of_a_shot_takes_in_its_pictures_and_no_other_shots() -> None:
    key = picture_key(shot="hero", product_id="a", fingerprint=FINGERPRINT, extension="jpg")

    assert key.startswith(picture_prefix("hero"))
    assert key.startswith(picture_prefix())
    assert not key.startswith(picture_prefix("her"))
