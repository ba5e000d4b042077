"""A real proxy between the public and the store takes the mark away, and is named."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from flux_assets.publishing.public import look_at_public
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.public import CHANNELS, publish_shop, serving_files
from flux_assets_tests.fixtures.sites import Serve, open_sites
from flux_assets_tests.fixtures.thumbor_server import running_thumbor

pytestmark = pytest.mark.slow


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as serve:
        yield serve


@pytest.mark.parametrize(
    ("settings", "address", "told"),
    [
        (("PRESERVE_EXIF_INFO = True",), "unsafe", "the AI mark is gone"),
        ((), "unsafe/filters:format(webp)", "webp instead of jpg"),
        ((), "unsafe/40x40", "40 x 40 instead of 150 x 150 pixels"),
    ],
)
def test_what_thumbor_changes_is_named_with_its_server(
    tmp_path: Path, serve: Serve, settings: tuple[str, ...], address: str, told: str
) -> None:
    store = DirectoryStore(tmp_path / "store")
    files = serve(serving_files(Path(store.uri)))
    with running_thumbor(tmp_path, *settings) as proxy:
        channels = publish_shop(store, f"{proxy}/{address}/{files.url}", CHANNELS)
        [found] = look_at_public(store, channels, Random(1))  # noqa: S311 - it chooses files
    assert len(found.problems) == found.looked_at == 10
    assert {it.fault for it in found.problems} == {"stripped"}
    assert any(told in it.problem for it in found.problems)
    assert all("(Server: Thumbor/" in it.problem for it in found.problems)
