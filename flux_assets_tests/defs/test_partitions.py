import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from flux_assets.defs.names import Names
from flux_assets.defs.partitions import add_products

SQLITE_VARIABLES = 10_500
"""Lower than the 32,766 of a stock SQLite, so that the test is quick."""


@pytest.fixture
def small_statements() -> Iterator[None]:
    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, SQLITE_VARIABLES)

    event.listen(Engine, "connect", limit)
    yield
    event.remove(Engine, "connect", limit)


@pytest.mark.usefixtures("small_statements")
def test_more_products_than_a_statement_takes_variables_become_partitions(tmp_path: Path) -> None:
    product_ids = [f"P-{number}" for number in range(SQLITE_VARIABLES + 1)]
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        assert add_products(instance, Names(), product_ids) == (len(product_ids), 0)
        assert add_products(instance, Names(), [*product_ids[1:], "P-new"]) == (1, 1)
        assert set(instance.get_dynamic_partitions("products")) == {*product_ids, "P-new"}
