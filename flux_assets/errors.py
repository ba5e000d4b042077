"""Every error that flux_assets raises on purpose; classes differ by who must act."""

import difflib
from collections.abc import Collection, Sequence
from typing import Literal


class FluxAssetsError(Exception):
    """Base of the tree: its text is one line that a person can act on."""


# --- Whoever runs the code location must act -------------------------------------------------


class SettingsError(FluxAssetsError):
    """An environment variable is missing or has a value that cannot be used."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")
        self.variable = variable
        self.problem = problem


class CapExceededError(FluxAssetsError):
    """The plan would buy more pictures than a cap allows; nothing was sent."""

    def __init__(self, cap: str, limit: int, wanted: int, cost_usd: float) -> None:
        super().__init__(
            f"{wanted} pictures (about {cost_usd:.2f} USD) are to be bought, but {cap} allows "
            f"{limit}; nothing was sent. Raise {cap}, or choose fewer products or shots."
        )
        self.cap = cap
        self.limit = limit
        self.wanted = wanted
        self.cost_usd = cost_usd


class ProductDropError(FluxAssetsError):
    """The catalog lost so many of the manifest's products that it looks cut short."""

    def __init__(self, *, known: int, gone: int, max_percent: float) -> None:
        super().__init__(
            f"{gone} of the {known} products of the last manifest are not in this catalog "
            f"({100 * gone / known:.0f} %), and FLUX_ASSETS_MAX_PRODUCT_DROP_PERCENT allows "
            f"{max_percent:g}; nothing is bought and the manifest is kept. If the export is "
            "right, run once with accept_drop (--accept-drop); if it is another shop's, give it a "
            "store of its own (FLUX_ASSETS_STORE or FLUX_ASSETS_SHOP)."
        )
        self.known = known
        self.gone = gone
        self.max_percent = max_percent


class ChoiceError(FluxAssetsError):
    """A run was asked for what neither the catalog nor the shots file has."""

    def __init__(self, name: str, unknown: Sequence[str], known: Collection[str] = ()) -> None:
        shown = ", ".join(repr(item) for item in unknown[:10])
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        near = ", ".join(difflib.get_close_matches(unknown[0], known))
        super().__init__(
            f"{name}: there is no {shown}{more} in this catalog and its shots; nothing was sent"
            + (f". Near {unknown[0]!r}: {near}" if near else "")
        )
        self.name = name
        self.unknown = tuple(unknown)


class StoreMismatchError(FluxAssetsError):
    """The store was made for another mode, API origin, shop or a newer format."""

    def __init__(self, store_uri: str, field: str, found: object, expected: object) -> None:
        super().__init__(
            f"the store {store_uri} was made for {field} {found!r}, not {expected!r}; "
            "choose another store with FLUX_ASSETS_STORE"
        )
        self.store_uri = store_uri
        self.field = field
        self.found = found
        self.expected = expected


class StoreError(FluxAssetsError):
    """The store could not do what was asked of it."""

    def __init__(self, uri: str, attempted: str, problem: str) -> None:
        super().__init__(f"could not {attempted} {uri}: {problem}")
        self.uri = uri
        self.attempted = attempted
        self.problem = problem


class StorePermissionError(StoreError):
    """The store refused: credentials, policy or file permissions."""


class ObjectNotFoundError(StoreError):
    """There is no object under this key."""


class ConditionFailedError(StoreError):
    """A conditional write lost: the object exists already, or is no longer the one expected."""


# --- Whoever exports the catalog must act ----------------------------------------------------


class SourceError(FluxAssetsError):
    """The bytes of a catalog, an overrides file or a photo could not be had."""

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(f"{uri}: {problem}")
        self.uri = uri
        self.problem = problem


class PhotoUnusableError(SourceError):
    """There is no photo that could be used at an address, today or tomorrow."""


class PhotoUnavailableError(SourceError):
    """A photo cannot be had now, and may be there later: nothing is bought in its stead."""


class CatalogError(FluxAssetsError):
    """The file as a whole is no catalog that can be read."""

    def __init__(self, name: str, problem: str, *, line: int | None = None) -> None:
        super().__init__(f"{name}{f', line {line}' if line else ''}: {problem}")
        self.name = name
        self.problem = problem
        self.line = line


class SuspectedEncodingError(CatalogError):
    """The catalog's encoding is a guess that may have turned letters into others."""

    def __init__(self, name: str, encoding: str) -> None:
        problem = (
            f"is not UTF-8, and reads as {encoding} only by a guess, so nothing is bought: look at "
            "its titles in `flux-assets plan`, and name the encoding that it is in with "
            f"FLUX_ASSETS_CATALOG_ENCODING={encoding} or another, or with `encoding:` in the shots "
            "file; or export it as UTF-8"
        )
        super().__init__(name, problem)
        self.encoding = encoding


class OverridesError(FluxAssetsError):
    """The overrides file is no table that can be read, or not one that can be changed so."""

    def __init__(self, name: str, problem: str, *, line: int | None = None) -> None:
        super().__init__(f"{name}{f', line {line}' if line else ''}: {problem}")
        self.name = name
        self.problem = problem
        self.line = line


# --- Whoever writes the shots must act -------------------------------------------------------


class YamlFileError(FluxAssetsError):
    """A file of ours that people write cannot be used."""

    def __init__(self, name: str, problem: str, *, line: int | None = None) -> None:
        super().__init__(f"{name}{f', line {line}' if line else ''}: {problem}")
        self.name = name
        self.problem = problem
        self.line = line


class ShotsFileError(YamlFileError):
    """The shots file cannot be used."""


class ChannelsFileError(YamlFileError):
    """The channels file cannot be used."""


class ParameterError(FluxAssetsError):
    """A value that the API does not document."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"{name} is {value!r}; the API takes {expected}")
        self.name = name
        self.value = value
        self.expected = expected


PromptProblem = Literal["prompt_error", "no_photo", "doubted_photo", "override_problem"]


class PromptError(FluxAssetsError):
    """One product's prompt for one shot cannot be rendered; `reason` says whose fault it is."""

    def __init__(
        self,
        product_id: str,
        shot: str,
        problem: str,
        *,
        field: str = "",
        reason: PromptProblem = "prompt_error",
    ) -> None:
        super().__init__(f"product {product_id!r}, shot {shot!r}: {problem}")
        self.product_id = product_id
        self.shot = shot
        self.problem = problem
        self.field = field
        self.reason = reason


# --- The owner of the API account must act: the run stops ------------------------------------

AccountProblem = Literal["bad_key", "out_of_credits", "unsupported_model", "gateway_forbidden"]


class AccountError(FluxAssetsError):
    """The API will answer every call like this until somebody acts; nothing was made."""

    def __init__(self, reason: AccountProblem, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnpaidCallError(AccountError):
    """The record of an accepted call says that the account could not have it; nothing was made."""


# --- The vendor's answer to one call ---------------------------------------------------------


class RefusedError(FluxAssetsError):
    """The vendor will not make this picture; the same request would be refused again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"refused by the vendor ({code}): {message}")
        self.code = code
        self.message = message


class RateLimitedError(FluxAssetsError):
    """HTTP 429: nothing was made; the same call is safe after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(f"rate limited for {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds


class NotSentError(FluxAssetsError):
    """No connection was made, so nothing was sent: the same call is safe."""


class NoConnectionError(NotSentError):
    """None can be made: the network, a proxy, TLS or the address is in the way."""


class UnknownOutcomeError(FluxAssetsError):
    """The call was sent and its reply will not come: it may have been paid."""


class GenerationFailedError(FluxAssetsError):
    """The vendor answered that this call failed, without a reason that would repeat itself."""


# --- A paid picture on its way to the store --------------------------------------------------


class DownloadError(FluxAssetsError):
    """The picture could not be fetched this time; it may be later.

    `is_late` says that it is not there, or not to be seen, as one that is still on its way.
    """

    def __init__(self, message: str, *, is_late: bool = False) -> None:
        super().__init__(message)
        self.is_late = is_late


class ResultExpiredError(DownloadError):
    """The picture's URL is no longer valid; a fresh one may be."""


class ResultForbiddenError(FluxAssetsError):
    """The picture's URL leads where no picture may come from; it is not fetched."""


class PictureError(FluxAssetsError):
    """The bytes are no picture, or a damaged one."""
