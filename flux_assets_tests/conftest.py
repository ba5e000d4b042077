pytest_plugins = [
    "flux_assets_tests.fixtures.simulators",
    "flux_assets_tests.fixtures.stores",
    "flux_assets_tests.fixtures.careless_s3",  # after stores, which it imports
    "flux_assets_tests.fixtures.odd_s3",  # as careless_s3
    "flux_assets_tests.fixtures.buyers",  # as careless_s3
    "flux_assets_tests.fixtures.s3_proxy",  # as careless_s3
    "flux_assets_tests.fixtures.redis_server",
    "flux_assets_tests.fixtures.postgres_server",
]
