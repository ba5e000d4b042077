import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "flux_assets"

# Each layer may import itself and what stands above it. A new module is to be placed in one.
LAYERS = (
    ("errors",),
    (
        *("alert_webhook", "aws_session", "formula_cells", "full_collections", "parameters"),
        "process_identity",
    ),
    ("settings",),
    ("catalog", "image_request", "sources"),
    (
        *("prompts", "shots", "inputs", "overrides", "overrides_table", "templates", "text_growth"),
        *("template_environment", "yaml_outline"),
    ),
    (
        *("budget", "image_api", "images", "ledger", "ledger_entry", "ledger_scan", "lineage"),
        *("frames", "parallel", "parquet", "previews", "recognition", "run_stop"),
        *("send_rules", "store"),
    ),
    ("account_credits", "findings", "landing", "outcome", "photos", "picture_records", "pins"),
    ("asset_uploads", "purchase", "reply_form", "result_wait", "sending"),
    (
        *(
            "changes",
            "choices",
            "generation",
            "manifest",
            "manifest_csv",
            "manifest_rows",
            "plan",
            "reports",
            "shortfalls",
        ),
        *("summary", "tables"),
    ),
    (
        *("api_access", "assembly", "dry_run", "manifest_repair", "planning", "release"),
        *("prune", "rendering", "request_reuse", "reroll", "verify", "wanted_pictures"),
    ),
    ("checks",),
    ("defs",),
    ("executors",),
    ("celery_worker", "definitions", "launch", "shop_definitions"),
    ("commands",),
    ("cli",),
)
# The stand-in shares no more with the client than what both take from the vendor's page.
BESIDE = {"simulator": {"errors", "image_request"}}
USERS_OF_THE_SIMULATOR = {"api_access", "cli"}

MAY_IMPORT_DAGSTER = {
    *("celery_worker", "cli", "commands", "definitions", "defs", "executors", "launch"),
    "shop_definitions",
}
SLOW_TO_IMPORT = (
    *("pandas", "pyarrow", "boto3", "botocore", "PIL", "bs4", "cv2"),
    *("uvicorn", "starlette", "flux_assets.simulator"),
    *("alembic", "celery", "kubernetes", "limits", "redis", "sqlalchemy"),
)
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


@cache
def _modules() -> Mapping[str, Path]:
    """Every module of the package by its dotted name."""
    return {
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def _imports(path: Path) -> Iterator[str]:
    """The dotted name of all that a module imports, wherever in it the import stands."""
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: imports are absolute"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in _modules() else str(node.module)


def _part(module: str) -> str:
    """The module or package right below flux_assets that a module belongs to."""
    return (*module.split("."), "")[1]


@cache
def _parts() -> set[str]:
    return {_part(module) for module in _modules()} - {""}


def _importable_by(part: str) -> set[str]:
    if part in BESIDE:
        return {part} | BESIDE[part]
    for number, layer in enumerate(LAYERS, start=1):
        if part in layer:
            beside = {"simulator"} if part in USERS_OF_THE_SIMULATOR else set()
            return beside.union(*LAYERS[:number])
    return set()


def test_every_module_has_its_layer() -> None:
    placed = [*(part for layer in LAYERS for part in layer), *BESIDE]
    assert sorted(placed) == sorted(_parts())


@pytest.mark.parametrize("module", _modules())
def test_imports_only_go_down_the_layers(module: str) -> None:
    part = _part(module)
    ours = {_part(name) for name in _imports(_modules()[module]) if name in _modules()}
    assert ours - _importable_by(part) == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        module: {name for name in _imports(path) if name in _modules()} - {module}
        for module, path in _modules().items()
    }
    finished: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in finished:
            for imported in sorted(graph[module]):
                visit(imported, (*trail, module))
            finished.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("module", _modules())
def test_the_core_never_imports_dagster(module: str) -> None:
    if _part(module) not in MAY_IMPORT_DAGSTER:
        imported = list(_imports(_modules()[module]))
        assert [name for name in imported if name.startswith("dagster")] == []


def test_annotations_in_defs_are_real_objects_as_dagster_needs_them() -> None:
    for module, path in _modules().items():
        if _part(module) == "defs":
            assert "__future__" not in set(_imports(path)), module


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_and_functions_stay_short() -> None:
    too_long = []
    for path in _modules().values():
        lines = len(path.read_text("utf-8").splitlines())
        if lines >= MAX_FILE_LINES:
            too_long.append(f"{path.relative_to(PROJECT)}: {lines} lines")
        for node in ast.walk(_parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = _length(node) - (_length(node.body[0]) if ast.get_docstring(node) else 0)
                if lines >= MAX_FUNCTION_LINES:
                    too_long.append(f"{path.relative_to(PROJECT)}: {node.name}, {lines} lines")
    assert too_long == []


_LOAD_DEFINITIONS = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from flux_assets.settings import load_settings
from flux_assets.shop_definitions import build_definitions
live = {"FLUX_ASSETS_MODE": "live", "ONEMIN_API_KEY": "x", "FLUX_ASSETS_STORE": "s3://b/p"}
build_definitions(load_settings(live)).resolve_job_def("refresh_catalog_images")
print(json.dumps(sorted(sys.modules)))
"""


def test_loading_the_definitions_loads_nothing_slow() -> None:
    """The code server does so on every reload, and each process of a run once more."""
    environ = {"PATH": "", "HOME": str(PROJECT)}
    loaded = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _LOAD_DEFINITIONS],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        check=True,
        timeout=120,
    )
    modules = set(json.loads(loaded.stdout))
    assert "dagster" in modules
    assert [name for name in SLOW_TO_IMPORT if name in modules] == []
