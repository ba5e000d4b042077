import traceback

import pytest
from pydantic import SecretStr

from flux_assets.errors import SettingsError
from flux_assets.settings import Settings, load_settings, variable_of

LIVE = {
    "FLUX_ASSETS_MODE": "live",
    "ONEMIN_API_KEY": "invented-key",
    "FLUX_ASSETS_STORE": "s3://bucket/prefix",
}


def test_without_any_variable_the_mode_is_sample_and_everything_has_a_default() -> None:
    assert load_settings({}) == Settings()
    assert load_settings({}).is_sample


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("ONEMIN_API_KEY", "invented-key", SecretStr("invented-key")),
        ("ONEMIN_API_KEY", "invented-key\n", SecretStr("invented-key")),
        ("ONEMIN_BASE_URL", "https://api.example/", "https://api.example"),
        ("ONEMIN_BASE_URL", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("ONEMIN_BASE_URL", "http://[::1]:8080", "http://[::1]:8080"),
        ("FLUX_ASSETS_STORE", "s3://bucket/prefix", "s3://bucket/prefix"),
        ("FLUX_ASSETS_SHOP", "shop_1", "shop_1"),
        ("FLUX_ASSETS_CATALOG", "https://shop.example/feed.csv", "https://shop.example/feed.csv"),
        (
            "FLUX_ASSETS_CATALOG_HEADER",
            "Authorization: Bearer a:b\n",
            ("Authorization", SecretStr("Bearer a:b")),
        ),
        ("FLUX_ASSETS_OVERRIDES_HEADER", "X-Key:k", ("X-Key", SecretStr("k"))),
        ("FLUX_ASSETS_SHOTS", "other/shots.yaml", "other/shots.yaml"),
        ("FLUX_ASSETS_MAX_IN_FLIGHT", "12", 12),
        ("FLUX_ASSETS_EXECUTOR", "multiprocess", "multiprocess"),
        ("FLUX_ASSETS_CELERY_BROKER", "amqp://u:w@mq//\n", SecretStr("amqp://u:w@mq//")),
        ("FLUX_ASSETS_CELERY_BACKEND", "redis://:w@cache/2", SecretStr("redis://:w@cache/2")),
        ("FLUX_ASSETS_CELERY_VISIBILITY_TIMEOUT_SECONDS", "7200", 7200),
        (
            "FLUX_ASSETS_RATE_LIMITER",
            "rediss://:w@cache:6380/1",
            SecretStr("rediss://:w@cache:6380/1"),
        ),
        ("FLUX_ASSETS_REQUESTS_PER_MINUTE", " 60 ", 60),
        ("FLUX_ASSETS_CALL_TIMEOUT_SECONDS", "90.5", 90.5),
        ("FLUX_ASSETS_MAX_IMAGES_PER_RUN", "0", 0),
        ("FLUX_ASSETS_DAILY_IMAGE_LIMIT", "20", 20),
        ("FLUX_ASSETS_MAX_ATTEMPTS", "1", 1),
        ("FLUX_ASSETS_ON_UNKNOWN_OUTCOME", "hold", "hold"),
        ("FLUX_ASSETS_SHARD_SIZE", "50", 50),
        ("FLUX_ASSETS_RESULT_HOSTS", "A.example, b.example", ("a.example", "b.example")),
        (
            "FLUX_ASSETS_S3_PUT_ARGS",
            '{"ServerSideEncryption": "aws:kms"}',
            {"ServerSideEncryption": "aws:kms"},
        ),
        ("FLUX_ASSETS_S3_CHECKSUM", "when_required", "when_required"),
        ("FLUX_ASSETS_PUBLIC_URL", "https://cdn.example/a/", "https://cdn.example/a"),
        ("FLUX_ASSETS_COST_USD_PER_IMAGE", "0.1", 0.1),
        ("FLUX_ASSETS_MAX_DECODED_MEGAPIXELS", "0.5", 0.5),
        ("FLUX_ASSETS_PREVIEW_PX", "0", 0),
        ("FLUX_ASSETS_REFRESH_CRON", "30 4 * * 1", "30 4 * * 1"),
        ("FLUX_ASSETS_TIMEZONE", "Europe/Berlin", "Europe/Berlin"),
        (
            "FLUX_ASSETS_ALERT_WEBHOOK",
            "https://hooks.example/T0/B0?key=k\n",
            SecretStr("https://hooks.example/T0/B0?key=k"),
        ),
        ("FLUX_ASSETS_SIMULATOR_LATENCY_SECONDS", "0", 0),
        ("FLUX_ASSETS_SIMULATOR_MEGAPIXELS", "0.25", 0.25),
        ("FLUX_ASSETS_SIMULATOR_FAULTS", "moderation", "moderation"),
    ],
)
def test_each_variable_sets_its_field_alone(variable: str, text: str, value: object) -> None:
    loaded = load_settings({variable: text}).model_dump()
    (field,) = (name for name in Settings.model_fields if variable_of(name) == variable)
    assert loaded.pop(field) == value
    defaults = Settings().model_dump()
    del defaults[field]
    assert loaded == defaults


def test_live_mode_takes_its_key_and_store() -> None:
    settings = load_settings(LIVE)
    assert not settings.is_sample
    assert settings.onemin_api_key is not None
    assert settings.onemin_api_key.get_secret_value() == "invented-key"


@pytest.mark.parametrize("missing", ["ONEMIN_API_KEY", "FLUX_ASSETS_STORE"])
@pytest.mark.parametrize("blank", [None, "", " \n"])
def test_live_mode_without_key_or_store_is_an_error(missing: str, blank: str | None) -> None:
    environ = dict(LIVE)
    if blank is None:
        del environ[missing]
    else:
        environ[missing] = blank
    with pytest.raises(SettingsError, match="is required when FLUX_ASSETS_MODE is live") as caught:
        load_settings(environ)
    assert caught.value.variable == missing


def test_what_cannot_buy_needs_no_key_in_live_mode() -> None:
    environ = {name: text for name, text in LIVE.items() if name != "ONEMIN_API_KEY"}
    assert load_settings(environ, buys=False).onemin_api_key is None


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("FLUX_ASSETS_MODE", "production", "'sample' or 'live'"),
        ("ONEMIN_BASE_URL", "http://api.1min.ai", "must be https"),
        ("ONEMIN_BASE_URL", "http://127.0.0.1.example", "must be https"),
        ("ONEMIN_BASE_URL", "http://127.0.0.1@example.com", "must be https"),
        ("ONEMIN_BASE_URL", "api.1min.ai", "must be https"),
        ("ONEMIN_BASE_URL", "https://user:word@api.1min.ai", "no user name"),
        ("ONEMIN_BASE_URL", "https://api.1min.ai/?a=b", "query"),
        ("FLUX_ASSETS_SHOP", "My Shop", "lower-case letters"),
        ("FLUX_ASSETS_SHOP", "../other", "lower-case letters"),
        ("FLUX_ASSETS_MAX_IN_FLIGHT", "0", "greater than or equal to 1"),
        ("FLUX_ASSETS_MAX_IN_FLIGHT", "many", "valid integer"),
        ("FLUX_ASSETS_EXECUTOR", "threads", "in_process"),
        ("FLUX_ASSETS_RATE_LIMITER", "memcached://cache", "must be a Redis"),
        ("FLUX_ASSETS_RATE_LIMITER", "redis:///1", "must be a Redis"),
        ("FLUX_ASSETS_REQUESTS_PER_MINUTE", "0", "greater than or equal to 1"),
        ("FLUX_ASSETS_CALL_TIMEOUT_SECONDS", "nan", "finite"),
        ("FLUX_ASSETS_MAX_IMAGES_PER_RUN", "-1", "greater than or equal to 0"),
        ("FLUX_ASSETS_DAILY_IMAGE_LIMIT", "1e9x", "valid integer"),
        ("FLUX_ASSETS_MAX_ATTEMPTS", "0", "greater than or equal to 1"),
        ("FLUX_ASSETS_ON_UNKNOWN_OUTCOME", "retry", "'resubmit' or 'hold'"),
        ("FLUX_ASSETS_S3_PUT_ARGS", "ServerSideEncryption=AES256", "must be a JSON object"),
        ("FLUX_ASSETS_S3_PUT_ARGS", '["AES256"]', "dictionary"),
        ("FLUX_ASSETS_S3_PUT_ARGS", '{"IfNoneMatch": "*", "Key": "a"}', "IfNoneMatch, Key"),
        ("FLUX_ASSETS_PUBLIC_URL", "cdn.example", "must start with https://"),
        ("FLUX_ASSETS_PUBLIC_URL", "https://", "and a host"),
        ("FLUX_ASSETS_COST_USD_PER_IMAGE", "inf", "finite"),
        ("FLUX_ASSETS_MAX_DECODED_MEGAPIXELS", "0", "greater than 0"),
        ("FLUX_ASSETS_MAX_DECODED_MEGAPIXELS", "inf", "finite"),
        ("FLUX_ASSETS_PREVIEW_PX", "257", "less than or equal to 256"),
        ("FLUX_ASSETS_SIMULATOR_MEGAPIXELS", "0", "greater than 0"),
    ],
)
def test_a_value_that_cannot_be_used_is_an_error_that_names_its_variable(
    variable: str, text: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        load_settings({variable: text})
    assert caught.value.variable == variable


@pytest.mark.parametrize(
    "variable",
    ["FLUX_ASSETS_STORES", "FLUX_ASSETS_ONEMIN_API_KEY", "FLUX_ASSETS_Store", "FLUX_ASSETS_"],
)
def test_an_unknown_variable_is_an_error(variable: str) -> None:
    with pytest.raises(SettingsError, match="there is no such setting") as caught:
        load_settings({variable: "value"})
    assert caught.value.variable == variable


def test_an_unknown_variable_is_told_its_near_match() -> None:
    with pytest.raises(SettingsError, match=r"did you mean FLUX_ASSETS_STORE\?"):
        load_settings({"FLUX_ASSETS_STOER": "value"})


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("FLUX_ASSETS_ONEMIN_API_KEY", "ONEMIN_API_KEY"),
        ("FLUX_ASSETS_API_KEY", "ONEMIN_API_KEY"),
        ("FLUX_ASSETS_BASE_URL", "ONEMIN_BASE_URL"),
        ("FLUX_ASSETS_Store", "FLUX_ASSETS_STORE"),
        ("FLUX_ASSETS_STORE_PORT", "FLUX_ASSETS_STORE"),
        ("FLUX_ASSETS_MAX_INFLIGHT", "FLUX_ASSETS_MAX_IN_FLIGHT"),
        ("FLUX_ASSETS_DAILY_LIMIT", "FLUX_ASSETS_DAILY_IMAGE_LIMIT"),
    ],
)
def test_the_nearest_name_is_found_though_all_of_them_start_alike(
    variable: str, meant: str
) -> None:
    with pytest.raises(SettingsError, match=rf"did you mean {meant}\?"):
        load_settings({variable: "value"})


SERVICE = {
    "SERVICE_HOST": "10.0.171.239",
    "SERVICE_PORT": "3030",
    "SERVICE_PORT_GRPC_WEB": "3030",
    "PORT": "tcp://10.0.171.239:3030",
    "PORT_3030_TCP": "tcp://10.0.171.239:3030",
    "PORT_3030_TCP_PROTO": "tcp",
    "PORT_3030_TCP_PORT": "3030",
    "PORT_3030_TCP_ADDR": "10.0.171.239",
}
"""What Kubernetes sets for a Service, below its name."""


@pytest.mark.parametrize("name", SERVICE)
def test_what_kubernetes_sets_for_a_service_of_our_name_is_ignored(name: str) -> None:
    assert load_settings({f"FLUX_ASSETS_{name}": SERVICE[name]}) == Settings()


@pytest.mark.parametrize("service", ["FLUX_ASSETS", "FLUX_ASSETS_WEB", "FLUX_ASSETS_STORE"])
def test_all_that_kubernetes_sets_for_a_service_is_ignored_together(service: str) -> None:
    environ = {f"{service}_{name}": text for name, text in SERVICE.items()}
    assert load_settings(environ) == Settings()


@pytest.mark.parametrize(
    "variable",
    [
        "FLUX_ASSETS_SERVICE",
        "FLUX_ASSETS_SERVICE_HOSTS",
        "FLUX_ASSETS_PORTS",
        "FLUX_ASSETS_PORT_3030",
        "FLUX_ASSETS_PORT_3030_ICMP",
        "FLUX_ASSETS_PORT_3030_TCP_HOST",
        "FLUX_ASSETS_port",
        "FLUX_ASSETS_WEB_PORT",
        "FLUX_ASSETS_WEB_SERVICE_HOST",
    ],
)
def test_what_only_looks_like_a_services_variable_is_an_error(variable: str) -> None:
    environ = {f"FLUX_ASSETS_{name}": text for name, text in SERVICE.items()}
    with pytest.raises(SettingsError, match="there is no such setting") as caught:
        load_settings({**environ, variable: "1"})
    assert caught.value.variable == variable


def test_other_programs_variables_are_left_alone() -> None:
    assert load_settings({"PATH": "/bin", "ONEMIN_OTHER": "x", "MODE": "live"}) == Settings()


def test_an_empty_variable_counts_as_not_set() -> None:
    empty = {variable_of(field): "" for field in Settings.model_fields}
    assert load_settings({**empty, "FLUX_ASSETS_UNKNOWN": " "}) == Settings()


def test_the_key_is_never_shown() -> None:
    settings = load_settings(LIVE)
    assert "invented-key" not in f"{settings!r} {settings} {settings.model_dump()}"
    with pytest.raises(SettingsError) as caught:
        load_settings({**LIVE, "FLUX_ASSETS_SHARD_SIZE": "none"})
    assert "invented-key" not in str(caught.value)


@pytest.mark.parametrize("field", ["CATALOG", "OVERRIDES"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("invented-key", "must be one header as `Name: value`"),
        (": invented-key", "must be one header as `Name: value`"),
        ("invented-key:", "must be one header as `Name: value`"),
        ("Bearer invented-key: x", "must be one header as `Name: value`"),
        ("Sch\u00fcssel: invented-key", "must be one header as `Name: value`"),
        ("X-Key: invented-key\nX-Other: 1", "one line of printable ASCII"),
        ("X-Key: invented-key \u20ac", "one line of printable ASCII"),
    ],
)
def test_a_header_that_cannot_be_sent_is_an_error_that_does_not_show_it(
    field: str, text: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        load_settings({f"FLUX_ASSETS_{field}_HEADER": text})
    assert caught.value.variable == f"FLUX_ASSETS_{field}_HEADER"
    assert "invented-key" not in "".join(traceback.format_exception(caught.value))


def test_a_header_is_never_shown() -> None:
    settings = load_settings({"FLUX_ASSETS_CATALOG_HEADER": "X-Key: invented-key"})
    assert "invented-key" not in f"{settings!r} {settings} {settings.model_dump()}"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://hooks.example/invented-key", "must be https"),
        ("hooks.example/invented-key", "must be https"),
        ("https:///invented-key", "must be https"),
        ("https://me:invented-key@hooks.example/", "no user name"),
        ("https://hooks.example:invented-key/", "no address"),
        ("https://[invented-key", "no address"),
    ],
)
def test_a_webhook_that_is_not_safe_is_refused_without_showing_it(url: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        load_settings({"FLUX_ASSETS_ALERT_WEBHOOK": url})
    assert caught.value.variable == "FLUX_ASSETS_ALERT_WEBHOOK"
    assert "invented-key" not in "".join(traceback.format_exception(caught.value))


def test_a_webhook_is_never_shown() -> None:
    settings = load_settings({"FLUX_ASSETS_ALERT_WEBHOOK": "https://hooks.example/invented-key"})
    assert "invented-key" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_an_address_that_may_hold_a_password_is_never_shown() -> None:
    address = "redis://:invented-word@cache"
    for variable in ("RATE_LIMITER", "CELERY_BROKER", "CELERY_BACKEND"):
        settings = load_settings({f"FLUX_ASSETS_{variable}": address})
        assert "invented-word" not in f"{settings!r} {settings} {settings.model_dump()}"
    with pytest.raises(SettingsError, match="no address") as caught:
        load_settings({"FLUX_ASSETS_RATE_LIMITER": f"{address}:many/1"})
    assert "invented-word" not in "".join(traceback.format_exception(caught.value))


def test_a_key_in_sample_mode_gives_a_warning() -> None:
    (warning,) = load_settings({"ONEMIN_API_KEY": "invented-key"}).warnings
    assert "no real picture is made" in warning
    assert load_settings({}).warnings == ()
    assert load_settings(LIVE).warnings == ()


def test_settings_can_be_built_without_an_environment() -> None:
    settings = Settings(s3_put_args={"StorageClass": "STANDARD_IA"}, result_hosts=("a.example",))
    assert settings.s3_put_args == {"StorageClass": "STANDARD_IA"}
    assert settings.result_hosts == ("a.example",)


@pytest.mark.parametrize("store", ["store", "./store", "~/store", "../pictures"])
def test_a_live_store_is_no_folder_that_depends_on_where_it_is_started(store: str) -> None:
    live = {"FLUX_ASSETS_MODE": "live", "ONEMIN_API_KEY": "key"}
    with pytest.raises(SettingsError, match=r"FLUX_ASSETS_STORE.*an absolute path"):
        load_settings({**live, "FLUX_ASSETS_STORE": store})
    load_settings({**live, "FLUX_ASSETS_STORE": "/data/store"})
    load_settings({"FLUX_ASSETS_STORE": store})
