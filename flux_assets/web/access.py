"""Who may ask the review server what: checked before anything else, of every request.

By itself it answers this machine alone. Elsewhere a proxy says who asks; nobody is anonymous, and
there is no login of its own.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Role = Literal["viewer", "reviewer"]
HEALTH = "/healthz"
TOKEN_HEADER = "x-flux-assets-token"  # noqa: S105 - its name
PROXY_HEADER = "x-flux-assets-proxy"
_LONGEST_NAME = 200
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_SAME = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, and what they may do: a `viewer` only looks."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """What the proxy before the server sends along.

    `secret` proves that it is the proxy, `user_header` has the person's name. With `role_header`
    or `reviewers`, only they may decide: whoever is named there, or has a role that is (without
    the list, the role `reviewer`). Capitals make no other name.
    """

    secret: str = field(repr=False)
    user_header: str
    role_header: str = ""
    reviewers: frozenset[str] = frozenset()

    def identify(self, headers: Headers) -> Person | None:
        """The person, if the proxy names just one."""
        given = headers.getlist(PROXY_HEADER)
        names = [_read_utf8(it).strip() for it in headers.getlist(self.user_header)]
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self.secret.encode()):
            return None
        if len(names) != 1 or not _is_name(names[0]):
            return None
        return Person(names[0], self._role_of(names[0], headers))

    def _role_of(self, name: str, headers: Headers) -> Role:
        if not self.role_header and not self.reviewers:
            return "reviewer"
        values = headers.getlist(self.role_header) if self.role_header else []
        held = [role.strip() for value in values for role in _read_utf8(value).split(",")]
        held += [name] if self.reviewers else []
        known = {it.casefold() for it in self.reviewers or {"reviewer"}}
        return "reviewer" if known & {it.casefold() for it in held} else "viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What the server answers to: these names of hosts, and this person or whom the proxy names.

    `token` is in the page, and in every request that changes something.
    """

    hosts: frozenset[str]
    schemes: tuple[str, ...]
    who: Person | Proxy
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def of_this_machine(cls, port: int, user: str, address: str = "127.0.0.1") -> "Access":
        """Of a server that only this machine reaches, at an address of its own."""
        bound = f"[{ip_address(address)}]" if ":" in address else address
        names = ("127.0.0.1", "localhost", "[::1]", bound)
        hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())
        return cls(hosts=frozenset(hosts), schemes=("http",), who=Person(user, "reviewer"))

    @classmethod
    def behind(cls, proxy: Proxy, host: str) -> "Access":
        """Of a server whose public name is `host`."""
        hosts = frozenset({host.lower()})
        return cls(hosts=hosts, schemes=("https", "http"), who=proxy)

    def identify(self, headers: Headers) -> Person | None:
        """Who asks."""
        return self.who if isinstance(self.who, Person) else self.who.identify(headers)

    def find_refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Why a request is not answered, as a status and a sentence."""
        hosts = [it.lower() for it in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return 400, "this is not the name that the review page is served under"
        person = self.identify(headers)
        if person is None:
            return 401, "the proxy did not say who you are"
        if scope["method"] in {"GET", "HEAD"}:
            return self._refuse_foreign_reading(scope, headers)
        if scope["method"] != "POST":
            return 405, "there is nothing of that kind here"
        return self._refuse_foreign_change(headers) or _refuse_viewer(person)

    def _refuse_foreign_reading(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Data are scripts, which another site could load: only the page itself may be linked."""
        sites = headers.getlist("sec-fetch-site")
        if all(it in _SAME for it in sites):
            return None
        if scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate":
            return None
        return 403, "another site may not read this"

    def _refuse_foreign_change(self, headers: Headers) -> tuple[int, str] | None:
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        known = {f"{scheme}://{host}" for scheme in self.schemes for host in self.hosts}
        is_ours = all(it == "same-origin" for it in sites) and all(it in known for it in origins)
        if not (sites or origins) or not is_ours:
            return 403, "the request does not come from the review page"
        kinds = [it.partition(";")[0].strip().lower() for it in headers.getlist("content-type")]
        if kinds != ["application/json"]:
            return 415, "the request is no application/json"
        tokens = headers.getlist(TOKEN_HEADER)
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0].encode(), self.token.encode()):
            return 403, "the page is of an earlier start of the server; reload it"
        return None


class Guard:
    """Lets through what may be asked, and sends the same headers with every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_ALWAYS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        if scope["type"] != "http":
            return
        if scope["path"] == HEALTH:
            await self._app(scope, receive, send_guarded)
            return
        headers = Headers(scope=scope)
        refusal = self._access.find_refusal(scope, headers)
        if refusal is not None:
            status, sentence = refusal
            refused = JSONResponse({"error": sentence}, status_code=status)
            await refused(scope, receive, send_guarded)
            return
        scope["person"] = self._access.identify(headers)
        await self._app(scope, receive, send_guarded)


def _refuse_viewer(person: Person) -> tuple[int, str] | None:
    if person.role == "reviewer":
        return None
    return 403, f"{person.name} may look at the pictures, and not decide"


def _read_utf8(value: str) -> str:
    """A header's value as proxies write it; one in no UTF-8 is none."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _is_name(text: str) -> bool:
    """One name: two that a proxy joined have a comma between them."""
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable() and "," not in text


def split_names(texts: Iterable[str]) -> frozenset[str]:
    """The names that are left of some once white space is off."""
    return frozenset(filter(None, map(str.strip, texts)))
