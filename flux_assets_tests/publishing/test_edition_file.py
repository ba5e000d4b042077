"""An edition's file: read whole or in part, and told where it cannot be."""

from collections.abc import Callable

import pytest

from flux_assets.errors import StoreError
from flux_assets.publishing import edition_file
from flux_assets.publishing.edition import Edition, Offer, Showing, ShownProduct
from flux_assets.publishing.edition_file import EditionFile, write_edition
from flux_assets_tests.fixtures.editions import FORM, picture

SHOWN = Showing(slot="main", picture=picture("now"), before=(picture("before"),))
EDITION = Edition(
    channel="google",
    number=3,
    day="2026-11-27",
    base=1,
    switched=0,
    form=FORM,
    products={
        "mug": ShownProduct(product_id="mug", offers=(Offer(offer_id="mug"),), showings=(SHOWN,))
    },
    by="ada",
    at="2026-11-27T08:00:00+00:00",
    why="test",
)
READINGS: dict[str, Callable[[EditionFile], object]] = {
    "whole": EditionFile.read,
    "head": EditionFile.read_head,
    "columns": lambda file: file.read_columns(("fingerprint",)),
    "products": lambda file: file.read_products(["mug"]),
    "named": lambda file: list(file.list_named()),
}


def test_its_parts_say_what_the_whole_says() -> None:
    file = EditionFile(write_edition(EDITION), "x")
    assert file.read() == EDITION
    head = file.read_head()
    assert (head["number"], head["by"], head["at"]) == (3, "ada", EDITION.at)
    assert file.read_products(["cup", "mug"]) == [EDITION.products["mug"]]
    assert file.read_products(["cup"]) == []
    shown = file.read_columns(("fingerprint",))["fingerprint"].to_pylist()
    assert shown == [picture("now").fingerprint]
    assert {it.object_key for it in file.list_named()} == {
        it.object_key for it in EDITION.list_named()
    }


@pytest.mark.parametrize("reading", READINGS)
def test_a_newer_release_s_is_told_however_much_is_read(
    monkeypatch: pytest.MonkeyPatch, reading: str
) -> None:
    monkeypatch.setattr(edition_file, "FORMAT", edition_file.FORMAT + 1)
    data = write_edition(EDITION)
    monkeypatch.undo()
    with pytest.raises(StoreError, match="a newer release of flux_assets wrote it; upgrade"):
        READINGS[reading](EditionFile(data, "x"))


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("data", [b"", b"PAR1", write_edition(EDITION)[:-9]])
def test_a_damaged_one_is_told_however_much_is_read(data: bytes, reading: str) -> None:
    with pytest.raises(StoreError, match=r"it is no edition .*restore an earlier version"):
        READINGS[reading](EditionFile(data, "x"))
