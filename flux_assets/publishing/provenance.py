"""Who signed a stored picture, and what they say of it: its C2PA manifest, read without a network.

Whose it is takes the extra `c2pa`; without it, only whether there is one is known. Names of states
and actions are those of the C2PA Technical Specification 2.4, without their `c2pa.`.
"""

import io
import json
import logging
from functools import cache
from typing import Any, NamedTuple

from flux_assets.image_api.error_replies import mapping
from flux_assets.image_api.vendor_text import safe_text
from flux_assets.pictures.structure import read_structure
from flux_assets.publishing.xmp import has_c2pa

_SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "core": {"allowed_network_hosts": []},
}
_MOST_ACTIONS = 10
_log = logging.getLogger(__name__)


class Provenance(NamedTuple):
    """What a picture's manifest says, by the names of `Measures`.

    `c2pa_state` is `Trusted`, `Valid` or `Invalid`; it is empty where there is no manifest, and
    where there is one that nothing here can read.
    """

    c2pa: bool = False
    c2pa_state: str = ""
    c2pa_issuer: str = ""
    c2pa_actions: str = ""


def read_provenance(data: bytes) -> Provenance:
    """Read the manifest in a picture's bytes; a damaged one is `Invalid`. Never raises."""
    structure = read_structure(data)
    if structure is None or not has_c2pa(data):
        return Provenance()
    library = _load()
    if library is None:
        return Provenance(c2pa=True)
    try:
        with (
            library.Context.from_dict(_SETTINGS) as context,
            library.Reader(
                f"image/{structure.kind.lower()}", io.BytesIO(data), context=context
            ) as reader,
        ):
            told = mapping(json.loads(reader.json()))
            state = safe_text(reader.get_validation_state())
    except (library.C2paError, ValueError) as error:
        _log.info("a C2PA manifest cannot be read: %s", safe_text(str(error)))
        return Provenance(c2pa=True, c2pa_state="Invalid")
    manifest = mapping(mapping(told.get("manifests")).get(str(told.get("active_manifest"))))
    signature = mapping(manifest.get("signature_info"))
    issuer = safe_text(signature.get("issuer")) or safe_text(signature.get("common_name"))
    return Provenance(
        c2pa=True,
        c2pa_state=state or "Invalid",
        c2pa_issuer=issuer,
        c2pa_actions=", ".join(_list_actions(manifest.get("assertions"))),
    )


def _list_actions(assertions: object) -> list[str]:
    """The actions that the signer names, each once; more than a few are cut off."""
    found: dict[str, None] = {}
    for assertion in map(mapping, assertions if isinstance(assertions, list) else ()):
        if not str(assertion.get("label")).startswith("c2pa.actions"):
            continue
        actions = mapping(assertion.get("data")).get("actions")
        for action in map(mapping, actions if isinstance(actions, list) else ()):
            found[safe_text(action.get("action")).removeprefix("c2pa.")] = None
    return [name for name in found if name][:_MOST_ACTIONS]


@cache
def _load() -> Any:  # noqa: ANN401 - the library ships no types
    try:
        import c2pa  # type: ignore[import-untyped]  # ships no types

        _ = c2pa.Context, c2pa.Reader, c2pa.C2paError  # another package has the same name
    except ModuleNotFoundError:
        return None
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        _log.warning("the C2PA library does not load, so that signers stay unknown: %s", error)
        return None
    return c2pa
