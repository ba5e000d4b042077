import gc
import os
import resource
import tempfile
from pathlib import Path

import pytest

from flux_assets.storage.part_cache import PartCache


def test_what_was_kept_is_found_again() -> None:
    cache = PartCache()
    parts = {f"{number:064x}": os.urandom(number) for number in (1, 70_000, 3)}
    for sha256, data in parts.items():
        assert cache.find(sha256) is None
        cache.keep(sha256, data)
        cache.keep(sha256, data)
    assert {sha256: cache.find(sha256) for sha256 in parts} == parts


def test_nothing_is_left_on_the_disk_and_no_file_is_open_once_nobody_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache = PartCache()
    cache.keep("a", b"part")
    assert [*tmp_path.iterdir()] == []
    file = cache._file
    assert file is not None
    del cache
    gc.collect()
    assert file.closed


def test_a_disk_without_room_is_as_if_nothing_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    cache = PartCache()
    cache.keep("a", b"part")
    assert cache.find("a") is None


def test_before_the_file_grows_too_large_all_is_forgotten() -> None:
    cache = PartCache(most_bytes=10)
    for name in ("a", "b", "c"):
        cache.keep(name, name.encode() * 4)
    assert [cache.find(name) for name in ("a", "b", "c")] == [None, None, b"cccc"]
    cache.keep("d", b"dddd")
    assert (cache.find("c"), cache.find("d")) == (b"cccc", b"dddd")


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_a_disk_that_is_full_by_now_leaves_what_was_kept_and_keeps_no_more(size: int) -> None:
    parts = {name: name.encode() * size for name in ("a", "b", "c")}
    cache = PartCache()
    cache.keep("a", parts["a"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 2, limits[1]))
        cache.keep("b", parts["b"])
        found = [cache.find(name) for name in ("a", "b")]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    cache.keep("c", parts["c"])
    assert [*found, cache.find("c")] == [parts["a"], None, parts["c"]]
