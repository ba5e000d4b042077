"""A damaged line among others costs no other product; a file that ends within one is refused."""

import pytest

from flux_assets.catalog import read_catalog
from flux_assets.errors import CatalogError

GOOD = '{"sku": "1", "name": "Mug"}'
LAST = '{"sku": "3", "name": "Hat"}'


@pytest.mark.parametrize(
    "line",
    [
        '{"sku": "2", "name": "Cap"',
        '{"sku": "2", "name": "Cap}',
        '{"sku": "2", "name": Cap}',
        '{"sku": "2" "name": "Cap"}',
        "{sku: 2}",
        '{"sku": "2", "name": "A "big" cap"}',
        "oops",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_damaged_line_is_rejected_alone(line: str, end: str) -> None:
    catalog = read_catalog(end.join((GOOD, line, LAST)).encode(), "export.jsonl")
    assert [it.product_id for it in catalog.products] == ["1", "3"]
    (rejected,) = catalog.rejected_rows
    assert (rejected.line, rejected.reason) == (2, "malformed_row")
    assert "write one whole object on each line" in rejected.message
    assert catalog.rows == 3


@pytest.mark.parametrize("text", [f'{GOOD}\n{{"sku"', f"{GOOD}\n{LAST[:-1]}", f"{GOOD}\n{LAST}\nx"])
def test_a_file_that_ends_within_a_line_is_refused(text: str) -> None:
    with pytest.raises(CatalogError, match="cut off or damaged here"):
        read_catalog(text.encode(), "export.jsonl")
