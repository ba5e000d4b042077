"""How much is done at once."""

import os

import pytest

from flux_assets.storage.parallel import count_cores, map_on_cores


def test_a_system_that_does_not_tell_which_cores_are_ours_is_used_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert count_cores() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_cores() == 1
    assert list(map_on_cores(str, range(5))) == ["0", "1", "2", "3", "4"]
