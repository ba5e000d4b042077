"""Which photos are doubted, and what becomes of the products whose photo is."""

import datetime as dt
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from flux_assets.errors import PhotoUnavailableError, PhotoUnusableError
from flux_assets.image_api.request import SourcePhoto
from flux_assets.pictures.photos.doubts import DOUBTED_KEY, read_doubted
from flux_assets.pictures.photos.library import PhotoLibrary
from flux_assets.pictures.photos.photo import DoubtedPhotoError, Photo, SharedPhotoError
from flux_assets.pictures.photos.search import Accepts
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.photos import Photos
from flux_assets_tests.fixtures.sites import open_sites

START = dt.datetime(2026, 11, 3, 8, tzinfo=dt.UTC)
PAGE = b"<!doctype html><title>We are back soon</title>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><text>no image</text></svg>"


def draw(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (number, 0, 200)).save(buffer, "PNG")
    return buffer.getvalue()


PLACEHOLDER = draw(255)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Shop:
    """A catalog's photos on one server, over several days."""

    def __init__(self, folder: Path, url: str, photos: Photos) -> None:
        self.store, self.url, self.photos = DirectoryStore(folder / "store"), url, photos
        self.folder = folder
        self.now = START

    def give(self, **photos: bytes | int) -> None:
        self.photos.at |= {f"/{name}": data for name, data in photos.items()}

    def find(self, *names: str, accepts: Accepts = "nothing") -> list[Photo]:
        """What each has one day after the last time."""
        self.now += dt.timedelta(hours=25)
        library = PhotoLibrary(
            store=self.store,
            catalog_uri=str(self.folder / "catalog.csv"),
            allow_private=True,
            max_age=dt.timedelta(hours=24),
            clock=StandingClock(today=self.now),
            threads=4,
        )
        wanted = [(f"{self.url}/{name}",) for name in names]
        found = library.find(wanted, accepts=accepts)
        return [found[group] for group in wanted]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    photos = Photos()
    with open_sites() as serve:
        yield Shop(tmp_path, serve(photos).url, photos)


def kept(found: Sequence[Photo], *photos: bytes) -> list[str]:
    """The doubts, after making sure that these are the photos."""
    assert [photo.sha256 for photo in found if isinstance(photo, SourcePhoto)] == [
        sha256(photo) for photo in photos
    ]
    return [photo.doubt for photo in found if isinstance(photo, SourcePhoto)]


def test_one_picture_in_the_place_of_several_photos_changes_none_of_them(shop: Shop) -> None:
    shop.give(a=draw(1), b=draw(2), c=draw(3))
    shop.find("a", "b", "c")
    shop.give(a=PLACEHOLDER, b=PLACEHOLDER)
    one, two, other = kept(shop.find("a", "b", "c"), draw(1), draw(2), draw(3))
    assert f"{shop.url}/a: gives the same picture as another address" in one
    assert "run once with accept_changes (--accept-changes)" in two
    assert other == ""


def test_the_last_address_with_a_placeholder_is_no_better_than_many(shop: Shop) -> None:
    shop.give(a=draw(1), b=draw(2))
    shop.find("a", "b")
    shop.give(a=PLACEHOLDER, b=PLACEHOLDER)
    shop.find("a", "b")
    shop.give(a=draw(1))
    _, still = kept(shop.find("a", "b"), draw(1), draw(2))
    assert "gives such a picture still" in still
    assert kept(shop.find("b"), draw(2)) == [still]  # as a run of one partition asks
    shop.give(b=draw(20))
    assert kept(shop.find("a", "b"), draw(1), draw(20)) == ["", ""]


def test_a_picture_that_spreads_one_address_a_day_is_doubted(shop: Shop) -> None:
    shop.give(a=draw(1), b=draw(2))
    shop.find("a", "b")
    shop.give(a=PLACEHOLDER)
    assert kept(shop.find("a", "b"), PLACEHOLDER, draw(2)) == ["", ""]  # as a new photo is
    shop.give(b=PLACEHOLDER)
    assert kept(shop.find("a", "b"), PLACEHOLDER, draw(2))[1]


def test_one_picture_at_many_new_addresses_is_nobody_s_photo(shop: Shop) -> None:
    shop.give(a=PLACEHOLDER, b=PLACEHOLDER, c=PLACEHOLDER, d=draw(4))
    *doubted, fine = shop.find("a", "b", "c", "d")
    assert all(isinstance(photo, SharedPhotoError) for photo in doubted)
    assert isinstance(doubted[0], PhotoUnavailableError)  # so that `fallback` buys no words
    assert "gives the same picture as 2 other addresses" in str(doubted[0])
    assert kept([fine], draw(4)) == [""]


def test_an_address_with_another_query_had_a_photo_before(shop: Shop) -> None:
    shop.give(a=draw(1), b=draw(2))
    shop.find("a?v=1", "b?v=1")
    shop.give(a=draw(3))
    assert kept(shop.find("a?v=2", "b?v=2"), draw(3), draw(2)) == ["", ""]
    shop.give(a=PLACEHOLDER, b=PLACEHOLDER)
    assert all(isinstance(photo, SharedPhotoError) for photo in shop.find("a?v=3", "b?v=3"))


def test_a_query_that_says_which_photo_is_meant_is_no_other_address(shop: Shop) -> None:
    """Each request is given what lies at the path, whatever its query."""
    for number in (1, 2):
        shop.give(image=draw(number))
        shop.now -= dt.timedelta(hours=25)  # both in one search
        shop.find(f"image?id={number}")
    shop.give(image=draw(9))
    assert kept(shop.find("image?id=3", "image?id=4"), draw(9), draw(9)) == ["", ""]


def test_a_picture_that_is_known_from_one_address_is_doubted_at_many_new_ones(shop: Shop) -> None:
    shop.give(a=PLACEHOLDER, b=PLACEHOLDER, c=PLACEHOLDER, d=PLACEHOLDER, e=PLACEHOLDER)
    shop.find("a")
    _, *others = shop.find("a", "b", "c", "d", "e")
    assert all(isinstance(photo, SharedPhotoError) for photo in others)


def test_products_that_share_a_photo_may_all_have_a_new_one_or_move(shop: Shop) -> None:
    shop.give(a=draw(1), b=draw(1))
    assert kept(shop.find("a", "b"), draw(1), draw(1)) == ["", ""]  # two sizes of one product
    shop.give(a=draw(2), b=draw(2), c=draw(1), d=draw(1))
    assert kept(shop.find("a", "b"), draw(2), draw(2)) == ["", ""]
    many = [f"m{number}" for number in range(5)]
    shop.give(**dict.fromkeys(many, draw(9)))
    shop.find(*many, accepts="for_good")
    shop.give(**{f"new_{name}": draw(9) for name in many})
    moved = shop.find(*(f"new_{name}" for name in many))
    assert kept(moved, *[draw(9)] * 5) == [""] * 5


def test_what_is_accepted_for_good_stays_accepted_and_for_now_is_forgotten(shop: Shop) -> None:
    names = ["a", "b", "c"]
    shop.give(a=draw(1), b=draw(2), c=draw(3))
    shop.find(*names)
    shop.give(**dict.fromkeys(names, PLACEHOLDER))
    assert kept(shop.find(*names, accepts="for_now"), *[PLACEHOLDER] * 3) == [""] * 3
    assert all(kept(shop.find(*names), draw(1), draw(2), draw(3)))
    assert read_doubted(shop.store) == [sha256(PLACEHOLDER)]
    assert kept(shop.find(*names, accepts="for_good"), *[PLACEHOLDER] * 3) == [""] * 3
    assert read_doubted(shop.store) == []
    assert kept(shop.find(*names), *[PLACEHOLDER] * 3) == [""] * 3


@pytest.mark.parametrize("now", [PAGE, b'{"error": "maintenance"}', b"", SVG, draw(1)[:60]])
def test_a_photo_that_stopped_being_one_is_used_on_and_doubted(shop: Shop, now: bytes) -> None:
    shop.give(a=draw(1))
    shop.find("a")
    shop.give(a=now)
    [doubt] = kept(shop.find("a"), draw(1))
    assert doubt.startswith(f"{shop.url}/a: is ")
    assert kept(shop.find("a", accepts="for_good"), draw(1)) == [""]


@pytest.mark.parametrize("now", [404, 503])
def test_a_file_that_is_gone_and_a_server_that_is_down_raise_no_doubt(shop: Shop, now: int) -> None:
    shop.give(a=draw(1))
    shop.find("a")
    shop.give(a=now)
    assert kept(shop.find("a"), draw(1)) == [""]


@pytest.mark.parametrize("reply", [PAGE, b"<?xml version='1.0'?><Error/>", b"", b"not here"])
def test_a_reply_in_a_new_photo_s_place_is_doubted_until_accepted(shop: Shop, reply: bytes) -> None:
    shop.give(a=reply)
    [found] = shop.find("a")
    assert isinstance(found, DoubtedPhotoError)
    assert found.doubt.startswith(f"{found}. Nothing is bought")
    [found] = shop.find("a", accepts="for_good")
    assert type(found) is not DoubtedPhotoError
    assert isinstance(found, PhotoUnusableError)


def test_a_file_of_another_kind_is_unusable_and_doubted_only_where_it_is_at_many(
    shop: Shop,
) -> None:
    shop.give(a=SVG, b=SVG, c=SVG)
    [alone] = shop.find("a")
    assert type(alone) is not DoubtedPhotoError
    assert all(isinstance(photo, DoubtedPhotoError) for photo in shop.find("a", "b", "c"))


def test_another_candidate_is_doubted_with_the_page_before_it(shop: Shop) -> None:
    shop.give(a=PAGE, b=draw(2))
    library = PhotoLibrary(
        store=shop.store,
        catalog_uri="catalog.csv",
        allow_private=True,
        max_age=dt.timedelta(0),
        clock=StandingClock(today=START),
    )
    group = (f"{shop.url}/a", f"{shop.url}/b")
    [doubt] = kept([library.find([group])[group]], draw(2))
    assert f"{shop.url}/a: is no photo, but an HTML page" in doubt


def test_files_beside_the_catalog_are_doubted_in_the_same_way(shop: Shop) -> None:
    names = ["one.png", "two.png", "three.png"]
    library = PhotoLibrary(
        store=shop.store,
        catalog_uri=str(shop.folder / "catalog.csv"),
        allow_private=False,
        max_age=dt.timedelta(0),
        clock=StandingClock(today=START),
    )
    for number, name in enumerate(names):
        (shop.folder / name).write_bytes(draw(number))
    library.find([(name,) for name in names])
    for name in names:
        (shop.folder / name).write_bytes(PLACEHOLDER)
    found = library.find([(name,) for name in names])
    assert all(kept([found[name,] for name in names], draw(0), draw(1), draw(2)))


def test_a_damaged_memory_of_doubts_is_written_anew(shop: Shop) -> None:
    shop.store.put(DOUBTED_KEY, b"{", content_type="application/json")
    shop.give(a=PLACEHOLDER, b=PLACEHOLDER, c=PLACEHOLDER)
    shop.find("a", "b", "c")
    assert read_doubted(shop.store) == [sha256(PLACEHOLDER)]
