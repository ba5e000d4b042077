import ast
import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "flux_assets"

SLOW_TO_IMPORT = (
    *("pandas", "pyarrow", "boto3", "botocore", "PIL", "bs4", "cv2", "ftfy"),
    *("python_calamine", "xlrd"),
    *("uvicorn", "starlette", "flux_assets.image_api.simulator.server"),
    *("alembic", "celery", "kubernetes", "limits", "redis", "sqlalchemy"),
)
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


def test_annotations_in_defs_are_real_objects_as_dagster_needs_them() -> None:
    for path in (PACKAGE / "defs").rglob("*.py"):
        assert "from __future__" not in path.read_text("utf-8"), path


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_and_functions_stay_short() -> None:
    too_long = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text("utf-8")
        lines = len(text.splitlines())
        if lines >= MAX_FILE_LINES:
            too_long.append(f"{path.relative_to(PROJECT)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = _length(node) - (_length(node.body[0]) if ast.get_docstring(node) else 0)
                if lines >= MAX_FUNCTION_LINES:
                    too_long.append(f"{path.relative_to(PROJECT)}: {node.name}, {lines} lines")
    assert too_long == []


_LOAD_DEFINITIONS = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from flux_assets.settings import load_settings
from flux_assets.defs.shop_definitions import build_definitions
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
