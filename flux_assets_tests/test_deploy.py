"""The files of `deploy/`, as far as they can be judged without Docker and without a cluster."""

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._config import validate_config
from dagster_aws.s3 import S3ComputeLogManager
from dagster_k8s import K8sRunLauncher

from flux_assets.commands.checks.instance import judge_instance
from flux_assets.defs.pools import API_POOL
from flux_assets.settings import Settings, load_settings, variable_of
from flux_assets_tests.fixtures.command_line import PROJECT
from flux_assets_tests.fixtures.postgres_server import PostgresServer

DEPLOY = PROJECT / "deploy"
PRODUCTION = DEPLOY / "dagster.production.yaml"
OURS = {variable_of(field) for field in Settings.model_fields}
OTHERS = ("AWS_", "DAGSTER_", "POSTGRES_")
"""Variables of boto3, of Dagster and of `dagster.production.yaml`, of the PostgreSQL image."""
CHART_FIELDS = {
    "dagsterDaemon": "enabled image runCoordinator heartbeatTolerance env envConfigMaps envSecrets"
    " deploymentLabels labels nodeSelector affinity tolerations podSecurityContext securityContext"
    " resources checkDbReadyInitContainer livenessProbe readinessProbe startupProbe annotations"
    " runMonitoring runRetries sensors schedules backfills schedulerName logFormat volumeMounts"
    " volumes initContainerResources extraContainers extraPrependedInitContainers",
    "dagsterDaemon.runCoordinator": "enabled type config",
    "dagsterDaemon.runCoordinator.config.queuedRunCoordinator": "maxConcurrentRuns"
    " tagConcurrencyLimits dequeueIntervalSeconds dequeueNumWorkers dequeueUseThreads"
    " blockOpConcurrencyLimitedRuns",
    "dagsterDaemon.runRetries": "enabled maxRetries retryOnAssetOrOpFailure",
    "dagsterWebserver.service": "annotations type port",
    "runLauncher": "type config",
    "runLauncher.config.k8sRunLauncher": "image imagePullPolicy jobNamespace loadInclusterConfig"
    " kubeconfigFile envConfigMaps envSecrets envVars volumeMounts volumes labels"
    " failPodOnRunFailure resources schedulerName securityContext runK8sConfig",
    "runLauncher.config.k8sRunLauncher.runK8sConfig": "containerConfig podSpecConfig"
    " podTemplateSpecMetadata jobSpecConfig jobMetadata",
    "computeLogManager": "type config",
    "concurrency": "enabled pools runs",
    "concurrency.pools": "defaultLimit granularity opGranularityRunBuffer",
    "concurrency.runs": "maxConcurrentRuns tagConcurrencyLimits",
    "retention": "enabled sensor schedule autoMaterialize",
    "retention.sensor.purgeAfterDays": "skipped success failure started",
    "retention.schedule.purgeAfterDays": "skipped success failure started",
}
"""Sections of the chart's values with the fields that they know; most refuse any other.

Source: the schema of the chart's values, in Dagster's repository below `helm/dagster/schema`.
"""


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    return yaml.safe_load(path.read_text("utf-8"))


def snake_case(values: Any) -> Any:  # noqa: ANN401 - any part of a YAML file
    """A chart's keys as the configuration of Dagster's classes has them."""
    if isinstance(values, dict):
        return {
            re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): snake_case(value)
            for name, value in values.items()
        }
    return [snake_case(value) for value in values] if isinstance(values, list) else values


# --- All of them --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_yaml_file_can_be_read(path: Path) -> None:
    assert isinstance(read_yaml(path), dict)


def names_in(values: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a YAML file
    """Variables: keys of `env` and `environment`, `{env: NAME}`, and what text takes them from."""
    if isinstance(values, str):
        yield from re.findall(r"\$\{(\w+)", values)
    if isinstance(values, list):
        for value in values:
            yield from names_in(value)
    if isinstance(values, dict):
        for name, value in values.items():
            if name in {"env", "environment"}:
                yield from [value] if isinstance(value, str) else value
            yield from names_in(value)


@pytest.mark.parametrize("name", ["compose.yaml", "dagster.production.yaml", "helm-values.yaml"])
def test_every_variable_is_a_setting_or_belongs_to_dagster_or_aws(name: str) -> None:
    path = DEPLOY / name
    names = set(names_in(read_yaml(path)))
    names |= set(re.findall(r"\b(?:FLUX_ASSETS|ONEMIN|AWS|DAGSTER)_[A-Z_0-9]+", path.read_text()))
    assert names
    assert {each for each in names if each not in OURS and not each.startswith(OTHERS)} == set()


def flux_assets_variables(environ: Mapping[str, str | None]) -> dict[str, str]:
    """The settings of a file, with something for what only a secret gives."""
    given = {name: text or "" for name, text in environ.items() if name in OURS}
    return {
        name: "s3://bucket/prefix"
        if text.startswith("${FLUX_ASSETS_STORE")
        else re.sub(r"\$\{\w+:-(.*)\}", r"\1", text)
        for name, text in given.items()
    } | {"ONEMIN_API_KEY": "invented-key"}


def test_the_settings_of_compose_and_chart_can_be_loaded() -> None:
    compose = read_yaml(DEPLOY / "compose.yaml")["x-flux-assets"]["environment"]
    (deployment,) = read_yaml(DEPLOY / "helm-values.yaml")["dagster-user-deployments"][
        "deployments"
    ]
    assert load_settings(flux_assets_variables(compose)).rate_limiter is not None
    assert load_settings(flux_assets_variables(deployment["env"])).executor == "k8s"


# --- Dockerfile and compose ---------------------------------------------------------------------


def dockerfile() -> list[str]:
    """Its instructions, each as one line."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_dockerfile_copies_only_what_there_is_and_what_its_context_holds() -> None:
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    copied = [
        source
        for line in dockerfile()
        if line.startswith("COPY") and "--from" not in line
        for source in [word for word in line.split()[1:] if not word.startswith("--")][:-1]
    ]
    assert len(copied) == 9
    for source in copied:
        assert (PROJECT / source).exists(), source
        assert f"!{source}" in allowed


def test_the_image_does_not_run_as_root() -> None:
    users = [line.split()[1] for line in dockerfile() if line.startswith(("USER", "FROM"))]
    assert users[-1] == "10001"
    assert not [line for line in dockerfile() if re.search(r"KEY|SECRET|PASSWORD", line)]


def test_the_image_is_built_from_locked_versions_with_their_hashes() -> None:
    install = [line for line in dockerfile() if "pip install" in line]
    assert len(install) == 2
    assert "--require-hashes -r requirements.lock" in install[0]
    assert "--no-deps --no-index --no-build-isolation ." in install[1]
    lock = (DEPLOY / "requirements.lock").read_text("utf-8")
    pins = re.findall(
        r"^([a-z0-9][a-z0-9._-]*(?:\[.*\])?==\S+).*\\\n    --hash=sha256:", lock, re.MULTILINE
    )
    assert len(pins) == len(re.findall(r"^[a-z0-9]", lock, re.MULTILINE)) > 100
    developers = (PROJECT / "requirements-dev.lock").read_text("utf-8")
    assert [pin for pin in pins if f"\n{pin} " not in f"\n{developers}"] == []
    assert {"hatchling", "dagster-celery", "dagster-k8s", "dagster-postgres"} <= {
        pin.partition("==")[0] for pin in pins
    }


def test_the_base_image_is_pinned_by_its_digest() -> None:
    (image,) = [line.partition("=")[2] for line in dockerfile() if line.startswith("ARG")]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64}", image)
    bases = [line.split()[1] for line in dockerfile() if line.startswith("FROM")]
    assert bases == ["${PYTHON_IMAGE}"] * 2


def test_only_what_runs_our_code_has_its_secrets() -> None:
    services = read_yaml(DEPLOY / "compose.yaml")["services"]
    with_key = {
        name for name in services if "ONEMIN_API_KEY" in services[name].get("environment", {})
    }
    with_settings = {
        name for name in services if OURS & services[name].get("environment", {}).keys()
    }
    assert with_key == with_settings == {"code", "worker"}
    values = read_yaml(DEPLOY / "helm-values.yaml")
    for part in ("dagsterDaemon", "dagsterWebserver"):
        assert [secret["name"] for secret in values[part]["envSecrets"]] == ["flux-assets-aws"]
        assert not OURS & values[part]["env"].keys()
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    assert not launcher.get("envSecrets")


def test_the_ui_of_compose_is_not_open_to_the_network() -> None:
    services = read_yaml(DEPLOY / "compose.yaml")["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:3000:3000"]


def test_compose_serves_the_location_that_its_workspace_names() -> None:
    (location,) = read_yaml(DEPLOY / "compose.workspace.yaml")["load_from"]
    server = location["grpc_server"]
    assert server["host"] in read_yaml(DEPLOY / "compose.yaml")["services"]
    assert f'"{server["port"]}", "-m", "flux_assets.definitions"' in dockerfile()[-1]


# --- The chart's values: what its schema and Dagster's own classes can judge of them -------------


@pytest.mark.parametrize("section", CHART_FIELDS)
def test_the_chart_is_given_no_field_that_it_does_not_know(section: str) -> None:
    values = read_yaml(DEPLOY / "helm-values.yaml")
    for name in section.split("."):
        values = values[name]
    assert set(values) <= set(CHART_FIELDS[section].split())


def test_the_charts_run_launcher_and_logs_are_configured_as_their_classes_allow() -> None:
    values = read_yaml(DEPLOY / "helm-values.yaml")
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    given = {
        # What the chart fills in by itself.
        "service_account_name": values["global"]["serviceAccountName"],
        "instance_config_map": "dagster-instance",
        "dagster_home": "/opt/dagster/dagster_home",
        **snake_case({name: part for name, part in launcher.items() if name != "runK8sConfig"}),
        "run_k8s_config": {
            section: snake_case(part)
            for section, part in snake_case(launcher["runK8sConfig"]).items()
        },
    }
    launcher_type = K8sRunLauncher.config_type()  # type: ignore[no-untyped-call]  # Dagster's
    validated = validate_config(launcher_type, given)
    assert validated.success, validated.errors
    logs = snake_case(values["computeLogManager"]["config"]["s3ComputeLogManager"])
    logs_type = S3ComputeLogManager.config_type()  # type: ignore[no-untyped-call]  # as above
    assert validate_config(logs_type, logs).success


def test_runs_and_steps_get_no_variables_of_services() -> None:
    """The chart has no such field for the code location; what it gets is not taken for settings."""
    values = read_yaml(DEPLOY / "helm-values.yaml")
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    assert launcher["runK8sConfig"]["podSpecConfig"]["enableServiceLinks"] is False
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    service = deployment["name"].upper().replace("-", "_")
    port = deployment["port"]
    links = {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": str(port),
        f"{service}_SERVICE_PORT_GRPC": str(port),
        f"{service}_PORT": f"tcp://10.0.0.1:{port}",
        f"{service}_PORT_{port}_TCP": f"tcp://10.0.0.1:{port}",
    }
    environ = flux_assets_variables(deployment["env"])
    assert load_settings({**environ, **links}) == load_settings(environ)


def test_the_chart_and_the_production_file_set_the_same_instance() -> None:
    values, production = read_yaml(DEPLOY / "helm-values.yaml"), read_yaml(PRODUCTION)
    concurrency = snake_case(values["concurrency"])
    assert concurrency.pop("enabled") is True
    assert concurrency == production["concurrency"]
    assert snake_case(values["dagsterDaemon"]["runRetries"]) == production["run_retries"]
    for kind, kept in production["retention"].items():
        chart = values["retention"][kind]["purgeAfterDays"]
        assert kept["purge_after_days"] == {name: chart[name] for name in kept["purge_after_days"]}


def test_every_pod_has_requests_limits_and_no_more_rights_than_it_needs() -> None:
    values = read_yaml(DEPLOY / "helm-values.yaml")
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    pods = [deployment, values["dagsterDaemon"], values["dagsterWebserver"]]
    for pod in [*pods, values["runLauncher"]["config"]["k8sRunLauncher"]]:
        assert pod["resources"].keys() == {"requests", "limits"}
    assert all(pod["securityContext"]["allowPrivilegeEscalation"] is False for pod in pods)
    assert deployment["includeConfigInLaunchedRuns"]["enabled"] is True


# --- The instance, on a real PostgreSQL ----------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer) -> Path:
    (tmp_path / "dagster.yaml").write_text(PRODUCTION.read_text("utf-8"), "utf-8")
    for name, text in {
        **postgres.environ(postgres.create_database()),
        "DAGSTER_HOME": str(tmp_path),
        "DAGSTER_LOGS_BUCKET": "logs",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, text)
    return tmp_path


@pytest.mark.slow
def test_dagster_takes_the_production_file(home: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own environment's Dagster
        [str(Path(sys.executable).with_name("dagster")), "instance", "info"],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for part in ("run_storage: PostgresRunStorage", "default_limit: 4", "purge_after_days"):
        assert part in done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_the_production_instance_has_nothing_to_warn_of_where_the_rate_is_shared() -> None:
    with dg.DagsterInstance.get() as instance:
        findings = list(judge_instance(instance, API_POOL, is_rate_shared=True))
        assert isinstance(instance.compute_log_manager, S3ComputeLogManager)
        unshared = list(judge_instance(instance, API_POOL, is_rate_shared=False))
    assert {finding.verdict for finding in findings} == {"ok"}
    assert findings[0].detail == "Postgres"
    assert [finding.name for finding in unshared if finding.verdict == "warning"] == [
        f"dagster pool {API_POOL}"
    ]


def test_the_example_beside_other_locations_finds_its_files_from_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    example = runpy.run_path(str(DEPLOY / "existing_dagster" / "pictures.py"))
    keys = example["defs"].resolve_all_asset_keys()
    assert dg.AssetKey(["images", "hero"]) in keys
    texts = [spec.description for spec in example["defs"].resolve_all_asset_specs()]
    assert not any("CANNOT BE MADE" in (text or "") for text in texts)
