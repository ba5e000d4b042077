"""What can go wrong with a call on purpose, and how often: by script, or by seeded dice."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from flux_assets.errors import SettingsError
from flux_assets.image_api.request import canonical_json

Stage = Literal["gateway", "wait", "record", "reply", "url", "poll", "download"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to go wrong.

    Attributes:
        stage: where it strikes. `gateway`: instead of the call, nothing is made or paid; `wait`:
            while the picture is made; `record`: the generation fails; `reply`: the picture is
            paid, its reply does not arrive; `url`, `poll`, `download`: later.
        status_code: of the answer given instead; None: the connection is dropped without one.
        times: for later stages, how often it strikes the same picture; None: always.
        billed: for `record`, whether the failed generation was paid all the same.
        only_type: the one type of call that it strikes; None: any.
    """

    stage: Stage
    status_code: int | None = 200
    times: int | None = None
    billed: bool = True
    only_type: str | None = None

    def strikes(self, call_type: str) -> bool:
        """Whether a call of this type can meet it."""
        return self.only_type in {None, call_type}


FAULTS: Mapping[str, Fault] = {
    "rate_limited": Fault(stage="gateway", status_code=429),
    "lost_request": Fault(stage="gateway", status_code=None),
    "lost_reply": Fault(stage="reply", status_code=None),
    **{
        f"gateway_{code}": Fault(stage="gateway", status_code=code)
        for code in (403, 500, 502, 503, 504, 520, 522, 524)
    },
    **{
        f"gateway_{code}_billed": Fault(stage="reply", status_code=code)
        for code in (500, 502, 503, 504, 520, 522, 524)
    },
    "editor_522": Fault(stage="gateway", status_code=522, only_type="IMAGE_EDITOR"),
    "slow_reply": Fault(stage="wait"),
    # The three forms of a failure with HTTP 200: status FAILED with an errorMessage, status
    # FAILURE with the reason as first result, and SUCCESS with an error object as result.
    "failed": Fault(stage="record", billed=False),
    "failed_billed": Fault(stage="record"),
    "failure": Fault(stage="record", billed=False),
    "error_object": Fault(stage="record", billed=False),
    "expired_url": Fault(stage="url", times=1),
    "results_unknown": Fault(stage="poll"),
    "poll_502": Fault(stage="poll", status_code=502, times=1),
    "late_object": Fault(stage="download", status_code=404, times=2),
    "truncated_download": Fault(stage="download", times=1),
    "corrupt_download": Fault(stage="download", times=1),
    "corrupt_object": Fault(stage="download"),
    # What moderation delivers as a success, and a cache that gives a picture to whoever asks.
    "black_picture": Fault(stage="download"),
    "blurred_picture": Fault(stage="download"),
    "same_picture": Fault(stage="download"),
    "html_download": Fault(stage="download", times=1),
    "download_503": Fault(stage="download", status_code=503, times=1),
}


def _as_names(entry: object) -> object:
    if entry is None:
        return ()
    return (entry,) if isinstance(entry, str) else entry


def _check_name(name: str) -> str:
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
    return name


_Name = Annotated[str, AfterValidator(_check_name)]


class Faults(BaseModel):
    """When which fault strikes: the content of a `faults.json`.

    `script` holds, for each coming valid call in its order, a name, a list of names or null; once
    it is used up, `rates` (0 to 1, by name) decide. The same seed, request and number of sends
    give the same faults. The two limits count paid pictures over the state's whole life.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    script: tuple[Annotated[tuple[_Name, ...], BeforeValidator(_as_names)], ...] = ()
    rates: Mapping[_Name, Annotated[float, Field(ge=0, le=1)]] = {}
    seed: int = 0
    slow_seconds: Annotated[float, Field(ge=0)] = 30
    retry_after_seconds: Annotated[int, Field(ge=0)] = 26
    out_of_credits_after: Annotated[int | None, Field(ge=0)] = None
    key_deleted_after: Annotated[int | None, Field(ge=0)] = None


def parse_faults(plain: object) -> Faults:
    """Check what JSON or a test gives.

    Raises:
        SettingsError: an unknown name or a value out of its range.
    """
    try:
        return Faults.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        raise SettingsError("faults", f"{place}: {problem}" if place else problem) from None


def read_faults(path: Path) -> Faults:
    """Read a `faults.json`.

    Raises:
        SettingsError: it cannot be read, is no JSON, or says what cannot be.
    """
    try:
        plain = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError("faults", f"{path}: {error}") from error
    return parse_faults(plain)


def digest_request(request_type: str, prompt_object: Mapping[str, object]) -> str:
    """What names a request in the dice and in the count of its sends."""
    return hashlib.sha256(canonical_json([request_type, prompt_object])).hexdigest()


def roll(*parts: str | int) -> float:
    """A number from 0 to below 1 that only the parts decide."""
    digest = hashlib.sha256(canonical_json(parts)).digest()
    return int.from_bytes(digest[:7]) / 2**56


class FaultDeck:
    """Deals the faults of each call: scripted ones first, then by rate."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._script: Iterator[tuple[str, ...]] = iter(faults.script)

    def deal(self, request_digest: str, send: int) -> tuple[str, ...]:
        """The faults of the `send`-th sending of one request."""
        scripted = next(self._script, None)
        if scripted is not None:
            return scripted
        return tuple(
            name
            for name, rate in self._faults.rates.items()
            if roll(self._faults.seed, name, request_digest, send) < rate
        )
