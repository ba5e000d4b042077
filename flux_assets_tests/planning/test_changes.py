from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flux_assets.bill.ledger_entry import pruned_reason
from flux_assets.image_api.request import ImageRequest, SourcePhoto, build_image_request
from flux_assets.manifest.rows import build_manifest
from flux_assets.manifest.stored import StoredManifest
from flux_assets.planning.changes import (
    NOT_IN_MANIFEST,
    RELEASED,
    count_changes,
    count_pruned,
    explain_changes,
)
from flux_assets.planning.plan import Plan
from flux_assets.planning.plan_table import PlanRow, build_plan_table
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets_tests.fixtures.records import LIMITS, ask, identify, make_lineage, make_request

PHOTO = SourcePhoto(uri="a.jpg", sha256="ab" * 32)
SHOWN = make_request("00123", prompt="A chair", guidance=3, seed=7)


@pytest.fixture
def manifest(tmp_path: Path) -> pd.DataFrame:
    return build_manifest(
        ask(SHOWN),
        previous=None,
        read_lineage=lambda _: {SHOWN.fingerprint: make_lineage(SHOWN)},
        store=DirectoryStore(tmp_path),
    ).read()


def _explain(manifest: pd.DataFrame | None, *requests: ImageRequest) -> list[str]:
    rows = [PlanRow(*identify(request), "changed") for request in requests]
    plan = Plan(table=build_plan_table(rows), orphaned=0, limits=LIMITS)
    stored = None if manifest is None else _store(manifest)
    return [row.reason for row in explain_changes(plan, requests, stored).rows]


def _store(manifest: pd.DataFrame) -> StoredManifest:
    return StoredManifest(StoredTable(write_parquet(manifest)), uri="", etag="")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"prompt": "A stool"}, "prompt"),
        ({"parameters": {"seed": 7, "guidance": 4.5}}, "guidance"),
        ({"parameters": {"seed": 7, "prompt_upsampling": True}}, "prompt_upsampling"),
        ({"parameters": {"seed": 7, "output_format": "jpg", "steps": 15}}, "output_format, steps"),
        ({"parameters": {"seed": 8}}, "seed"),
        ({"take": 2}, "take"),
        ({"shot_version": 2}, "version"),
        ({"take": 2, "shot_version": 3, "prompt": "A stool"}, "prompt, take, version"),
        ({"source": PHOTO, "parameters": {"seed": 7, "aspect_ratio": "1:1"}}, "mode"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_changed_picture_names_the_fields_that_differ(
    manifest: pd.DataFrame, changes: Mapping[str, Any], fields: str
) -> None:
    given: dict[str, Any] = {"prompt": "A chair", "parameters": {"seed": 7}}
    request = build_image_request(product_id="00123", shot="hero", **given | dict(changes))
    assert _explain(manifest, request) == [fields]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": SourcePhoto(uri="a.jpg", sha256="cd" * 32)}, "photo"),
        ({"source": PHOTO, "flatten": "#ffffff"}, "flatten"),
        ({}, "aspect_ratio, mode"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_photo_is_named_and_so_is_what_it_is_laid_on(
    tmp_path: Path, changes: Mapping[str, Any], field: str
) -> None:
    given: dict[str, Any] = {"product_id": "1", "shot": "scene", "prompt": "A chair"}
    shown = build_image_request(**given, parameters={"seed": 7}, source=PHOTO)
    manifest = build_manifest(
        ask(shown),
        previous=None,
        read_lineage=lambda _: {shown.fingerprint: make_lineage(shown)},
        store=DirectoryStore(tmp_path),
    ).read()
    request = build_image_request(**given, parameters={"seed": 7}, **dict(changes))
    assert _explain(manifest, request) == [field]


def test_a_manifest_of_a_release_without_photos_can_be_compared(manifest: pd.DataFrame) -> None:
    older = manifest.drop(columns=["shot_mode", "source_sha256"])
    assert _explain(older, make_request("00123", prompt="A stool", guidance=3, seed=7)) == [
        "prompt"
    ]


def test_what_the_manifest_does_not_have_cannot_be_compared(manifest: pd.DataFrame) -> None:
    changed, other = make_request("00123", prompt="A stool"), make_request("00124", "hero")
    assert _explain(manifest, changed, other) == ["prompt, seed", NOT_IN_MANIFEST]
    assert _explain(None, changed) == [NOT_IN_MANIFEST]
    older = manifest.drop(columns=["output_format"])
    assert _explain(older, changed) == [NOT_IN_MANIFEST]


def test_only_changed_rows_get_a_reason_and_each_field_is_counted(manifest: pd.DataFrame) -> None:
    changed = [make_request("00123", prompt="A stool", seed=7), make_request("00124", "wide")]
    rows = [
        PlanRow(*identify(changed[0]), "changed"),
        PlanRow(*identify(make_request("00125")), "refused", reason="moderated"),
        PlanRow(*identify(changed[1]), "changed"),
    ]
    plan = explain_changes(
        Plan(table=build_plan_table(rows), orphaned=3, limits=LIMITS), changed, _store(manifest)
    )
    assert [row.reason for row in plan.rows] == ["prompt", "moderated", NOT_IN_MANIFEST]
    assert count_changes(plan) == {"prompt": 1, NOT_IN_MANIFEST: 1}
    assert plan.orphaned == 3


def test_a_picture_that_is_gone_and_was_released_changed_nothing(manifest: pd.DataFrame) -> None:
    assert _explain(manifest, SHOWN) == [RELEASED]


def test_what_was_pruned_is_counted_whatever_changed(manifest: pd.DataFrame) -> None:
    back, again = make_request("00123", prompt="A stool", seed=7), make_request("00124")
    reason = pruned_reason("images/hero/00123/0.png")
    rows = (
        PlanRow(*identify(back), "changed", reason=reason),
        PlanRow(*identify(again), "new", reason=reason),
        PlanRow(*identify(make_request("00125")), "new"),
        PlanRow(*identify(make_request("00126")), "refused", reason=reason),
    )
    plan = explain_changes(
        Plan(table=build_plan_table(rows), orphaned=0, limits=LIMITS), [back], _store(manifest)
    )
    assert plan.rows[0].reason == "prompt, pruned"
    assert count_changes(plan) == {"prompt": 1, "pruned": 1}
    assert count_pruned(plan) == 2
