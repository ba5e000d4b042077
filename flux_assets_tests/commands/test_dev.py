"""`flux-assets dev`: what it says, and what it says no more."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.commands.first_pages import describe_first_pages
from flux_assets.defs.names import Names
from flux_assets.settings import load_settings
from flux_assets_tests.fixtures.command_line import COMMAND, Workplace, make_workplace

ADDRESS = "http://127.0.0.1:3000"
_PATIENCE_SECONDS = 200


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.chdir(tmp_path)
    return make_workplace(tmp_path)


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        yield instance


def _find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.mark.usefixtures("workplace")
def test_before_the_first_picture_the_job_comes_first(instance: dg.DagsterInstance) -> None:
    text = describe_first_pages(load_settings({}), Names(), instance, ADDRESS)
    assert re.findall(r"http://\S+", text) == [
        f"{ADDRESS}/locations/flux_assets/jobs/refresh_catalog_images/playground",
        f"{ADDRESS}/asset-groups",
    ]


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("shop", ["", "bags"])
def test_where_there_are_pictures_they_come_first(instance: dg.DagsterInstance, shop: str) -> None:
    prefix = [shop] if shop else []
    instance.report_runless_asset_event(dg.AssetMaterialization([*prefix, "images", "hero"]))
    text = describe_first_pages(load_settings({}), Names(shop=shop or None), instance, ADDRESS)
    path = "/".join([*prefix, "images", "hero"])
    assert re.findall(r"http://\S+", text)[0] == f"{ADDRESS}/assets/{path}?view=partitions"
    assert "each product's hero picture" in text


@pytest.mark.usefixtures("workplace")
def test_where_partitions_are_buckets_their_page_is_called_so(instance: dg.DagsterInstance) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(["images", "hero"]))
    settings = load_settings({"FLUX_ASSETS_PARTITION_BY": "bucket"})
    assert "the hero pictures, in 256 buckets" in describe_first_pages(
        settings, Names(), instance, ADDRESS
    )


def test_without_a_shots_file_the_job_is_named_all_the_same(
    workplace: Workplace, instance: dg.DagsterInstance
) -> None:
    (workplace.folder / "data/shots.yaml").unlink()
    assert "/jobs/refresh_catalog_images" in describe_first_pages(
        load_settings({}), Names(), instance, ADDRESS
    )


def test_a_port_that_is_taken_is_told(workplace: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = workplace.run("dev", "--port", str(taken.getsockname()[1]))
    assert done.exit_code == 1
    assert "something listens on port" in done.stderr


@contextmanager
def _starting(workplace: Workplace, port: int) -> Iterator[subprocess.Popen[str]]:
    """A `dev` that has said it starts, and listens nowhere yet."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [str(COMMAND), "dev", "--port", str(port)],
        cwd=workplace.folder,
        env=workplace.environ({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert "Starting Dagster at" in process.stderr.readline()
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_while_one_starts_another_is_told_where_it_is_and_a_killed_one_is_in_nobodys_way(
    workplace: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    neighbour = make_workplace(tmp_path_factory.mktemp("neighbour"))
    port = _find_free_port()
    with _starting(workplace, port) as first:
        for other_port in (port, _find_free_port()):
            second = workplace.run("dev", "--port", str(other_port))
            assert second.exit_code == 1
            assert f"http://127.0.0.1:{port} (process {first.pid})" in second.stderr
        beside = neighbour.run("dev", "--port", str(port))
        assert beside.exit_code == 1
        assert f"port {port} belongs to the flux-assets dev of {workplace.folder}" in beside.stderr
        assert first.poll() is None
    for folder in (neighbour, workplace):
        with _starting(folder, port):
            pass


_WITHOUT_UI = """
import sys
sys.modules["dagster_webserver"] = None
sys.argv = ["flux-assets", "dev"]
from flux_assets.commands.main import main
main()
"""


def test_without_the_web_server_it_says_what_to_install(workplace: Workplace) -> None:
    (workplace.folder / "dagster_webserver.py").write_text("raise ImportError")
    done = subprocess.run(  # noqa: S603 - this interpreter and the text above
        [sys.executable, "-c", _WITHOUT_UI],
        cwd=workplace.folder,
        env=workplace.environ({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "`pip install 'flux-assets[ui]'` installs it" in done.stderr
    assert not (workplace.folder / ".flux_assets").exists()


def test_loading_the_definitions_warns_of_nothing(workplace: Workplace) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", "from flux_assets.definitions import defs"],
        cwd=workplace.folder,
        env=workplace.environ({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


@pytest.mark.slow
def test_it_says_what_to_open_once_it_is_up_and_warns_of_nothing(workplace: Workplace) -> None:
    assert workplace.run("refresh", "--limit", "0").exit_code == 0  # events that it did not see
    port = _find_free_port()
    last = f"  http://127.0.0.1:{port}/asset-groups"
    wanted = {last, "Instance is configured with the following", "Checking for new runs"}
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own command
        [str(COMMAND), "dev", "--port", str(port)],
        cwd=workplace.folder,
        env=workplace.environ({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        stop = threading.Timer(_PATIENCE_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        stop.start()
        try:
            assert process.stdout is not None
            while wanted and (line := process.stdout.readline()):
                said.append(line)
                wanted -= {it for it in wanted if it in line}
        finally:
            stop.cancel()
            os.killpg(process.pid, signal.SIGKILL)
    assert not wanted, "".join(said)
    assert [line for line in said if "warning" in line.lower()] == []
