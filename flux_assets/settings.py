"""The environment as typed settings, on one page; docs/settings.md is made from it."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from flux_assets.encodings import check_encoding
from flux_assets.errors import SettingsError
from flux_assets.setting_values import (
    check_base_url,
    check_header_name,
    check_host,
    check_proxy_secret,
    check_public_url,
    check_put_args,
    check_rate_limiter,
    check_shop,
    check_webhook,
    parse_buckets,
    parse_header,
    parse_hosts,
    parse_json_object,
    parse_names,
)
from flux_assets.variable_names import PREFIX, is_of_a_service, tell_unknown

_UNPREFIXED = ("ONEMIN_API_KEY", "ONEMIN_BASE_URL")

_Header = Annotated[tuple[str, SecretStr], BeforeValidator(parse_header)]


class Settings(BaseModel):
    """Everything that the environment decides; field names are the variables' own, lower case.

    What stands below a field is its meaning in docs/settings.md, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mode: Literal["sample", "live"] = "sample"
    """`sample` or `live`."""
    onemin_api_key: SecretStr | None = None
    """The vendor's key; required in live mode."""
    onemin_base_url: Annotated[str, AfterValidator(check_base_url)] = "https://api.1min.ai"
    """Where the image API is: https, or http on this machine's loopback address only."""
    store: str = ".flux_assets/store"
    """`s3://bucket/prefix`, or a directory; to be given in live mode, and absolute."""
    shop: Annotated[str, AfterValidator(check_shop)] | None = None
    """Goes before asset keys, job, partitions and store keys, for several shops in one instance."""
    catalog: str = "data/catalog.csv"
    """The shop's export: a path, `s3://` or `https://`."""
    catalog_header: _Header | None = None
    """A secret header, `Name: value`, sent to that file's `https://` server and no other."""
    catalog_encoding: Annotated[str, AfterValidator(check_encoding)] | None = None
    """The catalog's encoding, such as `cp1254`, where it is not UTF-8; else it is found, and the
    shots file's `encoding` goes before.
    """
    overrides: str | None = None
    """The overrides file: a path, `s3://` or `https://`."""
    overrides_header: _Header | None = None
    """As `FLUX_ASSETS_CATALOG_HEADER`, for the overrides file."""
    shots: str = "data/shots.yaml"
    """The shots file: a path or `s3://`."""
    channels: str | None = None
    """The channels file: a path or `s3://`; without one, nothing is published."""
    rollback_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """What feeds showed within so many days is never deleted, so that they can go back to it."""
    allow_private_sources: bool = False
    """`true` also reads photos from private networks and from this machine."""
    photo_buckets: Annotated[tuple[str, ...], BeforeValidator(parse_buckets)] = ()
    """Buckets, separated by commas, whose photos are read beside the store's and the catalog's."""
    photo_max_age_hours: Annotated[float, Field(ge=0)] = 24
    """A photo that was checked less long ago is not asked for again."""
    max_in_flight: Annotated[int, Field(ge=1, le=1000)] = 96
    """Calls open at once; halves after a 429 and grows back."""
    executor: Literal["in_process", "multiprocess", "celery", "k8s"] = "in_process"
    """What runs the steps: `in_process`, `multiprocess`, `celery` or `k8s`."""
    celery_broker: SecretStr | None = None
    """Secret address of the broker, for runs and workers; required with `celery`."""
    celery_backend: SecretStr | None = None
    """Secret address for steps' results; else a Redis broker itself, or `rpc://`."""
    celery_visibility_timeout_seconds: Annotated[int, Field(ge=1)] = 3600
    """When another worker takes a dead one's step; longer than any shard takes."""
    max_decoded_megapixels: Annotated[float, Field(gt=0)] = 32
    """Of all pictures that a step unpacks at once as it buys; with their files, up to 20 MB of
    memory each. What comes on top waits its turn, and a picture that is larger goes alone.
    """
    requests_per_minute: Annotated[int, Field(ge=1)] = 180
    """The account's limit."""
    rate_limiter: Annotated[SecretStr, AfterValidator(check_rate_limiter)] | None = None
    """Secret address of a Redis, `redis://host:6379/1`, in which all processes of an account count
    their requests together (live mode); else each keeps the limit by itself.
    """
    delivery: Literal["sync", "async"] = "sync"
    """`sync` or `async`: whether a call stays open until its picture exists."""
    call_timeout_seconds: Annotated[float, Field(ge=1, le=3600)] = 180
    """One call's deadline."""
    max_images_per_run: Annotated[int, Field(ge=0)] = 500
    """A run that would buy more pictures is refused before its first call."""
    over_cap: Literal["refuse", "new_only"] = "refuse"
    """`refuse`, or `new_only`: buy new pictures up to the cap, leave changed ones for later."""
    daily_image_limit: Annotated[int, Field(ge=0)] = 1000
    """Sends of all runs, shops and machines in a UTC day."""
    max_product_drop_percent: Annotated[float, Field(ge=0, le=100)] = 20
    """Percent of the last manifest's products; a catalog that lost more of them buys nothing."""
    fail_above_percent: Annotated[float, Field(ge=0, le=100)] = 20
    """Percent of the attempted requests; a finished run in which more failed counts as failed."""
    max_attempts: Annotated[int, Field(ge=1)] = 2
    """Sends of one request, over all runs."""
    on_unknown_outcome: Literal["resubmit", "hold"] = "resubmit"
    """`resubmit`, or `hold`: leave a call that was never answered for a person."""
    fetch_paid_hours: Annotated[float, Field(ge=0)] = 24
    """A paid picture that cannot be fetched is asked for again for so long; then it is `lost`."""
    shard_size: Annotated[int, Field(ge=1)] = 500
    """Requests in a step, and partitions in a backfill's run."""
    partition_by: Literal["product", "bucket"] = "product"
    """`product`, or `bucket` above 100,000 products: whether Dagster has a partition and an event
    for each product, or for each of 256 buckets that they are spread over.
    """
    result_hosts: Annotated[tuple[str, ...], BeforeValidator(parse_hosts)] = ()
    """Further hosts that results may be downloaded from, separated by commas."""
    s3_put_args: Annotated[
        dict[str, Any], BeforeValidator(parse_json_object), AfterValidator(check_put_args)
    ] = {}
    """JSON added to every put: `ServerSideEncryption`, `SSEKMSKeyId`, `Tagging`, ..."""
    s3_checksum: Literal["when_supported", "when_required"] = "when_supported"
    """`when_supported`, or `when_required` for older S3 stores."""
    public_url: Annotated[str, AfterValidator(check_public_url)] | None = None
    """Where the public (a CDN) sees what `FLUX_ASSETS_STORE` names, its prefix included. A
    picture's `url` is this, the shop if any, and its key; without it no `url` is given out.
    """
    review_url: Annotated[str, AfterValidator(check_public_url)] | None = None
    """Where people find the review page, or the gallery: Dagster links to it."""
    review_host: Annotated[str, AfterValidator(check_host)] | None = None
    """The review page's public name, such as `pictures.example.com`; with the next two, for a
    server behind a proxy that says who asks.
    """
    review_user_header: Annotated[str, AfterValidator(check_header_name)] | None = None
    """The header in which the proxy names the person, such as `X-Forwarded-Email`."""
    review_proxy_secret: Annotated[SecretStr, AfterValidator(check_proxy_secret)] | None = None
    """Secret that the proxy sends as `X-Flux-Assets-Proxy`, of 32 characters or more."""
    review_role_header: Annotated[str, AfterValidator(check_header_name)] | None = None
    """The header in which the proxy names roles or groups, separated by commas; whoever is in none
    of `FLUX_ASSETS_REVIEW_REVIEWERS` (without it: `reviewer`) only looks.
    """
    review_reviewers: Annotated[tuple[str, ...], BeforeValidator(parse_names)] = ()
    """Persons, roles or groups, separated by commas, who may decide; without this and the role
    header, everybody whom the proxy lets through. Capitals make no difference.
    """
    cost_usd_per_image: Annotated[float, Field(ge=0)] = 0.07
    """For estimates."""
    preview_px: Annotated[int, Field(ge=0, le=256)] = 256
    """Longest side of the preview in the UI; 0 for none. Each takes up to 12 kB of database."""
    refresh_cron: str = "0 3 * * *"
    """When the schedule runs, once it is switched on."""
    timezone: str = "UTC"
    """Of the schedule."""
    alert_webhook: Annotated[SecretStr, AfterValidator(check_webhook)] | None = None
    """Secret address that alerts are posted to as JSON: https, or http on loopback only. Their
    `text` is what Slack and its like show.
    """
    simulator_latency_seconds: Annotated[float, Field(ge=0)] = 0.3
    """How long a sample call takes."""
    simulator_megapixels: Annotated[float, Field(gt=0, le=4)] = 1.0
    """Size of sample pictures."""
    simulator_state: str = ".flux_assets/simulator"
    """The folder of what the simulator remembers, and of its bill."""
    simulator_faults: str | None = None
    """A JSON file of what goes wrong in sample mode."""

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


def load_settings(environ: Mapping[str, str], *, buys: bool = True) -> Settings:
    """Read the settings; white space around a value is dropped, an empty one counts as not set.

    What Kubernetes sets for a Service whose name starts with `flux-assets` is not ours.

    Args:
        environ: the environment.
        buys: whether it could come to a purchase, so that live mode needs a key.

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
        elif variable.startswith(PREFIX) and not is_of_a_service(variable, environ):
            raise SettingsError(variable, tell_unknown(variable, fields))
    return build_settings(values, buys=buys)


def build_settings(values: Mapping[str, object], *, buys: bool = True) -> Settings:
    """The settings of some fields' values; others have their defaults.

    Args:
        values: by the fields' names.
        buys: as for `load_settings`.

    Raises:
        SettingsError: one is missing in live mode, or out of its range.
    """
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        problem = first["msg"].removeprefix("Value error, ")
        raise SettingsError(variable_of(str(first["loc"][0])), problem) from None
    if settings.mode == "live" and buys and settings.onemin_api_key is None:
        raise SettingsError("ONEMIN_API_KEY", "is required when FLUX_ASSETS_MODE is live")
    _require_what_belongs_together(settings, given=values.keys())
    return settings


def _require_what_belongs_together(settings: Settings, *, given: Collection[str]) -> None:
    if settings.mode == "live":
        if "store" not in given:
            raise SettingsError("FLUX_ASSETS_STORE", "is required when FLUX_ASSETS_MODE is live")
        if not settings.store.startswith(("s3://", "/")):
            raise SettingsError("FLUX_ASSETS_STORE", "must be s3:// or an absolute path, if live")
    together = ("review_host", "review_user_header", "review_proxy_secret")
    absent = [name for name in together if getattr(settings, name) is None]
    if absent and len(absent) < len(together):
        set_one = next(name for name in together if name not in absent)
        problem = f"is required where {variable_of(set_one)} is set: else nobody is known"
        raise SettingsError(variable_of(absent[0]), problem)
    if settings.executor == "celery" and settings.celery_broker is None:
        problem = "is required when FLUX_ASSETS_EXECUTOR is celery"
        raise SettingsError("FLUX_ASSETS_CELERY_BROKER", problem)


def variable_of(field: str) -> str:
    """The environment variable that a settings field is read from."""
    name = field.upper()
    return name if name in _UNPREFIXED else PREFIX + name
