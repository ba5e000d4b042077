"""All facts of one stored picture, as JSON and as the plain metadata that every view shares."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from flux_assets.image_api.parameters import ParameterValue
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRecord:
    """One stored picture: what was asked for, what the vendor made, where it is.

    `sha256` is of the stored bytes, which are the vendor's, untouched. Times are ISO 8601 in UTC.
    `attempts` counts the sends of the request, `possibly_paid_twice` those of them that may have
    paid for a picture that nobody holds. `steps`, `guidance` and `prompt_upsampling` in
    `prompt_object` are as requested: the API does not say what it used.

    A picture made from a photo has `source_uri` and `source_sha256` of that photo, the vendor's
    `asset_key` of the uploaded one, and `recognition`: how much of the product is found again in
    the picture, from 0 to 1, or None where that cannot be judged.
    """

    product_id: str
    shot: str
    shot_version: int
    take: int
    type: str
    model: str
    prompt_object: Mapping[str, ParameterValue]
    request_fingerprint: str
    mode: Literal["sample", "live"]
    uuid: str
    object_key: str
    content_type: str
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    warnings: tuple[str, ...]
    attempts: int
    possibly_paid_twice: int
    latency_seconds: float
    cost_usd_estimate: float
    run_id: str
    generated_at: str
    source_uri: str = ""
    source_sha256: str = ""
    asset_key: str = ""
    recognition: float | None = None

    @property
    def shot_mode(self) -> Literal["generate", "edit"]:
        """Whether the picture was made from words alone, or from a photo too."""
        return "edit" if self.source_sha256 else "generate"

    @property
    def digital_source_type(self) -> str:
        """The IPTC's code for what the picture is, as its renditions are to carry it.

        Source: the IPTC NewsCodes "Digital Source Type", http://cv.iptc.org/newscodes/
        digitalsourcetype/.
        """
        made = "trainedAlgorithmicMedia"
        return made if self.shot_mode == "generate" else "compositeWithTrainedAlgorithmicMedia"

    def to_json(self) -> dict[str, Any]:
        """The plain form that the ledger keeps."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {
            "prompt_object": dict(self.prompt_object),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote; fields of newer releases are left out."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in plain.items() if name in known}
        return cls(**values | {"warnings": tuple(plain["warnings"])})


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
    return {
        "product_id": record.product_id,
        "shot": record.shot,
        "uuid": record.uuid,
        "seed": asked["seed"],
        "guidance": float(asked["guidance"]),
        "steps": asked["steps"],
        "aspect_ratio": asked["aspect_ratio"],
        "output_format": asked["output_format"],
        "output_quality": asked["output_quality"],
        "safety_tolerance": asked["safety_tolerance"],
        "prompt_upsampling": asked["prompt_upsampling"],
        "model": record.model,
        "prompt": asked["prompt"],
        "take": record.take,
        "shot_version": record.shot_version,
        "request_fingerprint": record.request_fingerprint,
        "object_key": record.object_key,
        "content_type": record.content_type,
        "sha256": record.sha256,
        "width_px": record.width_px,
        "height_px": record.height_px,
        "size_bytes": record.size_bytes,
        "attempts": record.attempts,
        "possibly_paid_twice": record.possibly_paid_twice,
        "latency_seconds": record.latency_seconds,
        "cost_usd_estimate": record.cost_usd_estimate,
        "generated_at": record.generated_at,
        "mode": record.mode,
        "shot_mode": record.shot_mode,
        "source_uri": record.source_uri,
        "source_sha256": record.source_sha256,
        "asset_key": record.asset_key,
        "recognition": record.recognition,
        "digital_source_type": record.digital_source_type,
        "warnings": "; ".join(record.warnings),
    }


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
