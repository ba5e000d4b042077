"""The API's parameters of one picture: names, ranges and defaults, from the vendor's page.

Source: the table "Prompt Object Parameters" of the page "Flux 2 Max - Image Generator"; the
editor of the same model takes the same ones, and one aspect ratio more.
Shots, catalog columns and the overrides file all give them, so all validate them here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flux_assets.errors import ParameterError

ParameterValue = str | int | float | bool

ASPECT_RATIOS = ("1:1", "16:9", "9:16", "3:2", "2:3", "4:5", "5:4")
MATCH_INPUT_IMAGE = "match_input_image"
"""The editor's own aspect ratio, and its default: that of the photo."""
OUTPUT_FORMATS = ("png", "jpg")
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One documented field of the promptObject; bounds are inclusive."""

    kind: Literal["choice", "integer", "number", "boolean"]
    default: ParameterValue | None = None
    choices: tuple[str, ...] = ()
    lowest: int = 0
    highest: int = 0

    @property
    def expected(self) -> str:
        """What the API takes, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "boolean":
            return "true or false"
        noun = "a whole number" if self.kind == "integer" else "a number"
        return f"{noun} from {self.lowest} to {self.highest}"


PARAMETERS: Mapping[str, Parameter] = {
    "aspect_ratio": Parameter(
        kind="choice", choices=(*ASPECT_RATIOS, MATCH_INPUT_IMAGE), default="1:1"
    ),
    "output_format": Parameter(kind="choice", choices=OUTPUT_FORMATS, default="png"),
    "output_quality": Parameter(kind="integer", lowest=0, highest=100, default=80),
    "steps": Parameter(kind="integer", lowest=15, highest=50, default=50),
    "guidance": Parameter(kind="number", lowest=2, highest=5, default=3),
    "safety_tolerance": Parameter(kind="integer", lowest=1, highest=6, default=2),
    "prompt_upsampling": Parameter(kind="boolean", default=False),
    "seed": Parameter(kind="integer", lowest=0, highest=MAX_SEED),
}


def parse_parameter(name: str, value: object) -> ParameterValue:
    """Give a documented parameter's value in its one canonical form.

    Text (a catalog's cell) and native values (YAML) of the same meaning come out equal, and a
    number without a fraction comes out as an int, so that `3`, `3.0` and `"3"` are one request.

    Raises:
        ParameterError: the name is not documented, or the value is out of its range.
    """
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise ParameterError(name, value, "only " + ", ".join(PARAMETERS))
    if parameter.kind == "choice":
        if isinstance(value, str) and value.strip() in parameter.choices:
            return value.strip()
    elif parameter.kind == "boolean":
        truth = {"true": True, "false": False}.get(str(value).strip().lower())
        if truth is not None:
            return truth
    else:
        number = _parse_number(value)
        if (
            number is not None
            and parameter.lowest <= number <= parameter.highest
            and (parameter.kind == "number" or isinstance(number, int))
        ):
            return number
    raise ParameterError(name, value, parameter.expected)


def _parse_number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else number
