"""What the Dagster UI takes to open in Chromium, by the number of partitions.

Every visit is a new visitor's, whose browser has nothing cached: seconds from the navigation until
the numbers or the product looked for are on the page. The first visit of all has a row of its own,
as Dagster then counts the partitions of an asset, and keeps the count.
"""

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode

from playwright.sync_api import Browser, Locator, Page, ViewportSize, sync_playwright

from dagster_dev import CODE_LOCATION, WEB_SERVER, dagster_dev
from figures import ROUNDS, Figure, run_alone
from servers import simulator
from shops import PROJECT, Shop, open_filled_shop

PRODUCTS = 100_000
SIZES = (1_000, 10_000, PRODUCTS)

_CHROMIUM = shutil.which("chromium")
_CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu"]  # as root, in a container
_SCREENSHOT = PROJECT / "docs" / f"ui-{PRODUCTS}-partitions.png"
_PARTITIONS_PATH = "/assets/images/hero?view=partitions"
_PATIENCE_SECONDS = 300
_MEBIBYTE = 2**20
_SHOTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """A page, and what shows that it is all there."""

    name: str
    path: str
    find: Callable[[Page], Locator]
    size_px: tuple[int, int] = (1400, 900)


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds and memory at each size, of shops filled for it."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as base_url:
        for products in (200,) if quick else SIZES:
            shop = open_filled_shop(Path(name) / f"shop-{products}", base_url, products=products)
            shop.refresh()
            figures += measure_shop(shop, products=products, quick=quick)
    return figures


def measure_shop(shop: Shop, *, products: int, quick: bool) -> Sequence[Figure]:
    """The same, of a filled shop of so many products whose pages nobody has visited yet.

    Without a Chromium there are no figures, and standard error says so.
    """
    if _CHROMIUM is None:
        print("the UI is not measured: install Debian's chromium", file=sys.stderr)
        return []
    views = _build_views(products)
    what = f"the UI at {products:,} partitions"
    with (
        dagster_dev(shop.folder, shop.environ) as dagster,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=_CHROMIUM, args=_CHROMIUM_FLAGS) as browser,
    ):
        first = _visit(browser, dagster.url, views[0])
        rounds = [
            [_visit(browser, dagster.url, view) for view in views]
            for _ in range(1 if quick else ROUNDS)
        ]
        if products == PRODUCTS:
            _visit(browser, dagster.url, views[0], screenshot=_SCREENSHOT)
        peak_bytes = dagster.peak_bytes(*WEB_SERVER, *CODE_LOCATION)
    return [
        Figure(name=f"{what}: {views[0].name}, the first time", unit="s", ours=first),
        *(
            Figure(name=f"{what}: {view.name}", unit="s", ours=statistics.median(seconds))
            for view, *seconds in zip(views, *rounds, strict=True)
        ),
        Figure(
            name=f"{what}: peak memory of web server and code location",
            unit="MiB",
            ours=peak_bytes / _MEBIBYTE,
        ),
    ]


def _build_views(products: int) -> Sequence[_View]:
    """The partitions of a shot, one product among them, and the graph of all assets."""
    product_id = f"P-{products // 2:06d}"
    groups = ",".join(f"global@global:{group}" for group in ("catalog", "images"))
    return [
        _View(
            name="the page of a shot's partitions",
            path=_PARTITIONS_PATH,
            find=lambda page: page.get_by_text(f"Materialized ({products})"),
        ),
        _View(
            name="one product there, with its picture's metadata",
            path=f"{_PARTITIONS_PATH}&partition={product_id}",
            find=lambda page: (
                page.locator("tr")
                .filter(has=page.get_by_role("cell", name="product_id", exact=True))
                .filter(has_text=product_id)
            ),
        ),
        _View(
            name="the asset graph",
            path=f"/asset-groups?{urlencode({'expanded': groups})}",
            find=lambda page: page.get_by_text("100% filled").nth(_SHOTS - 1),
            size_px=(2800, 1800),  # a smaller graph is drawn without numbers
        ),
    ]


def _visit(browser: Browser, url: str, view: _View, *, screenshot: Path | None = None) -> float:
    """Open a page as a new visitor; gives the seconds until it is all there."""
    width, height = view.size_px
    viewport = ViewportSize(width=width, height=height)
    with browser.new_context(base_url=url, viewport=viewport) as context:
        context.set_default_timeout(_PATIENCE_SECONDS * 1000)
        page = context.new_page()
        began = monotonic()
        page.goto(view.path, wait_until="commit")
        view.find(page).wait_for()
        seconds = monotonic() - began
        if screenshot:
            page.screenshot(path=screenshot, animations="disabled")
        return seconds


if __name__ == "__main__":
    run_alone(measure, __doc__)
