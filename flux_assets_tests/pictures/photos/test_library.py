"""The photo that each product has, over several runs and in spite of whatever fails meanwhile."""

import datetime as dt
import hashlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from flux_assets.catalog import read_catalog
from flux_assets.errors import PhotoUnavailableError, PhotoUnusableError, StoreError
from flux_assets.image_api.request import SourcePhoto
from flux_assets.pictures.photos.index import PHOTOS_KEY, read_index
from flux_assets.pictures.photos.library import PhotoLibrary
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore, photo_prefix
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.photos import Photos, take_asked
from flux_assets_tests.fixtures.sites import Site, open_sites

START = dt.datetime(2026, 11, 3, 8, tzinfo=dt.UTC)


def draw(color: tuple[int, int, int], mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (40, 30), (*color, 100)[: len(mode)]).save(buffer, "PNG")
    return buffer.getvalue()


RED, BLUE = draw((200, 0, 0)), draw((0, 0, 200))
CLEAR = draw((0, 200, 0), "RGBA")
HTML = b"<!doctype html><title>Sign in</title>"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Shop:
    """One shop's library, whose clock goes on when told."""

    def __init__(self, store: ObjectStore, folder: Path, site: Site, photos: Photos) -> None:
        self.store, self.folder, self.site, self.photos = store, folder, site, photos
        self.now = START
        self.allow_private = True
        self.threads = 4

    @property
    def library(self) -> PhotoLibrary:
        return PhotoLibrary(
            store=self.store,
            catalog_uri=str(self.folder / "catalog.csv"),
            allow_private=self.allow_private,
            max_age=dt.timedelta(hours=24),
            clock=StandingClock(today=self.now),
            threads=self.threads,
        )

    def url(self, path: str) -> str:
        return f"{self.site.url}{path}"

    def find(self, *uris: str) -> object:
        return self.library.find([uris])[uris]

    def wait(self, hours: float) -> None:
        self.now += dt.timedelta(hours=hours)

    def asked(self) -> list[str]:
        return take_asked(self.site)


@pytest.fixture
def shop(any_store: ObjectStore, tmp_path: Path) -> Iterator[Shop]:
    (tmp_path / "shop").mkdir()
    photos = Photos()
    with open_sites() as serve:
        yield Shop(any_store, tmp_path / "shop", serve(photos), photos)


def photo_of(found: object) -> str:
    assert isinstance(found, SourcePhoto), found
    return found.sha256


# --- What is found --------------------------------------------------------------------------


def test_a_photo_is_known_by_the_bytes_that_were_read(shop: Shop) -> None:
    shop.photos.at["/hat.jpg"] = RED
    found = shop.find(shop.url("/hat.jpg?signature=1"))
    assert found == SourcePhoto(uri=shop.url("/hat.jpg"), sha256=sha256(RED))
    prepared = shop.library.read(sha256(RED))
    assert (prepared.extension, prepared.width_px, prepared.height_px) == ("jpg", 40, 30)
    (row,) = read_index(shop.store).values()
    assert (row.uri, row.photo_sha256) == (shop.url("/hat.jpg"), sha256(RED))
    assert row.address_sha256 == sha256(shop.url("/hat.jpg?signature=1").encode())
    assert row.checked_at == "2026-11-03T08:00:00Z"
    assert b"signature" not in shop.store.get(PHOTOS_KEY).data


def test_a_transparent_photo_is_read_as_png(shop: Shop) -> None:
    shop.photos.at["/hat.png"] = CLEAR
    assert shop.library.read(photo_of(shop.find(shop.url("/hat.png")))).extension == "png"


def test_the_same_photo_at_two_addresses_is_one_photo(shop: Shop) -> None:
    shop.photos.at |= {"/a.jpg": RED, "/b.jpg": RED}
    found = shop.library.find([(shop.url("/a.jpg"),), (shop.url("/b.jpg"),)])
    assert {photo_of(photo) for photo in found.values()} == {sha256(RED)}
    assert len(list(shop.store.list(photo_prefix()))) == 1


def test_an_address_of_many_products_is_asked_for_once(shop: Shop) -> None:
    shop.photos.at |= {"/a.jpg": RED, "/b.jpg": BLUE}
    a, b = shop.url("/a.jpg"), shop.url("/b.jpg")
    found = shop.library.find([(a,), (a, b), (a,), (b, a)])
    assert [photo_of(photo) for photo in found.values()] == [
        *(sha256(RED), sha256(RED), sha256(BLUE))
    ]
    assert shop.asked() == ["/a.jpg", "/b.jpg"]


def test_the_first_usable_candidate_wins(shop: Shop) -> None:
    shop.photos.at |= {"/page.jpg": HTML, "/b.jpg": RED, "/c.jpg": BLUE}
    uris = [shop.url(path) for path in ("/gone.jpg", "/page.jpg", "/b.jpg", "/c.jpg")]
    assert photo_of(shop.find("ftp://a.example/x", *uris)) == sha256(RED)
    assert shop.asked() == ["/b.jpg", "/gone.jpg", "/page.jpg"]


def test_an_outage_does_not_lead_to_another_picture(shop: Shop) -> None:
    shop.photos.at |= {"/a.jpg": 503, "/b.jpg": RED}
    found = shop.find(shop.url("/a.jpg"), shop.url("/b.jpg"))
    assert isinstance(found, PhotoUnavailableError)
    assert shop.asked() == ["/a.jpg"]
    shop.photos.at["/a.jpg"] = BLUE
    assert photo_of(shop.find(shop.url("/a.jpg"), shop.url("/b.jpg"))) == sha256(BLUE)


def test_where_no_candidate_is_usable_each_one_s_reason_is_told(shop: Shop) -> None:
    shop.photos.at["/page.jpg"] = HTML
    found = shop.find(shop.url("/gone.jpg"), shop.url("/page.jpg"))
    assert isinstance(found, PhotoUnusableError)
    assert f"{shop.url('/gone.jpg')}: there is no such photo (HTTP 404)" in str(found)
    assert f"{shop.url('/page.jpg')}: is no photo, but an HTML page" in str(found)


def test_a_product_without_address_is_told(shop: Shop) -> None:
    assert "names no photo" in str(shop.find())
    assert shop.library.find([]) == {}


def test_private_addresses_are_refused_unless_allowed(shop: Shop) -> None:
    shop.photos.at["/a.jpg"] = RED
    shop.allow_private = False
    found = shop.find(shop.url("/a.jpg"))
    assert isinstance(found, PhotoUnavailableError)
    assert "leads into a private network" in str(found)
    assert shop.asked() == []


# --- What is remembered ---------------------------------------------------------------------


def test_a_photo_is_asked_for_again_only_after_its_age_and_by_its_version(shop: Shop) -> None:
    shop.photos.at["/a.jpg"] = RED
    url = shop.url("/a.jpg")
    shop.find(url)
    written = shop.store.head(PHOTOS_KEY).etag
    shop.asked()
    shop.wait(hours=23)
    assert photo_of(shop.find(url)) == sha256(RED)
    assert (shop.asked(), shop.store.head(PHOTOS_KEY).etag) == ([], written)
    shop.wait(hours=1)
    shop.find(url)
    assert shop.site.received_header("If-None-Match") == [f'"{sha256(RED)}"']
    shop.asked()
    shop.wait(hours=23)  # it counts from the last answer
    shop.find(url)
    assert shop.asked() == []


def test_another_photo_at_the_same_address_is_seen(shop: Shop) -> None:
    shop.photos.at["/a.jpg"] = RED
    assert photo_of(shop.find(shop.url("/a.jpg"))) == sha256(RED)
    shop.photos.at["/a.jpg"] = BLUE
    shop.wait(hours=25)
    assert photo_of(shop.find(shop.url("/a.jpg"))) == sha256(BLUE)
    assert shop.library.read(sha256(RED)).extension == "jpg"  # what was bought from it stays so


def test_a_file_is_looked_at_every_time(shop: Shop) -> None:
    path = shop.folder / "hat.png"
    path.write_bytes(RED)
    assert photo_of(shop.find("hat.png")) == sha256(RED)
    written = shop.store.head(PHOTOS_KEY).etag
    assert photo_of(shop.find("hat.png")) == sha256(RED)
    assert shop.store.head(PHOTOS_KEY).etag == written
    path.write_bytes(CLEAR)
    assert photo_of(shop.find("hat.png")) == sha256(CLEAR)


@pytest.mark.parametrize("now", [404, 410, 403, 500, 204, HTML, RED[:40], b""])
def test_a_photo_that_was_read_outlives_every_failure(
    shop: Shop, caplog: pytest.LogCaptureFixture, now: bytes | int
) -> None:
    shop.photos.at |= {"/a.jpg": RED, "/b.jpg": BLUE}
    uris = shop.url("/a.jpg?signature=1"), shop.url("/b.jpg")
    shop.find(*uris)
    shop.photos.at["/a.jpg"] = now
    shop.wait(hours=25)
    with caplog.at_level(logging.WARNING):
        assert photo_of(shop.find(*uris)) == sha256(RED)
    assert "The photo read from there before is used on" in caplog.text
    assert "signature" not in caplog.text
    shop.asked()
    shop.photos.at["/a.jpg"] = BLUE
    assert photo_of(shop.find(*uris)) == sha256(BLUE)  # asked for at once, for its check failed


def test_a_file_that_is_gone_changes_nothing(shop: Shop) -> None:
    (shop.folder / "hat.png").write_bytes(RED)
    shop.find("hat.png")
    (shop.folder / "hat.png").unlink()
    assert photo_of(shop.find("hat.png")) == sha256(RED)


def test_many_failures_are_warned_of_in_few_lines(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    urls = [shop.url(f"/{number}.jpg") for number in range(30)]
    shop.photos.at |= {f"/{number}.jpg": draw((number, 0, 0)) for number in range(30)}
    shop.library.find([(url,) for url in urls])
    shop.photos.at.clear()
    shop.wait(hours=25)
    with caplog.at_level(logging.WARNING):
        shop.library.find([(url,) for url in urls])
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 21
    assert "10 more photos" in warnings[-1]


def test_a_server_that_is_down_is_not_asked_for_every_photo(shop: Shop) -> None:
    shop.threads = 1
    shop.photos.at |= {f"/{number}.jpg": 503 for number in range(60)}
    urls = [shop.url(f"/{number}.jpg") for number in range(60)]
    found = shop.library.find([(url,) for url in urls])
    assert len(shop.asked()) == 50
    assert all(isinstance(photo, PhotoUnavailableError) for photo in found.values())
    assert "was not asked for, as 50 photos in a row" in str(found[(urls[-1],)])


# --- The store ------------------------------------------------------------------------------


def test_a_damaged_memory_is_made_anew(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.photos.at["/a.jpg"] = RED
    shop.find(shop.url("/a.jpg"))
    shop.store.put(PHOTOS_KEY, b"damaged", content_type="application/octet-stream")
    shop.asked()
    assert photo_of(shop.find(shop.url("/a.jpg"))) == sha256(RED)
    assert "is damaged" in caplog.text
    assert (shop.asked(), len(read_index(shop.store))) == (["/a.jpg"], 1)


def test_a_failure_of_the_store_does_not_forget_what_was_read(shop: Shop) -> None:
    shop.threads = 1
    shop.photos.at |= {"/a.jpg": RED, "/b.jpg": BLUE}
    whole = shop.store

    class Failing:
        def __getattr__(self, name: str) -> object:
            return getattr(whole, name)

        def put(self, key: str, *args: object, **options: object) -> str:
            if sha256(BLUE) in key:
                raise StoreError(key, "put", "the disk is full")
            return whole.put(key, *args, **options)  # type: ignore[arg-type]

    shop.store = Failing()  # type: ignore[assignment]
    with pytest.raises(StoreError, match="the disk is full"):
        shop.library.find([(shop.url("/a.jpg"),), (shop.url("/b.jpg"),)])
    assert [row.photo_sha256 for row in read_index(whole).values()] == [sha256(RED)]


def test_a_photo_that_is_in_no_store_is_told_with_what_to_do(shop: Shop) -> None:
    with pytest.raises(StoreError, match="it is gone; run again, so that it is read anew"):
        shop.library.read("0" * 64)
    shop.store.put(f"{photo_prefix()}{'1' * 64}.jpg", b"damaged", content_type="image/jpeg")
    with pytest.raises(StoreError, match="it is damaged; delete it and run again"):
        shop.library.read("1" * 64)


@pytest.mark.parametrize("photos", [1, 40])
def test_a_photo_that_is_gone_from_the_store_is_read_again(
    tmp_path: Path, shop: Shop, photos: int
) -> None:
    """Whether few are looked for one by one, or many by one listing."""
    shop.store = DirectoryStore(tmp_path / "photos-store")
    shop.photos.at |= {f"/{number}.jpg": draw((number, 0, 0)) for number in range(photos)}
    wanted = [(shop.url(f"/{number}.jpg"),) for number in range(photos)]
    shop.library.find(wanted)
    shop.asked()
    gone = sha256(draw((0, 0, 0)))
    (tmp_path / "photos-store" / photo_prefix() / f"{gone}.jpg").unlink()
    shop.library.find(wanted)
    assert shop.asked() == ["/0.jpg"]
    assert shop.library.read(gone).width_px == 40


CASES = Path(__file__).parents[4] / "shared" / "cases"


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the exports of ../shared/cases")
def test_the_photo_cells_of_the_shared_case_are_found(shop: Shop) -> None:
    avif = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(avif, "AVIF")
    shop.photos.at |= {"/a.jpg": RED, "/d.avif": avif.getvalue()}
    rows = (CASES / "photo_cells.template.csv").read_text("utf-8").replace("{B}", shop.site.url)
    products = {item.product_id: item for item in read_catalog(rows.encode(), "c.csv").products}
    for product_id in ("I-07", "I-08", "I-23"):
        assert photo_of(shop.find(products[product_id].image_url)) == sha256(RED)
    assert photo_of(shop.find(products["I-12"].image_url)) == sha256(avif.getvalue())
    assert shop.asked() == ["/a.jpg", "/a.jpg?v=17&width=900", "/d.avif"]


def test_of_a_damaged_photo_nothing_stays_in_memory(shop: Shop) -> None:
    """An error's frames would hold the file and what was unpacked of it, of each of thousands."""
    shop.photos.at["/hat.jpg"] = RED[: len(RED) // 2]
    found = shop.find(shop.url("/hat.jpg"))
    assert isinstance(found, PhotoUnusableError)
    assert (found.__traceback__, found.__context__) == (None, None)
