"""Whether the shots file, the catalog, every prompt and the overrides can be used."""

from collections.abc import Iterator

from flux_assets.catalog.product import Catalog
from flux_assets.commands.checks.finding import Finding, Verdict, name_first
from flux_assets.errors import (
    CatalogError,
    OverridesError,
    PromptError,
    ShotsFileError,
    SourceError,
    SuspectedEncodingError,
)
from flux_assets.prompts.inputs import find_problems, load_catalog, load_overrides, load_shots
from flux_assets.prompts.overrides import NO_OVERRIDES, OverridesFile
from flux_assets.prompts.requests import Skipped, build_requests
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings
from flux_assets.storage.buckets import advise_buckets
from flux_assets.storage.sources import shown_uri

_NO_SHOTS = ShotsFile(name="", sha256="", shots=(), columns={})


def check_inputs(settings: Settings) -> Iterator[Finding]:
    """Read all that the settings name; what cannot be read hides no other."""
    shots, catalog, overrides = _NO_SHOTS, None, NO_OVERRIDES
    shots_problem = overrides_problem = ""
    try:
        shots = load_shots(settings)
    except (SourceError, ShotsFileError) as error:
        shots_problem = str(error)
    try:
        catalog = load_catalog(settings, shots, only_shows=True)
        yield _judge_catalog(catalog)
        if advice := advise_buckets(settings, len(catalog.products)):
            yield Finding(name="partitions", verdict="warning", detail=advice)
    except (SourceError, CatalogError) as error:
        yield Finding(name="catalog", verdict="problem", detail=str(error))
    try:
        overrides = load_overrides(settings)
    except (SourceError, OverridesError) as error:
        overrides_problem = str(error)
    if shots_problem:
        yield Finding(name="shots", verdict="problem", detail=shots_problem)
    else:
        yield _judge_shots(shots, catalog, overrides)
    if overrides_problem:
        yield Finding(name="overrides", verdict="problem", detail=overrides_problem)
    else:
        yield _judge_overrides(settings, shots, catalog, overrides)


def _judge_catalog(catalog: Catalog) -> Finding:
    detail = (
        f"{catalog.name}: {catalog.dialect}, {catalog.rows} rows, {len(catalog.products)} products"
    )
    rejected = catalog.rejected_rows
    named = name_first(
        [*catalog.warnings, *(f"line {row.line}, {row.column}: {row.message}" for row in rejected)]
    )
    if rejected:
        detail += f", {len(rejected)} rejected rows"
    if not catalog.products:
        detail += "; nothing can be made of it"
    verdict: Verdict = "problem" if not catalog.products else "warning" if named else "ok"
    if catalog.suspected_encoding:
        problem = str(SuspectedEncodingError(catalog.name, catalog.suspected_encoding))
        return Finding(name="catalog", verdict="problem", detail=problem)
    detail += f": {named}" if named else ""
    return Finding(name="catalog", verdict=verdict, detail=detail)


def _judge_shots(shots: ShotsFile, catalog: Catalog | None, overrides: OverridesFile) -> Finding:
    names = ", ".join(shot.name for shot in shots.shots)
    if catalog is None:
        detail = f"{names}; without a catalog no prompt could be rendered"
        return Finding(name="shots", verdict="warning", detail=detail)
    made = 0
    errors: list[PromptError] = []
    for result in build_requests(catalog.products, shots.shots, overrides):
        if isinstance(result, PromptError):
            errors.append(result)
        elif not isinstance(result, Skipped):
            made += 1
    detail = f"{names}; {made} prompts render"
    if not errors:
        return Finding(name="shots", verdict="ok", detail=detail)
    detail += f", {len(errors)} do not: {name_first(map(str, errors))}"
    return Finding(name="shots", verdict="warning" if made else "problem", detail=detail)


def _judge_overrides(
    settings: Settings, shots: ShotsFile, catalog: Catalog | None, overrides: OverridesFile
) -> Finding:
    if settings.overrides is None:
        return Finding(name="overrides", verdict="ok", detail="none")
    problems = list(overrides.problems)
    if catalog is not None and shots.shots:
        products = (product.product_id for product in catalog.products)
        problems = find_problems(overrides, products, shots)
    name = shown_uri(settings.overrides)
    if not problems:
        detail = f"{name}: {len(overrides.overrides)} rows"
        return Finding(name="overrides", verdict="ok", detail=detail)
    named = name_first(f"line {row.line}, {row.column}: {row.message}" for row in problems)
    detail = f"{name}: {len(problems)} rows cannot be used, and buy nothing: {named}"
    return Finding(name="overrides", verdict="warning", detail=detail)
