"""What `flux-assets check` looks at, one after the other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from uuid import uuid4

from rich.markup import escape

from flux_assets.commands.checks.account import check_api, check_key, check_mode
from flux_assets.commands.checks.channels import check_channels
from flux_assets.commands.checks.finding import Check, Finding, run_checks
from flux_assets.commands.checks.inputs import check_inputs
from flux_assets.commands.checks.instance import check_instance
from flux_assets.commands.checks.photos import check_photos
from flux_assets.commands.checks.public import check_public
from flux_assets.commands.checks.purchase import buy_one
from flux_assets.commands.checks.shown import check_shown
from flux_assets.commands.checks.store import check_store
from flux_assets.commands.component import find_settings
from flux_assets.commands.people import people
from flux_assets.commands.shop import open_shop, read_names
from flux_assets.defs.automation import check_schedule
from flux_assets.defs.component_values import ComponentError
from flux_assets.errors import SettingsError
from flux_assets.settings import Settings


def find(found: Sequence[Finding], *, buys: bool, looks_from_outside: bool) -> Iterator[Finding]:
    """Every finding; `found` is what the caller keeps of them."""
    try:
        settings = find_settings()
        check_schedule(settings)
    except (SettingsError, ComponentError) as error:
        yield Finding(name="settings", verdict="problem", detail=str(error))
        return
    run_id = f"check-{uuid4().hex}"
    yield from run_checks(_checks(settings, run_id))
    if looks_from_outside:
        outside = {"public": partial(check_public, settings)}
        yield from run_checks({**outside, "public files": partial(check_shown, settings)})
    if buys and is_ok(found):
        yield from run_checks({"purchase": partial(_buy_one, settings, run_id)})
    elif buys:
        detail = "nothing was bought: first mend what is a problem"
        yield Finding(name="purchase", verdict="problem", detail=detail)


def is_ok(findings: Iterable[Finding]) -> bool:
    """Whether nothing is a problem."""
    return all(finding.verdict != "problem" for finding in findings)


def _checks(settings: Settings, run_id: str) -> Mapping[str, Check]:
    return {
        "mode": partial(check_mode, settings),
        "key": partial(check_key, settings),
        "api": partial(check_api, settings),
        "inputs": partial(check_inputs, settings),
        "photos": partial(check_photos, settings),
        "channels": partial(check_channels, settings),
        "store": partial(check_store, settings, run_id),
        "dagster": partial(_check_dagster, settings),
    }


def _check_dagster(settings: Settings) -> Iterable[Finding]:
    is_rate_shared = not settings.is_sample and settings.rate_limiter is not None
    return check_instance(read_names(settings), is_rate_shared=is_rate_shared)


def _buy_one(settings: Settings, run_id: str) -> Iterator[Finding]:
    with open_shop(settings, step="check") as shop:
        yield from buy_one(
            settings,
            shop.stores,
            replace(shop.run, run_id=run_id),
            announce=lambda text: people.print(escape(text), soft_wrap=True),
        )
