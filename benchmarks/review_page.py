"""What the review page takes to open in Chromium, by the number of pictures.

Every visit is a new visitor's, whose browser has nothing cached: seconds from the navigation until
the first card has its picture, and until all that can be seen have; then, on the page that is
open, until a filter and a jump to its middle show their pictures.
"""

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import requests
from playwright.sync_api import Browser, Page, sync_playwright

from figures import ROUNDS, Figure, run_alone
from processes import clean_environ, command_of
from servers import simulator
from shops import Shop, open_filled_shop

PRODUCTS = 100_000
SHOTS = 3

_CHROMIUM = shutil.which("chromium")
_CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu"]  # as root, in a container
_PATIENCE_SECONDS = 300
_LOOK_MS = 10
_ROWS = (
    "the first card with its picture",
    "all pictures that can be seen",
    "a filter",
    "a jump to the middle",
)
_SEEN = """() => [...document.querySelectorAll(".card")].filter(card => {
    const {top, bottom} = card.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
})"""
_HAVE_PICTURES = f"""() => {{
    const seen = ({_SEEN})();
    const isThere = card => !card.matches(".loading") && card.querySelector("img").naturalWidth;
    return [seen.some(isThere), seen.length > 0 && seen.every(isThere)];
}}"""


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds of a shop filled for it."""
    products = 200 if quick else PRODUCTS
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as base_url:
        shop = open_filled_shop(Path(name) / "shop", base_url, products=products)
        return measure_shop(shop, products=products, quick=quick)


def measure_shop(shop: Shop, *, products: int, quick: bool) -> Sequence[Figure]:
    """The same, of a filled shop of so many products.

    Without a Chromium there are no figures, and standard error says so.
    """
    if _CHROMIUM is None:
        print("the review page is not measured: install Debian's chromium", file=sys.stderr)
        return []
    with (
        _review(shop) as url,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=_CHROMIUM, args=_CHROMIUM_FLAGS) as browser,
    ):
        _visit(browser, url)  # what the server reads once is no visitor's
        rounds = [_visit(browser, url) for _ in range(1 if quick else ROUNDS)]
    what = f"the review page of {products * SHOTS:,} pictures"
    return [
        Figure(name=f"{what}: {name}", unit="s", ours=statistics.median(seconds))
        for name, *seconds in zip(_ROWS, *rounds, strict=True)
    ]


def _visit(browser: Browser, url: str) -> tuple[float, ...]:
    """Seconds of each of the rows."""
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        page = context.new_page()
        began = monotonic()
        page.goto(url, wait_until="commit")
        first = _wait(page, began, 0)
        seen = _wait(page, began, 1)
        page.locator("#panel .count").first.wait_for()
        filtered = _act(page, 'sheet.address.toggle("shot", "hero")')
        jumped = _act(page, "scrollTo(0, document.documentElement.scrollHeight / 2)")
        return first, seen, filtered, jumped


def _act(page: Page, script: str) -> float:
    """Do something; gives the seconds until all that can then be seen is there."""
    began = monotonic()
    page.evaluate(f"async () => {{ {script}; await new Promise(requestAnimationFrame); }}")
    return _wait(page, began, 1)


def _wait(page: Page, began: float, which: int) -> float:
    """Until the first (0) or each (1) of the pictures that can be seen is there."""
    while not page.evaluate(_HAVE_PICTURES)[which]:
        if monotonic() - began > _PATIENCE_SECONDS:
            sys.exit("the review page shows no pictures")
        page.wait_for_timeout(_LOOK_MS)
    return monotonic() - began


@contextmanager
def _review(shop: Shop) -> Iterator[str]:
    """Serve the shop's review page; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        (shop.folder / "review.log").open("wb") as log,
        subprocess.Popen(
            [command_of("flux-assets"), "review", "--port", str(port)],
            cwd=shop.folder,
            env=clean_environ(shop.environ),
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}/"
            _wait_until_served(process, url)
            yield url
        finally:
            process.kill()


def _wait_until_served(process: "subprocess.Popen[bytes]", url: str) -> None:
    began = monotonic()
    while process.poll() is None and monotonic() - began < _PATIENCE_SECONDS:
        try:
            requests.get(f"{url}healthz", timeout=_PATIENCE_SECONDS).raise_for_status()
        except requests.ConnectionError:
            sleep(_LOOK_MS / 1000)
        else:
            return
    sys.exit("the review page is not served; see review.log in the shop's folder")


if __name__ == "__main__":
    run_alone(measure, __doc__)
