"""What Dagster says of a run proves nothing of its steps."""

from functools import partial
from pathlib import Path

import dagster as dg
from dagster import DagsterRunStatus

from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.defs.events import is_run_dead
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.image_requests import build_request


def test_a_run_that_dagster_marks_failed_gives_no_live_steps_claims_away(tmp_path: Path) -> None:
    store, request = DirectoryStore(tmp_path), build_request()
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.add_run(
            dg.DagsterRun(job_name="refresh", run_id="run-1", status=DagsterRunStatus.STARTED)
        )
        ledgers = {
            run_id: open_ledger(
                load_settings({}),
                store,
                RunIdentity(
                    run_id=run_id, step="generate", is_run_dead=partial(is_run_dead, instance)
                ),
            )
            for run_id in ("run-1", "run-2")
        }
        ledgers["run-1"].claim(request, None)
        instance.report_run_failed(run, "its own process is gone")
        entry = ledgers["run-2"].read(request.fingerprint)

        assert is_run_dead(instance, "run-1")
        assert entry is not None
        assert not ledgers["run-2"].is_abandoned(entry)
