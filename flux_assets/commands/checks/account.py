"""Whether the API can be called: the mode, the key, the model. Nothing here costs anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from flux_assets.commands.checks.finding import Finding, Verdict
from flux_assets.errors import DownloadError, NotSentError, UnknownOutcomeError
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.open_api import open_api
from flux_assets.image_api.options import ApiOptions
from flux_assets.image_api.request import MODEL
from flux_assets.settings import Settings

_MODELS_TIMEOUT_SECONDS = 30.0
_NOT_SENT = SecretStr("not-sent")
"""Stands in for a key that may be wrong, which has a check of its own."""


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
        ImageApiClient(ApiOptions.of(settings), api_key=settings.onemin_api_key)
        detail = "present; only a call shows whether the vendor takes it"
        yield Finding(name="key", verdict="ok", detail=detail)


def check_api(settings: Settings) -> Iterator[Finding]:
    """Ask the API for its models, which is free and needs no key.

    Raises:
        AccountError, RateLimitedError: it turns this machine away.
    """
    options = ApiOptions.of(settings)
    where = "the built-in simulator" if settings.is_sample else settings.onemin_base_url
    with _look_quickly(options) as quick, open_api(quick, api_key=_NOT_SENT) as api:
        try:
            models = {model.model_id: model for model in api.client.list_models()}
        except NotSentError as error:
            detail = f"{error}. Check ONEMIN_BASE_URL as well"
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
def _look_quickly(options: ApiOptions) -> Iterator[ApiOptions]:
    """For one short question, from which no simulator's memory stays that was not there."""
    quick = replace(
        options, call_timeout_seconds=min(options.call_timeout_seconds, _MODELS_TIMEOUT_SECONDS)
    )
    if not options.is_simulated or Path(options.simulator_state).exists():
        yield quick
        return
    with TemporaryDirectory() as folder:
        yield replace(quick, simulator_state=folder)
