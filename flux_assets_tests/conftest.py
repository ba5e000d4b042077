pytest_plugins = [
    "flux_assets_tests.fixtures.simulators",
    "flux_assets_tests.fixtures.stores",
]
