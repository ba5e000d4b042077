"""`public_urls_serve_our_bytes`: what the public gets of what channels show; free."""

from collections.abc import Sequence
from random import Random, SystemRandom

import dagster as dg

from flux_assets.defs.markdown import defuse_markdown, markdown_table
from flux_assets.defs.names import Names
from flux_assets.defs.resources import STORE, open_stores
from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.public import PublicLook, look_at_public
from flux_assets.settings import Settings

PUBLIC_CHECK = "public_urls_serve_our_bytes"
_SHOWN = 20


def build_public_check(
    settings: Settings, names: Names, random: Random | None = None
) -> dg.AssetChecksDefinition:
    """The check `public_urls_serve_our_bytes` of `product_feeds`.

    Args:
        settings: of the shop.
        names: of its definitions.
        random: chooses the files that are looked at.
    """

    @dg.asset_check(
        asset=names.key("product_feeds"),
        name=PUBLIC_CHECK,
        required_resource_keys={names.resource(STORE)},
        description=(
            "Of each channel's newest edition, a few files come to a stranger with the very bytes "
            "and the AI mark that they were made with."
        ),
    )
    def public_urls_serve_our_bytes(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        store = open_stores(context, names).shop
        channels = load_channels(settings)
        if channels is None:
            return dg.AssetCheckResult(passed=True, description="no channels file is named")
        return _judge(look_at_public(store, channels, random or SystemRandom()))

    return public_urls_serve_our_bytes


def _judge(looks: Sequence[PublicLook]) -> dg.AssetCheckResult:
    """An error where channels read unmarked pictures or none, a warning for all else."""
    problems = [(look, problem) for look in looks for problem in look.problems]
    is_severe = any(problem.is_severe for _, problem in problems)
    told = [look for look in looks if look.problems] or looks
    rows = [
        (look.channel, look.number, it.file.product_id, it.file.slot, it.file.url, it.problem)
        for look, it in problems[:_SHOWN]
    ]
    table = markdown_table(("channel", "edition", "product", "slot", "address", "what"), rows)
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR if is_severe else dg.AssetCheckSeverity.WARN,
        description="; ".join(defuse_markdown(f"{it.channel}: {it.describe()}") for it in told),
        metadata={
            "looked_at": sum(look.looked_at for look in looks),
            **({"files": dg.MetadataValue.md(table)} if rows else {}),
        },
    )
