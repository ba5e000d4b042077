import shutil
from contextlib import chdir
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.review import (
    Page,
    ReviewShop,
    make_review_shop,
    open_review_shop,
)
from flux_assets_tests.fixtures.review_pages import Reviewed, fill_shop


@pytest.fixture(scope="session")
def made_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that no test changes; to be copied."""
    folder = tmp_path_factory.mktemp("made")
    with chdir(folder):
        make_review_shop(folder)
    return folder


@pytest.fixture
def shop(made_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewShop:
    shutil.copytree(made_shop, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return open_review_shop(tmp_path)


@pytest.fixture
def page(shop: ReviewShop) -> Page:
    return shop.open()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    """A shop of 120 published pictures, of which nobody has decided anything; to be copied."""
    return fill_shop(tmp_path_factory.mktemp("filled") / "shop")
