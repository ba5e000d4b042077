"""One picture bought, like any other, and all that only a real purchase can show of the API."""

from collections.abc import Callable, Iterator

from flux_assets.bill.caps import check_run_cap
from flux_assets.bill.open_ledger import RunIdentity, Stores
from flux_assets.buying.generation import open_generation
from flux_assets.buying.outcome import WITH_PICTURE, Outcome
from flux_assets.commands.checks.finding import Finding, Verdict
from flux_assets.commands.checks.reply_form import describe_reply
from flux_assets.errors import FluxAssetsError
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.open_api import open_api
from flux_assets.image_api.options import ApiOptions
from flux_assets.image_api.protocol import Credits, parse_reply
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.transport import HttpReply
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import DryRun, plan_catalog
from flux_assets.planning.plan_table import TO_BUY
from flux_assets.prompts.inputs import refuse_guess
from flux_assets.publishing.provenance import read_provenance
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

_NOTHING_TO_BUY = (
    "no picture is to buy: each is stored, or waits as `flux-assets plan` says; ask for another "
    "one with `flux-assets reroll`"
)


def buy_one(
    settings: Settings,
    stores: Stores,
    run: RunIdentity,
    *,
    announce: Callable[[str], None],
) -> Iterator[Finding]:
    """Buy the first picture that the plan says is to buy, and describe what came of it.

    It goes through the ledger and the daily limit, is sent once at most, and ends in the store.

    Args:
        settings: of this environment.
        stores: to buy into.
        run: in whose name; no other run has its id.
        announce: is told what is bought and for how much, before it is.

    Raises:
        FluxAssetsError: the plan cannot be made, or a cap or the store stops the purchase.
    """
    dry_run = plan_catalog(settings, stores.shop, run, Choices())
    refuse_guess(dry_run.catalog)
    request = _choose(dry_run)
    if request is None:
        yield Finding(name="purchase", verdict="problem", detail=_NOTHING_TO_BUY)
        return
    cost_usd = settings.cost_usd_per_image
    check_run_cap(1, max_images_per_run=settings.max_images_per_run, cost_usd_per_image=cost_usd)
    price = "free, as a sample" if settings.is_sample else f"about {cost_usd:g} USD"
    announce(f"Buying one picture, {price}: product {request.product_id!r}, shot {request.shot}")
    replies: list[HttpReply] = []
    with (
        open_api(
            ApiOptions.of(settings),
            api_key=settings.onemin_api_key,
            rate_limiter=settings.rate_limiter,
            on_reply=replies.append,
        ) as api,
        open_generation(settings, stores, api, run, to_obtain=1, retry_refused=False) as generation,
    ):
        outcome = generation.purchase.obtain(request)
        yield _judge_outcome(outcome, stores.shop)
        if replies:
            yield from _judge_reply(replies[-1], is_async=settings.delivery == "async")
        if outcome.lineage is not None:
            yield from _judge_picture(outcome.lineage, stores.shop)
            if outcome.calls:
                yield from _judge_result(outcome.lineage.uuid, api.client, replies[-1])


def _choose(dry_run: DryRun) -> ImageRequest | None:
    to_buy = dry_run.plan.rows_that_are(TO_BUY)[:1]
    return next(iter(dry_run.read_requests({row.fingerprint for row in to_buy})), None)


def _judge_outcome(outcome: Outcome, store: ObjectStore) -> Finding:
    detail = f"{outcome.kind} by {outcome.calls or 'no'} call"
    if outcome.lineage is not None:
        detail += f": {store.uri_for(outcome.lineage.object_key)}, call {outcome.lineage.uuid}"
    if outcome.reason:
        detail += f": {outcome.reason}"
    verdict: Verdict = "ok" if outcome.kind in WITH_PICTURE else "problem"
    return Finding(name="purchase", verdict=verdict, detail=detail)


def _judge_reply(reply: HttpReply, *, is_async: bool) -> Iterator[Finding]:
    form = describe_reply(reply)
    fields = ", ".join(form.field_paths) or "none, it is no JSON object"
    detail = f"HTTP {form.status_code}; fields: {fields}"
    yield Finding(name="purchase reply", verdict="ok", detail=detail)
    if not form.url_path and is_async:
        yield Finding(name="purchase url", verdict="ok", detail="comes later, with the result")
        return
    if not form.url_path:
        yield Finding(name="purchase url", verdict="warning", detail="the reply has no URL")
        return
    expiry = "says no expiry"
    if form.url_expires_at is not None:
        expiry = f"expires at {form.url_expires_at.isoformat()}"
    detail = f"at {form.url_path}, on {form.url_host}, {expiry}"
    yield Finding(name="purchase url", verdict="ok", detail=detail)


def _judge_picture(lineage: LineageRecord, store: ObjectStore) -> Iterator[Finding]:
    data = store.get(lineage.object_key).data
    megapixels = lineage.width_px * lineage.height_px / 1e6
    detail = (
        f"{lineage.width_px} x {lineage.height_px} pixels, {megapixels:.2f} megapixels, for the "
        f"ratio {lineage.prompt_object['aspect_ratio']}; {lineage.content_type}, "
        f"{lineage.size_bytes} bytes, in {lineage.latency_seconds:g} s"
    )
    verdict: Verdict = "warning" if lineage.warnings else "ok"
    warnings = "".join(f"; {warning}" for warning in lineage.warnings)
    yield Finding(name="purchase picture", verdict=verdict, detail=detail + warnings)
    yield Finding(name="purchase c2pa", verdict="ok", detail=_describe_provenance(data))


def _describe_provenance(data: bytes) -> str:
    found = read_provenance(data)
    if not found.c2pa:
        return "the picture does not carry a C2PA manifest"
    if not found.c2pa_state:
        return "the picture carries a C2PA manifest; the extra `c2pa` reads whose"
    told = f"{found.c2pa_state}, signed by {found.c2pa_issuer or 'nobody who is named'}"
    return f"the picture carries a C2PA manifest: {told}; {found.c2pa_actions or 'no actions'}"


def _judge_result(uuid: str, client: ImageApiClient, reply: HttpReply) -> Iterator[Finding]:
    """Whether the call can be asked for again, and what it cost as far as the vendor says."""
    before = parse_reply(reply.status_code, reply.headers, reply.body).credits
    after: Credits | None = None
    verdict: Verdict = "ok"
    detail = "GET /api/results/{uuid} serves this call, so an expired URL can be renewed"
    try:
        result = client.fetch_result(uuid, timeout_seconds=60)
    except FluxAssetsError as error:
        verdict, detail = "warning", f"GET /api/results/{{uuid}} gave no answer: {error}"
    else:
        if result is None:
            verdict = "warning"
            detail = (
                "GET /api/results/{uuid} does not know this call, so a paid picture can be fetched "
                "only until its URL expires: after a crash, run again before that"
            )
        else:
            after = result.credits
    yield Finding(name="purchase results", verdict=verdict, detail=detail)
    told = [
        f"{known.used:,.0f} of {known.limit:,.0f} used, by {source}"
        for known, source in ((before, "the call's reply"), (after, "its result, asked after"))
        if known is not None
    ]
    detail = "; ".join(told) or "the replies do not tell"
    yield Finding(name="purchase credits", verdict="ok", detail=detail)
