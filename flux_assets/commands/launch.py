"""Runs the refresh job from the shell, in the same Dagster instance that the UI shows."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import yaml
from dagster import DagsterEventType

from flux_assets.bill.open_ledger import RunIdentity
from flux_assets.buying.summary import KINDS, RunSummary
from flux_assets.defs.event_storage import storage_config
from flux_assets.defs.events import is_run_dead
from flux_assets.defs.failures import explain_failure
from flux_assets.defs.full_collections import put_off_full_collections
from flux_assets.defs.manifest import FEW_FAILED_CHECK
from flux_assets.defs.partitions import JOB_NAME, shop_key, shop_name
from flux_assets.defs.resources import StoreResource
from flux_assets.defs.run_choices import choices_node
from flux_assets.errors import FluxAssetsError, SettingsError
from flux_assets.manifest.shortfalls import read_shortfalls
from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.planning.choices import Choices
from flux_assets.settings import Settings, load_settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore, run_key
from flux_assets.storage.parquet import StoredTable

DEFAULT_HOME = ".flux_assets/dagster"
_INVOCATION_TAG = "flux_assets/invocation"
_WATCH_SECONDS = 0.3


class RunFailedError(FluxAssetsError):
    """The run stopped; the text says why and where to look."""

    def __init__(self, run_id: str, step: str, reason: str) -> None:
        super().__init__(
            f"{reason}\n(step {step} of run {run_id}; `flux-assets dev` shows its log)"
        )
        self.run_id = run_id
        self.step = step
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is: pictures that have landed, of those it is to buy; None before the plan."""

    landed: int
    to_buy: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What a refresh came to; `shortfalls` are as `read_shortfalls` gives them.

    `before_and_after` are the addresses of one photo and of the picture made from it, if there is
    any. `failure` says why the run failed although it went to its end.
    """

    run_id: str
    store: ObjectStore
    summary: RunSummary
    shortfalls: Sequence[Sequence[str]]
    pictures_by_shot: Mapping[str, int]
    before_and_after: tuple[str, str] | None = None
    failure: str = ""

    @property
    def missing(self) -> int:
        """How many requests have no current picture."""
        return len(self.shortfalls)

    @property
    def exit_code(self) -> int:
        """0: complete; 2: finished, but pictures are missing; 1: failed."""
        if self.failure:
            return 1
        return 2 if self.missing else 0

    def to_json(self) -> dict[str, Any]:
        """The object that `flux-assets refresh --json` prints."""
        return {
            **{str(kind): self.summary.counts[kind] for kind in KINDS},
            "calls": self.summary.calls,
            "possibly_paid_twice": self.summary.possibly_paid_twice,
            "left_over_cap": self.summary.left_over_cap,
            "missing": self.missing,
            "notes": self.summary.notes,
            "failure": self.failure,
            "run_id": self.run_id,
        }


def prepare_dagster_home() -> Path:
    """Give Dagster a home where none is set: under the working folder, as `dagster.yaml` says.

    Raises:
        SettingsError: the home that is set cannot be one, or `dagster.yaml` is no settings file.
    """
    given = os.environ.get("DAGSTER_HOME")
    if given and not (Path(given).is_absolute() and Path(given).is_dir()):
        raise SettingsError("DAGSTER_HOME", f"must be a folder's absolute path, not {given!r}")
    home = Path(given or DEFAULT_HOME).absolute()
    if not given:
        home.mkdir(parents=True, exist_ok=True)
        os.environ["DAGSTER_HOME"] = str(home)
        source = Path("dagster.yaml")
        if source.exists():
            config = _read_instance_config(source)
            config["storage"] = storage_config(str(home))
            (home / "dagster.yaml").write_text(yaml.safe_dump(config), "utf-8")
    return home


def _read_instance_config(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = f"{path} is not YAML: {' '.join(str(error).split())}"
        raise SettingsError("DAGSTER_HOME", problem) from error
    if not isinstance(config, dict):
        raise SettingsError("DAGSTER_HOME", f"{path} holds no settings; restore it or delete it")
    return config


def get_refresh_job() -> dg.JobDefinition:
    """The job as the environment defines it; a function, so that other processes can find it."""
    from flux_assets.definitions import defs

    return defs.resolve_job_def(shop_name(load_settings(os.environ).shop, JOB_NAME))


def run_refresh(
    settings: Settings,
    choices: Choices,
    *,
    on_progress: Callable[[RunProgress], None] | None = None,
) -> RefreshReport:
    """Run the whole job.

    Args:
        settings: of this environment.
        choices: what is asked of this run.
        on_progress: called now and then from another thread; for it, every event is read back.

    Raises:
        RunFailedError: the run stopped.
    """
    config = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(choices).items()
        if value is not None
    }
    run_config = {
        "ops": {choices_node(settings.shop): {"config": config}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    tags = {_INVOCATION_TAG: uuid4().hex}
    with (
        dg.DagsterInstance.get() as instance,
        _watched(instance, settings, tags, on_progress) if on_progress else nullcontext(),
        dg.execute_job(
            dg.reconstructable(get_refresh_job), instance, run_config=run_config, tags=tags
        ) as result,
    ):
        if result.success:
            return _read_report(settings, result.run_id)
        failed = _explain_failure(result)
        if FEW_FAILED_CHECK in failed.step:  # after the manifest, so that there is all to report
            return _read_report(settings, result.run_id, failure=failed.reason)
        raise failed


@contextmanager
def open_run_identity(step: str) -> Iterator[RunIdentity]:
    """An identity for work outside of runs, which knows which runs have ended."""
    with dg.DagsterInstance.get() as instance, put_off_full_collections():
        yield RunIdentity(run_id="", step=step, is_run_dead=partial(is_run_dead, instance))


def _read_report(settings: Settings, run_id: str, *, failure: str = "") -> RefreshReport:
    store = StoreResource.of(settings).open().shop
    summary = json.loads(store.get(run_key(run_id, "refreshed_images.json")).data)
    before_and_after = ("source_uri", "object_uri")
    manifest = StoredTable(store.get(MANIFEST_KEY).data).read(
        ("shot", "shot_mode", *before_and_after)
    )
    edits = manifest[manifest["shot_mode"] == "edit"].head(1)
    return RefreshReport(
        run_id=run_id,
        store=store,
        summary=RunSummary.merge([summary]),
        shortfalls=read_shortfalls(store),
        pictures_by_shot=dict(manifest["shot"].value_counts(sort=False)),
        before_and_after=next(read_rows(edits, before_and_after), None),
        failure=failure,
    )


@contextmanager
def _watched(
    instance: dg.DagsterInstance,
    settings: Settings,
    tags: Mapping[str, str],
    on_progress: Callable[[RunProgress], None],
) -> Iterator[None]:
    done = threading.Event()

    def watch() -> None:
        watcher = _Watcher(instance, settings)
        while not done.wait(_WATCH_SECONDS):
            for run in instance.get_runs(dg.RunsFilter(tags=tags), limit=1):
                on_progress(watcher.look(run.run_id))

    thread = threading.Thread(target=watch, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class _Watcher:
    """Counts a run's materializations from its events, each read once."""

    def __init__(self, instance: dg.DagsterInstance, settings: Settings) -> None:
        self._instance = instance
        self._plan_key = shop_key(settings.shop, "image_plan")
        self._cursor: str | None = None
        self._landed = 0
        self._to_buy: int | None = None

    def look(self, run_id: str) -> RunProgress:
        while True:
            page = self._instance.get_records_for_run(
                run_id, cursor=self._cursor, of_type=DagsterEventType.ASSET_MATERIALIZATION
            )
            self._cursor = page.cursor
            for record in page.records:
                event = record.event_log_entry.asset_materialization
                if event is None:
                    continue
                if event.partition is not None:
                    self._landed += 1
                elif event.asset_key == self._plan_key:
                    self._to_buy = int(str(event.metadata["to_buy"].value))
            if not page.has_more:
                return RunProgress(landed=self._landed, to_buy=self._to_buy)


def _explain_failure(result: dg.JobExecutionResult) -> RunFailedError:
    failures = result.filter_events(lambda event: event.is_step_failure)
    if not failures:
        ends = [event.message for event in result.all_events if event.is_failure]
        return RunFailedError(result.run_id, "none", (ends or ["the run failed"])[-1] or "")
    return RunFailedError(result.run_id, failures[0].step_key or "", explain_failure(failures[0]))
