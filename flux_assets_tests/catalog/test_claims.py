"""What is left of a title where white space stands for a claim."""

import pytest

from flux_assets.catalog.claims import is_claim
from flux_assets.catalog.decoration import undress, undress_title

BLANKS = ["\t", "\u00a0", "\u3000", "\u2003", " \t ", "!\u00a0!"]


@pytest.mark.parametrize("blank", BLANKS)
def test_white_space_is_no_claim(blank: str) -> None:
    assert not is_claim(blank)


@pytest.mark.parametrize("blank", BLANKS[:-1])
@pytest.mark.parametrize("form", ["Lamp - {}", "{} - Lamp", "Lamp | {}", "Lamp ({})", "*{}* Lamp"])
def test_a_title_with_nothing_beside_its_sign_is_read(form: str, blank: str) -> None:
    for read in (undress, undress_title):
        assert "Lamp" in read(form.format(blank))
