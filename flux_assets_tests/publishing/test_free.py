import json
import subprocess
import sys

_LOAD_ALL = """
import importlib, json, pkgutil, sys
import flux_assets.publishing as room
for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
    importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


def test_publishing_loads_nothing_that_could_spend() -> None:
    loaded = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _LOAD_ALL], capture_output=True, check=True, timeout=120
    )
    modules = set(json.loads(loaded.stdout))
    assert "flux_assets.publishing.renditions" in modules
    spending = (
        *("flux_assets.buying", "flux_assets.bill.daily_limit", "flux_assets.bill.credits"),
        *("flux_assets.image_api.client", "flux_assets.image_api.transport", "dagster"),
    )
    assert [name for name in modules if name.startswith(spending)] == []
