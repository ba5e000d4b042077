"""What passes between assets and steps goes through the store: any machine can run any step."""

import json
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg

from flux_assets.defs.names import Names
from flux_assets.defs.resources import StoreResource
from flux_assets.errors import ObjectNotFoundError
from flux_assets.storage.object_store import ObjectStore, run_key, table_key
from flux_assets.storage.parquet import StoredTable, read_parquet, write_parquet
from flux_assets.storage.parquet_file import PARQUET
from flux_assets.storage.run_tables import get_run_table, put_run_table
from flux_assets.storage.table_parts import TableFolder

if TYPE_CHECKING:
    import pandas as pd

_DEFAULT_KEY = "io_manager"
_UNDER_WAY = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class StoreIOManager(dg.IOManager):
    """Data frames as Parquet, everything else as JSON, which is small, under `runs/{run_id}/`.

    An asset's last table is kept at `tables/`, where a run that did not write it finds it. Parquet
    is kept only there; `runs/` has a note of it. A step that wants only parts of a large table
    says `StoredTable` for its type, and one that has its Parquet already gives that.

    None of them is ever a code location's default: others' assets have their own.
    """

    def __init__(
        self, store: StoreResource, names: Names, *, form: Literal["parquet", "json"]
    ) -> None:
        self._store = store
        self._names = names
        self._form = form

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401 - any step's
        """Write one output."""
        store = self._store.open().shop
        data = self._encode(obj)
        if context.has_asset_key and self._form == "parquet":
            key = self._table_key(context)
            self._put_table(store, context, data)
        else:
            key = self._run_key(context)
            store.put(key, data, content_type=self._content_type)
            if context.has_asset_key:
                store.put(self._table_key(context), data, content_type=self._content_type)
        context.add_output_metadata({"object_uri": store.uri_for(key)})

    def load_input(self, context: dg.InputContext) -> Any:  # noqa: ANN401 - any step's
        """Read the same run's output, or an asset's last one."""
        store = self._store.open().shop
        upstream = context.upstream_output
        if upstream is None:
            message = f"input {context.name} comes from nowhere"
            raise dg.DagsterInvariantViolationError(message)
        if not upstream.has_asset_key:
            found = store.get(self._run_key(upstream)).data
            return read_parquet(found) if self._form == "parquet" else json.loads(found)
        data = self._get_table(store, context, upstream)
        if self._form == "json":
            return json.loads(data)
        table = StoredTable(data, TableFolder(store, self._table_key(upstream)))
        return table if context.dagster_type.typing_type is StoredTable else table.read()

    def _put_table(self, store: ObjectStore, context: dg.OutputContext, data: bytes) -> None:
        instance = context.step_context.instance
        put_run_table(
            store,
            self._table_name(context),
            data,
            run_id=context.run_id,
            content_type=self._content_type,
            others_run=lambda: _others_run(instance, context.run_id),
        )

    def _get_table(
        self, store: ObjectStore, context: dg.InputContext, upstream: dg.OutputContext
    ) -> bytes:
        run_id = context.step_context.run_id
        if self._form == "parquet":
            return get_run_table(store, self._table_name(upstream), run_id=run_id)
        try:
            return store.get(self._asset_run_key(run_id, upstream)).data
        except ObjectNotFoundError:
            return store.get(self._table_key(upstream)).data

    def _run_key(self, context: dg.OutputContext) -> str:
        if context.has_asset_key:
            return self._asset_run_key(context.run_id, context)
        run_id, *rest = context.get_identifier()
        return run_key(run_id, f"{'.'.join(rest)}.{self._form}")

    def _asset_run_key(self, run_id: str, context: dg.OutputContext) -> str:
        return run_key(run_id, self._table_name(context))

    def _table_key(self, context: dg.OutputContext) -> str:
        return table_key(self._table_name(context))

    def _table_name(self, context: dg.OutputContext) -> str:
        return f"{self._names.table_name(context.asset_key)}.{self._form}"

    @property
    def _content_type(self) -> str:
        is_json = self._form == "json"
        return "application/json" if is_json else PARQUET

    def _encode(self, obj: "pd.DataFrame | object") -> bytes:
        if isinstance(obj, StoredTable):
            return obj.data
        if self._form == "parquet":
            return write_parquet(obj)  # type: ignore[arg-type]  # what tables' steps return
        return json.dumps(obj).encode()


def _others_run(instance: dg.DagsterInstance, run_id: str) -> bool:
    under_way = dg.RunsFilter(statuses=_UNDER_WAY)
    return any(other != run_id for other in instance.get_run_ids(under_way, limit=2))


def leave_default(asset: dg.AssetsDefinition, names: Names) -> None:
    """Let none of an asset's outputs ask for a code location's default I/O manager.

    That is somebody else's, and may not even start here. The outputs of checks cannot be told so
    where they are declared.
    """
    for output in asset.node_def.output_defs:
        if output.io_manager_key == _DEFAULT_KEY:
            output._io_manager_key = names.steps  # noqa: SLF001 - as said above


def io_manager_definition(
    store: StoreResource, names: Names, *, form: Literal["parquet", "json"]
) -> dg.IOManagerDefinition:
    """It as a resource without config, so that no run can change it."""
    return dg.IOManagerDefinition(
        lambda _: StoreIOManager(store, names, form=form),
        config_schema={},
        description=f"What passes between steps, through the store: {form}.",
    )
