import gc
import signal
from collections.abc import Generator

import pytest

pytest_plugins = [
    "flux_assets_tests.fixtures.power",  # the first, since others import it
    "flux_assets_tests.fixtures.homes",
    "flux_assets_tests.fixtures.simulators",
    "flux_assets_tests.fixtures.stores",
    "flux_assets_tests.fixtures.careless_s3",  # after stores, which it imports
    "flux_assets_tests.fixtures.odd_s3",  # as careless_s3
    "flux_assets_tests.fixtures.buyers",  # as careless_s3
    "flux_assets_tests.fixtures.s3_proxy",  # as careless_s3
    "flux_assets_tests.fixtures.redis_server",
    "flux_assets_tests.fixtures.postgres_server",
]


def pytest_configure() -> None:
    # A script starts what it puts into the background deaf to SIGINT, and Dagster then to SIGTERM.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()  # tests and all that they import come by the million objects, and none is garbage
    result = yield
    gc.freeze()
    gc.enable()
    return result
