"""Environment variables that start like ours and are none: another program's, or a slip."""

import difflib
import re
from collections.abc import Iterable, Mapping

PREFIX = "FLUX_ASSETS_"

# Below the Service's own name in capitals; a named port has a variable of its own, and every port
# one as Docker's links had them.
_SERVICE_VARIABLE = re.compile(
    r"(?P<service>FLUX_ASSETS(?:_[A-Z0-9_]+?)??)_"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def is_of_a_service(variable: str, environ: Mapping[str, str]) -> bool:
    """Whether Kubernetes sets it in every pod, for a Service whose name starts like ours.

    That of a Service `flux-assets` always is; a longer name might be a slip in one of our own, so
    it is a Service's only beside that one's host and port.
    """
    found = _SERVICE_VARIABLE.fullmatch(variable)
    if found is None:
        return False
    service = found["service"]
    always_set = {f"{service}_SERVICE_HOST", f"{service}_SERVICE_PORT"}
    return f"{service}_" == PREFIX or always_set <= environ.keys()


def tell_unknown(variable: str, known: Iterable[str]) -> str:
    """What is wrong with a variable that is no setting, and which one may be meant.

    Compared without the prefix, which makes all of them alike.
    """
    names = {name.removeprefix(PREFIX): name for name in known}
    near = difflib.get_close_matches(variable.removeprefix(PREFIX).upper(), names, n=1)
    hint = f", did you mean {names[near[0]]}?" if near else ";"
    return f"there is no such setting{hint} docs/settings.md lists them all"
