"""How much is done at once."""

import os
from pathlib import Path

import pytest

from flux_assets.storage import parallel
from flux_assets.storage.parallel import count_cores, map_on_cores


def test_a_system_that_does_not_tell_which_cores_are_ours_is_used_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parallel, "_QUOTA", Path("none"))
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert count_cores() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_cores() == 1
    assert list(map_on_cores(str, range(5))) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        *(("150000 100000\n", 2), ("100000 100000\n", 1), ("20000 100000\n", 1)),
        *(("max 100000\n", 8), ("9900000 100000\n", 8), ("", 8), (None, 8)),
    ],
)
def test_a_container_has_no_more_cores_than_its_quota(
    quota: str | None, cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(parallel, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert count_cores() == cores
