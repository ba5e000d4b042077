from pathlib import Path

import pytest

from flux_assets_tests.fixtures.review import Page, ReviewShop, make_review_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewShop:
    monkeypatch.chdir(tmp_path)
    return make_review_shop(tmp_path)


@pytest.fixture
def page(shop: ReviewShop) -> Page:
    return shop.open()
