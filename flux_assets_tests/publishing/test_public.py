"""What the public gets is held against the newest edition, by real local servers."""

import io
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from PIL import Image

from flux_assets.publishing.editions import read_last_edition
from flux_assets.publishing.public import PublicLook, choose_files, look_at_public
from flux_assets.publishing.public_fetch import fetch_as_stranger
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.public import (
    CHANNELS,
    COLORS,
    publish_shop,
    saved_again,
    serving_files,
)
from flux_assets_tests.fixtures.sites import Answer, Request, Serve, build_tls, open_sites


def chance(seed: int = 1) -> Random:
    return Random(seed)  # noqa: S311 - it chooses files


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as serve:
        yield serve


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


Look = Callable[[Answer], PublicLook]


@pytest.fixture
def look(store: DirectoryStore, serve: Serve) -> Look:
    """What is seen where a server answers like this."""

    def look_at(answer: Answer) -> PublicLook:
        channels = publish_shop(store, serve(answer).url)
        [found] = look_at_public(store, channels, chance())
        return found

    return look_at


def changing(store: DirectoryStore, change: Callable[[bytes], bytes], **headers: str) -> Answer:
    """A server between the public and the store, which gives what it makes of the files."""

    def answer(request: Request) -> None:
        data = store.get(request.path.lstrip("/")).data
        request.give(200, change(data), **headers)

    return answer


def test_files_that_come_as_they_lie_in_the_store_are_right(
    store: DirectoryStore, look: Look
) -> None:
    found = look(serving_files(Path(store.uri)))
    assert (found.channel, found.number, found.looked_at) == ("google", 1, 2 * len(COLORS))
    assert not found.problems
    assert found.describe() == "10 files of edition 1 come as they lie in the store"


def test_neither_cookie_nor_password_nor_signature_goes_along(
    store: DirectoryStore, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "invented")
    site = serve(changing(store, lambda data: data, Set_Cookie="a=b"))
    channels = publish_shop(store, site.url.replace("http://", "http://me:secret@"))
    [found] = look_at_public(store, channels, chance())
    assert not found.problems
    assert len(site.received) == 2 * found.looked_at
    for name in ("Authorization", "Cookie", "Proxy-Authorization", "X-Amz-Date", "Referer"):
        assert set(site.received_header(name)) == {None}


@pytest.mark.parametrize(
    ("change", "fault", "told"),
    [
        (saved_again, "stripped", "the AI mark is gone"),
        (lambda data: saved_again(data, "WEBP"), "stripped", "webp instead of "),
        (lambda data: saved_again(data, "AVIF"), "stripped", "avif instead of "),
        (lambda data: saved_again(data, "GIF"), "stripped", "gif instead of "),
        (lambda data: data + b"\0", "changed", "the AI mark is still there"),
        (
            lambda data: data.replace(b"trainedAlgorithmic", b"compositeCapture__"),
            "stripped",
            "the AI mark says 'compositeCapture__Media'",
        ),
        (lambda _: b"<html>Please log in</html>", "hidden", "a page, as for logging in"),
        (lambda _: b"", "hidden", "gives no bytes at all"),
        (lambda _: b"Hello", "hidden", "5 bytes that are no picture"),
        (lambda _: bytes(33 * 1024 * 1024), "hidden", "more than 33,554,432 bytes"),
    ],
)
def test_what_changes_the_files_is_named_with_what_differs(
    store: DirectoryStore, look: Look, change: Callable[[bytes], bytes], fault: str, told: str
) -> None:
    found = look(changing(store, change, Via="1.1 shop-cdn (Optimiser/3)"))
    assert {it.fault for it in found.problems} == {fault}
    assert len(found.problems) == found.looked_at
    line = found.describe()
    assert line.startswith("10 of 10 files of edition 1 do not come as they lie in the store: ")
    assert told in line
    assert "Via: 1.1 shop-cdn (Optimiser/3)" in line
    assert "product '" in line


def test_a_resized_picture_is_told_with_both_sizes(store: DirectoryStore, look: Look) -> None:
    def halve(data: bytes) -> bytes:
        with Image.open(io.BytesIO(data)) as image:
            buffer = io.BytesIO()
            image.convert("RGB").resize((30, 30)).save(buffer, image.format)
        return buffer.getvalue()

    found = look(changing(store, halve))
    assert any("30 x 30 instead of 150 x 150 pixels" in it.problem for it in found.problems)
    assert all("no optimising, resizing or conversion" in it.problem for it in found.problems)
    assert all(it.is_severe for it in found.problems)


def test_what_is_converted_only_for_those_who_take_webp_is_found(
    store: DirectoryStore, look: Look
) -> None:
    def answer(request: Request) -> None:
        data = store.get(request.path.lstrip("/")).data
        takes_webp = "image/webp" in request.headers["Accept"]
        request.give(200, saved_again(data, "WEBP") if takes_webp else data)

    found = look(answer)
    assert len(found.problems) == found.looked_at
    assert all(it.problem.startswith("for browsers it comes changed") for it in found.problems)
    assert {it.fault for it in found.problems} == {"stripped"}


@pytest.mark.parametrize(
    ("status", "fault", "told"),
    [
        (401, "hidden", "the public may not read it, HTTP 401"),
        (403, "hidden", "deploy/bucket-policy-public.json"),
        (404, "hidden", "FLUX_ASSETS_PUBLIC_URL must lead to the store's prefix"),
        (410, "hidden", "nothing is there, HTTP 410"),
        (416, "hidden", "gives no picture, HTTP 416"),
        (429, "unreachable", "try again later"),
        (503, "unreachable", "cannot give it now, HTTP 503"),
    ],
)
def test_each_refusal_says_what_to_do(look: Look, status: int, fault: str, told: str) -> None:
    found = look(lambda request: request.give(status, b"<html/>"))
    assert {it.fault for it in found.problems} == {fault}
    assert told in found.describe()


def test_a_login_page_behind_a_redirect_is_taken_for_one(look: Look, serve: Serve) -> None:
    login = serve(lambda request: request.give(200, b"<!doctype html>", Content_Type="text/html"))
    found = look(lambda request: request.give(302, Location=f"{login.url}/login?next=a"))
    assert "a page, as for logging in" in found.describe()


def test_a_redirect_to_the_same_file_is_followed(
    store: DirectoryStore, look: Look, serve: Serve
) -> None:
    files = serve(serving_files(Path(store.uri)))
    found = look(lambda request: request.give(301, Location=f"{files.url}{request.path}"))
    assert not found.problems


def test_a_circle_of_redirects_ends(look: Look) -> None:
    found = look(lambda request: request.give(302, Location=request.path))
    assert {it.fault for it in found.problems} == {"hidden"}
    assert "is redirected more than 3 times" in found.describe()


def test_a_redirect_from_the_internet_into_a_private_network_is_not_followed(
    store: DirectoryStore, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = serve(lambda request: request.give(200, b"secret"))
    proxy = serve(lambda request: request.give(302, Location=f"{inside.url}/meta?token=abc"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy.url)
    channels = publish_shop(store, "http://pictures.example")
    [found] = look_at_public(store, channels, chance())
    assert {it.fault for it in found.problems} == {"hidden"}
    assert f"is redirected to {inside.url}/meta, in a private network" in found.describe()
    assert "abc" not in found.describe()
    assert (inside.received, len(proxy.received)) == ([], found.looked_at)


def test_a_redirect_away_from_https_is_not_followed(
    store: DirectoryStore, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context, trusted = build_tls(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    plain = serve(serving_files(Path(store.uri)))
    site = serve(lambda request: request.give(301, Location=f"{plain.url}{request.path}"), context)
    [found] = look_at_public(store, publish_shop(store, site.url), chance())
    assert "redirect to https" in found.describe()
    assert plain.received == []


def test_a_certificate_that_nobody_trusts_is_told(
    store: DirectoryStore, serve: Serve, tmp_path: Path
) -> None:
    context, _ = build_tls(tmp_path)
    site = serve(serving_files(Path(store.uri)), context)
    [found] = look_at_public(store, publish_shop(store, site.url), chance())
    assert {it.fault for it in found.problems} == {"unreachable"}
    assert "does not trust the certificate of 127.0.0.1" in found.describe()


def test_nobody_there_is_told_and_is_not_severe(store: DirectoryStore) -> None:
    [found] = look_at_public(store, publish_shop(store, "http://127.0.0.1:9"), chance())
    assert "nothing answers at 127.0.0.1:9" in found.describe()
    assert not any(it.is_severe for it in found.problems)


def test_a_server_that_drips_is_waited_for_only_so_long(
    store: DirectoryStore, serve: Serve
) -> None:
    def drip(request: Request) -> None:
        request.send_response(200)
        request.end_headers()
        request.drip(b"x")

    channels = publish_shop(store, serve(drip).url)
    [found] = look_at_public(
        store,
        channels,
        chance(),
        fetch=lambda url, accept: fetch_as_stranger(url, accept=accept, timeout_seconds=0.2),
    )
    assert {it.fault for it in found.problems} == {"unreachable"}
    assert "was not complete after 0.2 seconds" in found.describe()


def test_the_whole_look_ends_after_two_minutes(store: DirectoryStore, serve: Serve) -> None:
    site = serve(serving_files(Path(store.uri)))
    times = iter([0.0])
    lock = threading.Lock()

    def monotonic() -> float:
        with lock:
            return next(times, math.inf)

    clock = SimpleNamespace(monotonic=monotonic)
    channels = publish_shop(store, site.url)
    [found] = look_at_public(store, channels, chance(), clock=clock)
    assert "was not looked at: 120 seconds were over" in found.describe()
    assert site.received == []


def test_sample_pictures_are_said_to_be_samples_and_not_fetched(store: DirectoryStore) -> None:
    channels = publish_shop(store, "https://pictures.invalid/shoes")

    def fetch(url: str, **_: object) -> None:
        pytest.fail(f"{url} was fetched")

    [found] = look_at_public(store, channels, chance(), fetch=fetch)  # type: ignore[arg-type]
    assert (found.is_sample, found.looked_at) == (True, 0)
    assert "sample pictures, at https://pictures.invalid: not fetched" in found.describe()


def test_a_channel_without_an_edition_says_so(store: DirectoryStore) -> None:
    channels = publish_shop(store, "http://127.0.0.1:9", CHANNELS.replace("[hero]", "[wide]"))
    [found] = look_at_public(store, channels, chance())
    assert found.describe() == "has no edition yet; `flux-assets publish` makes one"


def test_a_file_that_two_channels_show_is_fetched_once(store: DirectoryStore, serve: Serve) -> None:
    site = serve(serving_files(Path(store.uri)))
    google = CHANNELS[CHANNELS.index("  google:") :]
    both = CHANNELS + google.replace("google:", "web:").replace("google_tsv", "jsonl")
    found = look_at_public(store, publish_shop(store, site.url, both), chance())
    assert [it.looked_at for it in found] == [10, 10]
    assert len(site.received) == 20  # each for two kinds of readers


def test_files_are_chosen_by_chance_and_each_once(store: DirectoryStore) -> None:
    publish_shop(store, "http://127.0.0.1:9")
    edition = read_last_edition(store, "google")
    assert edition is not None
    chosen = [{it.url for it in choose_files(edition, chance(seed), 4)} for seed in range(20)]
    assert {len(it) for it in chosen} == {4}
    assert len(set().union(*chosen)) == 10
    assert choose_files(edition, chance(7), 4) == choose_files(edition, chance(7), 4)
    assert len(choose_files(edition, chance(7))) == 10
