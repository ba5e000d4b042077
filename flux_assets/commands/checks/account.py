"""Whether the API can be called: the mode, the key, the model. Nothing here costs anything."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from flux_assets.commands.checks.finding import Finding, Verdict
from flux_assets.errors import DownloadError, NotSentError, UnknownOutcomeError
from flux_assets.image_api.open_api import ApiAccess, open_api, simulated_api
from flux_assets.image_api.polling import TYPICAL_LATENCY_SECONDS
from flux_assets.image_api.request import MODEL
from flux_assets.image_api.shared_rate import open_shared_rate
from flux_assets.image_api.transport import HttpReply
from flux_assets.settings import Settings

_MODELS_TIMEOUT_SECONDS = 30.0


def check_mode(settings: Settings) -> Iterator[Finding]:
    """Say whether real pictures would be bought, and where."""
    detail = "sample: the built-in simulator answers, nothing is paid; FLUX_ASSETS_MODE=live buys"
    if not settings.is_sample:
        cost = f"{settings.cost_usd_per_image:g} USD each"
        detail = f"live: pictures are bought at {settings.onemin_base_url}, about {cost}"
    yield Finding(name="mode", verdict="ok", detail=detail)


def check_key(settings: Settings) -> Iterator[Finding]:
    """See that the key is there and that a header can carry it; it is never shown.

    Raises:
        SettingsError: no header can.
    """
    for warning in settings.warnings:
        yield Finding(name="key", verdict="warning", detail=warning)
    if settings.onemin_api_key is None:
        yield Finding(name="key", verdict="ok", detail="not needed in sample mode")
    elif not settings.is_sample:
        _open(settings, settings.onemin_base_url, settings.onemin_api_key, None)
        detail = "present; only a call shows whether the vendor takes it"
        yield Finding(name="key", verdict="ok", detail=detail)


def check_api(settings: Settings, simulator_dir: Path) -> Iterator[Finding]:
    """Ask the API for its models, which is free and needs no key.

    Raises:
        AccountError, RateLimitedError: it turns this machine away.
    """
    quick = settings.model_copy(
        update={
            "call_timeout_seconds": min(settings.call_timeout_seconds, _MODELS_TIMEOUT_SECONDS),
            "onemin_api_key": SecretStr("not-sent"),  # whatever its own check says
        }
    )
    where = "the built-in simulator" if settings.is_sample else settings.onemin_base_url
    with opened_api(quick, simulator_dir) as api:
        try:
            models = {model.model_id: model for model in api.client.list_models()}
        except NotSentError as error:
            detail = f"{error}. Check ONEMIN_BASE_URL, the network and the proxy"
            yield Finding(name="api", verdict="problem", detail=detail)
            return
        except DownloadError as error:
            is_silent = isinstance(error.__cause__, UnknownOutcomeError)
            verdict: Verdict = "problem" if is_silent else "warning"
            detail = f"{where} gives no list of models: {error}. Try again, or ask the vendor"
            yield Finding(name="api", verdict=verdict, detail=detail)
            return
    if MODEL in models and models[MODEL].is_active:
        yield Finding(name="api", verdict="ok", detail=f"{where} answers, {MODEL} is active")
        return
    standing = "says that it is disabled" if MODEL in models else "does not list it"
    detail = f"{where} answers, but {MODEL} cannot be had: it {standing}; ask the vendor"
    yield Finding(name="api", verdict="problem", detail=detail)


@contextmanager
def opened_api(
    settings: Settings,
    simulator_dir: Path,
    *,
    on_reply: Callable[[HttpReply], None] | None = None,
) -> Iterator[ApiAccess]:
    """The API of the settings' mode outside of a run; in sample mode, a simulator for the block.

    Raises:
        SettingsError: the key cannot be used, or what the rate limiter needs is not installed.
    """
    if not settings.is_sample:
        key = settings.onemin_api_key or SecretStr("")
        yield _open(settings, settings.onemin_base_url, key, on_reply)
        return
    with simulated_api(
        simulator_dir,
        latency_seconds=settings.simulator_latency_seconds,
        megapixels=settings.simulator_megapixels,
        faults=settings.simulator_faults,
    ) as (base_url, key):
        yield _open(settings, base_url, key, on_reply)


def _open(
    settings: Settings,
    base_url: str,
    api_key: SecretStr,
    on_reply: Callable[[HttpReply], None] | None,
) -> ApiAccess:
    return open_api(
        base_url=base_url,
        api_key=api_key,
        max_in_flight=settings.max_in_flight,
        requests_per_minute=settings.requests_per_minute,
        call_timeout_seconds=settings.call_timeout_seconds,
        result_hosts=settings.result_hosts,
        delivery=settings.delivery,
        typical_latency_seconds=(
            settings.simulator_latency_seconds if settings.is_sample else TYPICAL_LATENCY_SECONDS
        ),
        shared_rate=open_shared_rate(
            None if settings.is_sample else settings.rate_limiter,
            origin=base_url,
            api_key=api_key,
            requests_per_minute=settings.requests_per_minute,
        ),
        on_reply=on_reply,
    )
