"""`flux-assets prune` as a person runs it: what it shows, deletes, and what that costs later."""

import os
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.command_line import Finished, Workplace, make_workplace

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHOSEN = ("--product-ids", "00123", "--product-ids", "OUT-12", "--shots", "hero", "--json")
TITLE, NEW_TITLE = "Oslo Lounge Chair", "Oslo Rocking Chair"
FORTY_DAYS = 40 * 24 * 60 * 60


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


def objects(workplace: Workplace) -> dict[str, datetime]:
    """When each object of the store was last written."""
    return {info.key: info.modified_at for info in DirectoryStore(workplace.store).list("")}


def make_older(workplace: Workplace) -> None:
    for path in workplace.pictures():
        then = path.stat().st_mtime - FORTY_DAYS
        os.utime(path, (then, then))


def plain(done: Finished) -> str:
    return " ".join((done.stdout + done.stderr).split())


def bought(workplace: Workplace, environ: Mapping[str, str]) -> tuple[int, int]:
    """What a refresh of the chosen pictures paid for, and how much of it maybe twice."""
    done = workplace.run("refresh", *CHOSEN, **environ)
    return done.json["calls"], done.json["possibly_paid_twice"]


@pytest.mark.slow
def test_old_pictures_are_shown_then_deleted_and_bought_again_once_if_they_are_wanted(
    workplace: Workplace,
) -> None:
    assert bought(workplace, {}) == (2, 0)
    make_older(workplace)
    old = set(workplace.pictures())
    workplace.replace_in_catalog(TITLE, NEW_TITLE)
    assert bought(workplace, {}) == (1, 0)
    before = objects(workplace)

    shown = workplace.run("prune")
    assert shown.exit_code == 0, shown.stderr
    assert "1 picture to delete, 0.0 MB" in plain(shown)
    assert "superseded" in shown.stdout
    assert "must be paid again: up to about 0.07 USD" in plain(shown)
    assert "Nothing was deleted; the same with --delete does it." in plain(shown)
    assert objects(workplace) == before

    pruned = workplace.run("prune", "--delete")
    assert pruned.exit_code == 0, pruned.stderr
    assert plain(pruned).index("must be paid again") < plain(pruned).index("Deleted: 1.")
    [gone] = old - set(workplace.pictures())
    assert gone.name in shown.stdout
    assert workplace.run("verify", "--deep").exit_code == 0

    workplace.replace_in_catalog(NEW_TITLE, TITLE)
    planned = plain(workplace.run("plan", *CHOSEN[:-1]))
    assert "1 picture to buy" in planned
    assert "1 of them was stored before and pruned" in planned
    assert bought(workplace, {}) == (1, 1)
    assert gone in workplace.pictures()
    assert bought(workplace, {}) == (0, 0)
    assert workplace.run("verify", "--deep").exit_code == 0


@pytest.mark.slow
def test_what_feeds_show_or_could_go_back_to_stays_and_what_was_made_goes_if_asked_for(
    workplace: Workplace,
) -> None:
    on = {"FLUX_ASSETS_CHANNELS": "data/channels.yaml"}
    assert bought(workplace, {}) == (2, 0)
    assert workplace.run("publish", **on).exit_code == 0
    workplace.replace_in_catalog(TITLE, NEW_TITLE)
    make_older(workplace)
    assert bought(workplace, {}) == (1, 0)
    assert workplace.run("publish", **on).exit_code == 0
    old = workplace.store / f"publishing/renditions/00123/hero/{'f' * 32}.jpg"
    young = old.with_name(f"{'e' * 32}.jpg")
    for path, days in ((old, 8), (young, 6)):
        path.write_bytes(b"a file")
        then = path.stat().st_mtime - days * 24 * 60 * 60
        os.utime(path, (then, then))
    before = objects(workplace)

    command = ("prune", "--renditions", "--older-than-days", "0")
    shown = workplace.run(*command)
    assert shown.exit_code == 0, shown.stderr
    assert "0 pictures to delete" in plain(shown)
    assert "1 rendition to delete" in plain(shown)
    assert "Nothing was deleted; the same with --delete does it." in plain(shown)
    assert workplace.run("prune", "--json").json["kept"]["published"] == 1
    assert objects(workplace) == before

    pruned = workplace.run(*command, "--delete", "--json")
    assert (pruned.exit_code, pruned.json["deleted"]) == (0, 0), pruned.stderr
    assert pruned.json["renditions"]["deleted"] == 1
    assert pruned.json["renditions"]["kept"]["younger"] >= 1
    gone = old.relative_to(workplace.store).as_posix()
    assert set(before) - set(objects(workplace)) == {gone}

    (workplace.store / "publishing/feeds/shopify/editions/000001.parquet").write_bytes(b"PAR1")
    damaged = workplace.run("prune", "--delete")
    assert damaged.exit_code == 1
    assert "nothing was deleted" in plain(damaged)
    assert "it is no edition" in plain(damaged)


@pytest.mark.slow
def test_a_product_that_comes_back_is_bought_again_once_and_its_plan_says_so(
    workplace: Workplace,
) -> None:
    bought(workplace, {})
    make_older(workplace)
    catalog = workplace.folder / "data" / "catalog.csv"
    text = catalog.read_text("utf-8")
    others = [line for line in text.splitlines(keepends=True) if "OUT-12" not in line]
    catalog.write_text("".join(others), "utf-8")
    refreshed = workplace.run("refresh", *CHOSEN[:2], *CHOSEN[4:], "--accept-drop")
    assert refreshed.json["calls"] == 0, refreshed.stderr

    pruned = workplace.run("prune", "--orphaned", "--delete", "--json")
    assert pruned.exit_code == 0, pruned.stderr
    assert pruned.json["deleted"] == 1
    assert pruned.json["orphaned"]["hero"]["pictures"] == 1

    catalog.write_text(text, "utf-8")
    planned = workplace.run("plan", *CHOSEN[:-1])
    assert "1 of them was stored before and pruned" in plain(planned)
    assert bought(workplace, {}) == (1, 1)
    assert bought(workplace, {}) == (0, 0)


@pytest.mark.slow
def test_a_bucket_is_pruned_and_one_with_versions_keeps_them(
    workplace: Workplace, moto_client: "S3Client", moto_endpoint: str
) -> None:
    bucket = f"prune-{uuid.uuid4()}"
    moto_client.create_bucket(Bucket=bucket)
    moto_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    environ = {
        "FLUX_ASSETS_STORE": f"s3://{bucket}/some/prefix",
        "AWS_ENDPOINT_URL_S3": moto_endpoint,
        "AWS_ACCESS_KEY_ID": "invented",
        "AWS_SECRET_ACCESS_KEY": "invented-too",
        "AWS_REGION": "us-east-1",
    }
    command = ("prune", "--older-than-days", "0", "--json")
    assert bought(workplace, environ) == (2, 0)
    workplace.replace_in_catalog(TITLE, NEW_TITLE)
    assert bought(workplace, environ) == (1, 0)
    assert workplace.run("prune", "--json", **environ).json["kept"]["younger"] == 1

    listed = workplace.run(*command, **environ).json
    assert (listed["dry_run"], listed["pictures"], listed["deleted"]) == (True, 1, 0)
    [key] = (f"some/prefix/{key}" for key in listed["first"])
    assert moto_client.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1
    pruned = workplace.run(*command, "--delete", **environ)
    assert (pruned.exit_code, pruned.json["deleted"]) == (0, 1), pruned.stderr
    assert pruned.json["superseded"]["hero"]["pictures"] == 1
    assert moto_client.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 0
    assert len(moto_client.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]) == 1
    assert workplace.run("verify", "--deep", **environ).exit_code == 0

    workplace.replace_in_catalog(NEW_TITLE, TITLE)
    assert bought(workplace, environ) == (1, 1)


def test_without_a_manifest_nothing_is_deleted_and_it_says_what_to_do(
    workplace: Workplace,
) -> None:
    workplace.make_store()
    done = workplace.run("prune", "--delete")
    assert done.exit_code == 1
    assert "nothing was deleted" in plain(done)
    assert "has no manifest" in plain(done)
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_old_parts_of_tables_are_shown_and_then_deleted(workplace: Workplace) -> None:
    on = {"FLUX_ASSETS_PARTITION_BY": "bucket"}
    assert bought(workplace, on) == (2, 0)
    workplace.replace_in_catalog(TITLE, NEW_TITLE)
    assert bought(workplace, on) == (1, 0)
    command = ("prune", "--table-parts", "--json")
    assert workplace.run(*command, **on).json["table_parts"]["files"] == 0
    for path in workplace.store.glob("tables/parts/*/*.parquet"):
        then = path.stat().st_mtime - FORTY_DAYS
        os.utime(path, (then, then))
    before = objects(workplace)
    shown = plain(workplace.run("prune", "--table-parts", **on))
    assert "table parts to delete" in shown
    pruned = workplace.run(*command, "--delete", **on)
    assert pruned.exit_code == 0, pruned.stderr
    gone = before.keys() - objects(workplace).keys()
    assert pruned.json["table_parts"]["deleted"] == len(gone) >= 4
    assert all(key.startswith("tables/parts/") for key in gone)
    assert bought(workplace, on) == (0, 0)
    assert workplace.run("verify", **on).exit_code == 0


def test_while_a_refresh_is_under_way_nothing_is_deleted(workplace: Workplace) -> None:
    workplace.make_store()
    home = workplace.folder / "home"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        run_id = instance.create_run_for_job(
            refresh_catalog_images, status=dg.DagsterRunStatus.STARTED
        ).run_id
    done = workplace.run("prune", "--delete", DAGSTER_HOME=str(home))
    assert done.exit_code == 1
    assert f"nothing was deleted: run {run_id} is refreshing this shop already" in plain(done)


@dg.job
def refresh_catalog_images() -> None:
    """Stands in Dagster's list of runs for the real job."""
