import gc

import pytest

from flux_assets.defs.full_collections import put_off_full_collections


def test_full_collections_are_put_off_until_the_last_block_ends() -> None:
    before = gc.get_threshold()
    with put_off_full_collections():
        with put_off_full_collections():
            assert gc.get_threshold()[:2] == before[:2]
        assert gc.get_threshold()[2] > 1_000_000
    assert gc.get_threshold() == before


def test_a_block_that_fails_leaves_nothing_put_off() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="no catalog"), put_off_full_collections():
        raise ValueError("no catalog")
    assert gc.get_threshold() == before
