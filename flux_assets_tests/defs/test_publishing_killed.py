"""A refresh that is killed while it renders or publishes; the next one makes all of it good."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flux_assets.publishing.editions import list_newest
from flux_assets.publishing.rendition_table import open_renditions
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.command_line import COMMAND, Workplace, make_workplace

pytestmark = pytest.mark.slow

PRODUCTS = 60
CHANNELS = """\
profiles:
  big: {width_px: 140, height_px: 140}
  small: {width_px: 60, height_px: 60, format: webp}
channels:
"""
CHANNEL = """\
  {name}:
    feed: {{format: {format}}}
    slots:
      main: {{shots: [hero], profile: big, also: [small]}}
"""
FEEDS = {"google": "google_tsv", "meta": "meta_csv", "shop": "shopify_csv", "web": "jsonl"}
FILES = 3 * PRODUCTS
ENVIRON = {
    "FLUX_ASSETS_CATALOG": "data/many.csv",
    "FLUX_ASSETS_SHOTS": "data/one.yaml",
    "FLUX_ASSETS_SHARD_SIZE": "30",
}
_PATIENCE_SECONDS = 240


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """All pictures are bought, and none was published yet."""
    workplace = make_workplace(tmp_path / "project")
    data = workplace.folder / "data"
    rows = [f"{number:03},Chair no. {number}" for number in range(PRODUCTS)]
    (data / "many.csv").write_text("\n".join(["product_id,title", *rows]))
    (data / "one.yaml").write_text('shots: {hero: {prompt: "{{ title }}"}}')
    channels = (CHANNEL.format(name=name, format=it) for name, it in FEEDS.items())
    (data / "four.yaml").write_text("".join([CHANNELS, *channels]))
    assert workplace.run("refresh", **ENVIRON).exit_code == 0
    assert len(workplace.pictures()) == PRODUCTS
    return workplace


def kill_refresh_once(workplace: Workplace, is_time: Callable[[], bool], **environ: str) -> None:
    """Run a refresh, and kill it with all its processes as soon as it is time."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [str(COMMAND), "refresh"],
        cwd=workplace.folder,
        env=workplace.environ(environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        pause = threading.Event()
        for _ in range(_PATIENCE_SECONDS * 50):
            if is_time() or process.poll() is not None:
                break
            pause.wait(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"


def put_files(workplace: Workplace, below: str) -> dict[Path, tuple[int, int]]:
    """What lies below a prefix; a file that is put again is another one, or of another time."""
    found = workplace.store.glob(f"publishing/{below}**/*")
    files = ((path, path.stat()) for path in found if path.is_file())
    return {path: (at.st_ino, at.st_mtime_ns) for path, at in files if path.name[0] != "."}


@pytest.mark.parametrize(
    ("executor", "moment"),
    [("in_process", "rendering"), ("in_process", "publishing"), ("multiprocess", "rendering")],
)
def test_the_next_run_makes_good_what_a_kill_cut_off_and_puts_no_picture_again(
    workplace: Workplace, executor: str, moment: str
) -> None:
    environ = {
        **ENVIRON,
        "FLUX_ASSETS_CHANNELS": "data/four.yaml",
        "FLUX_ASSETS_EXECUTOR": executor,
    }
    editions = workplace.store / "publishing" / "feeds"
    is_time = {
        "rendering": lambda: len(put_files(workplace, "renditions/")) >= FILES // 4,
        "publishing": lambda: any(editions.glob("*/editions/*.parquet")),
    }[moment]
    kill_refresh_once(workplace, is_time, **environ)
    store = DirectoryStore(workplace.store)
    if moment == "rendering":
        assert open_renditions(store) is None, "it was killed before its end"
    before = put_files(workplace, "renditions/")
    assert FILES // 4 <= len(before) <= FILES

    assert workplace.run("refresh", **environ).exit_code == 0
    after = put_files(workplace, "renditions/")
    assert len(after) == FILES
    assert {path: after[path] for path in before} == before
    assert list_newest(store) == dict.fromkeys(FEEDS, 1)
    for channel in FEEDS:
        lines = (editions / f"{channel}.jsonl").read_text("utf-8").splitlines()
        assert len(lines) == PRODUCTS
    feeds = put_files(workplace, "feeds/")

    assert workplace.run("refresh", **environ).exit_code == 0
    assert put_files(workplace, "renditions/") == after
    assert put_files(workplace, "feeds/") == feeds
    assert len(workplace.pictures()) == PRODUCTS
