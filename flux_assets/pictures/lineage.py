"""All facts of one stored picture, declared once, for the ledger and every view that shows them."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_origin

from flux_assets.image_api.parameters import ParameterValue
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import Picture

ColumnType = Literal["str", "int64", "float64", "bool"]
Mode = Literal["sample", "live"]
ShotMode = Literal["generate", "edit"]

_TYPES: Mapping[object, ColumnType] = {
    str: "str",
    int: "int64",
    float: "float64",
    float | None: "float64",
    tuple[str, ...]: "str",
    Mode: "str",
    ShotMode: "str",
}


class Fact(NamedTuple):
    """One fact as a table's column has it: its name, type and meaning in a sentence.

    `before` is what it was before a release knew of it; MISSING for one of every release.
    """

    name: str
    type: ColumnType
    meaning: str
    before: Any = MISSING


ASKED = (
    Fact("prompt", "str", "The words that the picture was made from."),
    Fact("seed", "int64", "The seed that was sent, from 0 to 4294967295."),
    Fact("guidance", "float64", "How closely the words were to be followed, from 2 to 5."),
    Fact("steps", "int64", "How many steps were asked for, from 15 to 50."),
    Fact("aspect_ratio", "str", "The ratio asked for: as `4:5`, or `match_input_image`."),
    Fact("output_format", "str", "The file format asked for."),
    Fact("output_quality", "int64", "The quality asked for, from 0 to 100."),
    Fact("safety_tolerance", "int64", "How much the vendor's moderation lets pass, from 1 to 6."),
    Fact("prompt_upsampling", "bool", "Whether the vendor was to write the words out further."),
)
"""What was asked for, by the API's names; the API does not say what it used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRecord:
    """One stored picture: what was asked for, what the vendor made, where it is.

    It is the table of a picture's facts, in the manifest's order. A field whose annotation says
    what it means is a column of the manifest and metadata in Dagster, of the annotated type. A
    new fact is one field, and has a default: what entries and rows older than it say.
    """

    product_id: Annotated[str, "The product, as the catalog names it."]
    shot: Annotated[str, "The kind of picture, as the shots file names it."]
    object_key: Annotated[str, "The picture's key in the store; another picture has another."]
    content_type: Annotated[str, "The media type of the stored bytes."]
    width_px: Annotated[int, "The picture's width, in pixels."]
    height_px: Annotated[int, "The picture's height, in pixels."]
    size_bytes: Annotated[int, "How many bytes are stored."]
    sha256: Annotated[str, "Of the stored bytes, which are the vendor's, untouched."]
    type: str
    prompt_object: Annotated[Mapping[str, ParameterValue], ASKED]
    model: Annotated[str, "The vendor's model."]
    take: Annotated[int, "Raised to have another picture with the same words."]
    shot_version: Annotated[int, "The shot's version in the shots file."]
    uuid: Annotated[str, "The vendor's id of the call that made the picture."]
    request_fingerprint: Annotated[str, "The sha256 of all that was asked for."]
    attempts: Annotated[int, "How often the request was sent."]
    possibly_paid_twice: Annotated[
        int, "How many sends may have paid for a picture that nobody holds."
    ]
    latency_seconds: Annotated[float, "How long the call took, in seconds."]
    cost_usd_estimate: Annotated[float, "What a picture cost by the settings, in USD."]
    run_id: str
    generated_at: Annotated[str, "When the vendor's reply came: ISO 8601, in UTC."]
    mode: Annotated[Mode, "`live`, or `sample` for a picture that nobody paid for."]
    shot_mode: Annotated[
        ShotMode, "`generate` for a picture made from words alone, `edit` for one from a photo too."
    ] = field(init=False, default="generate")
    source_uri: Annotated[str, "Where the photo was that the picture was made from, if any."] = ""
    source_sha256: Annotated[str, "Of that photo's bytes as they were read."] = ""
    asset_key: Annotated[str, "The vendor's key of that photo as it was uploaded."] = ""
    recognition: Annotated[
        float | None,
        "How much of the photo's product is found again in the picture, from 0 to 1; empty where "
        "that cannot be judged.",
    ] = None
    digital_source_type: Annotated[
        str, "The IPTC's code for what the picture is, for its renditions to carry."
    ] = field(init=False, default="trainedAlgorithmicMedia")
    warnings: Annotated[
        tuple[str, ...], "How the picture differs from what was asked for, separated by `; `."
    ]
    appearance: Annotated[
        str,
        "What is wrong with how the picture looks: `black`, `one colour` or `blurred`; empty for "
        "most, and where a release looked at none.",
    ] = ""
    pixels_digest: Annotated[
        str, "The same for pictures of the same pixels; empty where a release looked at none."
    ] = ""

    def __post_init__(self) -> None:
        """Add what follows from the given facts.

        Source of the code: the IPTC NewsCodes "Digital Source Type",
        http://cv.iptc.org/newscodes/digitalsourcetype/.
        """
        if self.source_sha256:
            object.__setattr__(self, "shot_mode", "edit")
            object.__setattr__(self, "digital_source_type", "compositeWithTrainedAlgorithmicMedia")

    def to_json(self) -> dict[str, Any]:
        """The plain form that the ledger keeps, of the given facts.

        What the first releases did not know is left out where it says nothing.
        """
        plain = {item.name: getattr(self, item.name) for item in fields(self) if item.init}
        for name in ("appearance", "pixels_digest"):
            if not plain[name]:
                del plain[name]
        return plain | {
            "prompt_object": dict(self.prompt_object),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote; fields of newer releases are left out."""
        known = {item.name for item in fields(cls) if item.init}
        values = {name: value for name, value in plain.items() if name in known}
        return cls(**values | {"warnings": tuple(plain["warnings"])})


def _list_facts() -> Iterator[Fact]:
    for item in fields(LineageRecord):
        if get_origin(item.type) is Annotated:
            kind, meaning = get_args(item.type)
            if meaning is ASKED:
                yield from ASKED
            else:
                yield Fact(item.name, _TYPES[kind], meaning, item.default)


FACTS = tuple(_list_facts())
"""Every fact that the manifest and Dagster show, in the manifest's order."""


def build_object_metadata(
    request: ImageRequest, picture: Picture, *, uuid: str, mode: str
) -> dict[str, str]:
    """The core of the lineage, ASCII only, that travels with the picture itself."""
    metadata = {
        "fingerprint": request.fingerprint,
        "uuid": _ascii(uuid),
        "seed": str(request.seed),
        "guidance": str(request.prompt_object["guidance"]),
        "model": request.model,
        "shot": request.shot,
        "sha256": picture.sha256,
        "mode": mode,
    }
    if request.source_sha256:
        metadata["source-sha256"] = request.source_sha256
    return metadata


def build_plain_metadata(record: LineageRecord) -> dict[str, str | int | float | None]:
    """One flat row of a picture's facts, shared by the Dagster UI and the manifest."""
    asked = record.prompt_object
    plain = {name: asked[name] if name in asked else getattr(record, name) for name, *_ in FACTS}
    return plain | {"guidance": float(asked["guidance"]), "warnings": "; ".join(record.warnings)}


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
