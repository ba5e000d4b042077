"""The environment as typed settings, on one page; the README lists the same."""

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from flux_assets.errors import SettingsError

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_PREFIX = "FLUX_ASSETS_"
_UNPREFIXED = ("ONEMIN_API_KEY", "ONEMIN_BASE_URL")

# A condition given for every put would undo the ledger's own.
_STORE_PUT_ARGS = {"Body", "Bucket", "ContentType", "IfMatch", "IfNoneMatch", "Key"}


def _check_base_url(url: str) -> str:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if not parts.hostname or not (secure or local):
        raise ValueError("must be https, or http on this machine's loopback address only")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("takes no user name, query or fragment")
    return url.rstrip("/")


def _check_webhook(url: SecretStr) -> SecretStr:
    """What is wrong with it is told without it, for it is a secret."""
    try:
        parts = urlsplit(url.get_secret_value())
        host, _ = parts.hostname, parts.port  # which is read only here, and may be no number
    except ValueError:
        raise ValueError("is no address that can be called") from None
    local = parts.scheme == "http" and host in LOOPBACK_HOSTS
    if not host or not (parts.scheme == "https" or local):
        raise ValueError("must be https, or http on this machine's loopback address only")
    if "@" in parts.netloc:
        raise ValueError("takes no user name")
    return url


def _check_rate_limiter(url: SecretStr) -> SecretStr:
    """What is wrong with it is told without it, for it may hold a password."""
    try:
        parts = urlsplit(url.get_secret_value())
        host, _ = parts.hostname, parts.port  # which is read only here, and may be no number
    except ValueError:
        raise ValueError("is no address that can be called") from None
    if parts.scheme not in {"redis", "rediss"} or not host:
        raise ValueError("must be a Redis, as redis://host:6379/1 or rediss://")
    return url


def _check_public_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must start with https:// or http:// and a host")
    return url.rstrip("/")


_STORE_FOLDERS = frozenset({"budget", "images", "ledger", "photos", "runs", "tables", "uploads"})


def _check_shop(shop: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", shop):
        raise ValueError(
            "takes lower-case letters, digits and _, starting with a letter, at most 40"
        )
    if shop in _STORE_FOLDERS:
        raise ValueError(f"{shop!r} is the name of a folder of the store itself; choose another")
    return shop


def _parse_json_object(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"must be a JSON object: {error}") from error


def _check_put_args(arguments: dict[str, Any]) -> dict[str, Any]:
    taken = sorted(_STORE_PUT_ARGS & arguments.keys())
    if taken:
        raise ValueError(f"may not hold {', '.join(taken)}: the store gives it itself")
    return arguments


def _parse_header(text: object) -> object:
    """`Name: value` as both; what is wrong with it is told without it, for it is a secret."""
    if not isinstance(text, str):
        return text
    name, _, value = (part.strip() for part in text.partition(":"))
    if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII) or not value:
        raise ValueError("must be one header as `Name: value`, such as `Authorization: Bearer ...`")
    if not (value.isascii() and value.isprintable()):
        raise ValueError("takes one line of printable ASCII characters as its value")
    return name, SecretStr(value)


def _parse_hosts(text: object) -> object:
    return tuple(text.lower().replace(",", " ").split()) if isinstance(text, str) else text


_Header = Annotated[tuple[str, SecretStr], BeforeValidator(_parse_header)]


class Settings(BaseModel):
    """Everything that the environment decides; field names are the variables' own, lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mode: Literal["sample", "live"] = "sample"
    onemin_api_key: SecretStr | None = None
    onemin_base_url: Annotated[str, AfterValidator(_check_base_url)] = "https://api.1min.ai"
    store: str = ".flux_assets/store"
    shop: Annotated[str, AfterValidator(_check_shop)] | None = None
    catalog: str = "data/catalog.csv"
    catalog_header: _Header | None = None
    overrides: str | None = None
    overrides_header: _Header | None = None
    shots: str = "data/shots.yaml"
    allow_private_sources: bool = False
    photo_max_age_hours: Annotated[float, Field(ge=0)] = 24
    max_in_flight: Annotated[int, Field(ge=1, le=1000)] = 96
    executor: Literal["in_process", "multiprocess", "celery", "k8s"] = "in_process"
    celery_broker: SecretStr | None = None
    celery_backend: SecretStr | None = None
    celery_visibility_timeout_seconds: Annotated[int, Field(ge=1)] = 3600
    requests_per_minute: Annotated[int, Field(ge=1)] = 180
    rate_limiter: Annotated[SecretStr, AfterValidator(_check_rate_limiter)] | None = None
    delivery: Literal["sync", "async"] = "sync"
    call_timeout_seconds: Annotated[float, Field(ge=1, le=3600)] = 180
    max_images_per_run: Annotated[int, Field(ge=0)] = 500
    over_cap: Literal["refuse", "new_only"] = "refuse"
    daily_image_limit: Annotated[int, Field(ge=0)] = 1000
    max_product_drop_percent: Annotated[float, Field(ge=0, le=100)] = 20
    fail_above_percent: Annotated[float, Field(ge=0, le=100)] = 20
    max_attempts: Annotated[int, Field(ge=1)] = 2
    on_unknown_outcome: Literal["resubmit", "hold"] = "resubmit"
    shard_size: Annotated[int, Field(ge=1)] = 500
    result_hosts: Annotated[tuple[str, ...], BeforeValidator(_parse_hosts)] = ()
    s3_put_args: Annotated[
        dict[str, Any], BeforeValidator(_parse_json_object), AfterValidator(_check_put_args)
    ] = {}
    s3_checksum: Literal["when_supported", "when_required"] = "when_supported"
    public_url: Annotated[str, AfterValidator(_check_public_url)] | None = None
    cost_usd_per_image: Annotated[float, Field(ge=0)] = 0.07
    preview_px: Annotated[int, Field(ge=0, le=256)] = 256
    refresh_cron: str = "0 3 * * *"
    timezone: str = "UTC"
    alert_webhook: Annotated[SecretStr, AfterValidator(_check_webhook)] | None = None
    simulator_latency_seconds: Annotated[float, Field(ge=0)] = 0.3
    simulator_megapixels: Annotated[float, Field(gt=0, le=4)] = 1.0
    simulator_faults: str | None = None

    @property
    def is_sample(self) -> bool:
        """Whether the built-in simulator answers and every picture is marked as a sample."""
        return self.mode == "sample"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but probably not meant."""
        if self.is_sample and self.onemin_api_key is not None:
            message = (
                "ONEMIN_API_KEY is set, but FLUX_ASSETS_MODE is sample: the key is not used and "
                "no real picture is made. Set FLUX_ASSETS_MODE=live to buy pictures."
            )
            return (message,)
        return ()


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; white space around a value is dropped, an empty one counts as not set.

    Raises:
        SettingsError: a variable is unknown, missing in live mode, or out of its range.
    """
    fields = {variable_of(field): field for field in Settings.model_fields}
    values: dict[str, str] = {}
    for variable, text in environ.items():
        value = text.strip()  # a secret read from a file ends in a line break
        if not value:
            continue
        if variable in fields:
            values[fields[variable]] = value
        elif variable.startswith(_PREFIX):
            raise SettingsError(variable, _unknown(variable, fields))
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        problem = first["msg"].removeprefix("Value error, ")
        raise SettingsError(variable_of(str(first["loc"][0])), problem) from None
    _require_what_belongs_together(settings, given=values.keys())
    return settings


def _require_what_belongs_together(settings: Settings, *, given: Collection[str]) -> None:
    if settings.mode == "live":
        if settings.onemin_api_key is None:
            raise SettingsError("ONEMIN_API_KEY", "is required when FLUX_ASSETS_MODE is live")
        if "store" not in given:
            raise SettingsError("FLUX_ASSETS_STORE", "is required when FLUX_ASSETS_MODE is live")
    if settings.executor == "celery" and settings.celery_broker is None:
        problem = "is required when FLUX_ASSETS_EXECUTOR is celery"
        raise SettingsError("FLUX_ASSETS_CELERY_BROKER", problem)


def variable_of(field: str) -> str:
    """The environment variable that a settings field is read from."""
    name = field.upper()
    return name if name in _UNPREFIXED else _PREFIX + name


def _unknown(variable: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(variable, known, n=1)
    hint = f", did you mean {near[0]}?" if near else ";"
    return f"there is no such setting{hint} the README lists them all"
