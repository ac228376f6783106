"""Who may ask: checks of each request before the app sees it, and headers of each answer."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})

# The answer's page is shown in a frame without scripts, which is held to this too: it has styles and pictures within.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Guard:
    """ASGI middleware.

    A page of another site that the user visits may send requests here, too. It cannot read answers, and what has an
    effect is refused it: such a request names another `Host` (a name of its own that it made point to this machine,
    DNS rebinding), or another `Origin`, or lacks the token. The token comes in a header, which a browser never adds by
    itself as it does with cookies, so no request can be forged with it.

    Attributes:
        app: What is guarded.
        hosts: Names in `Host` that are answered, without the port; None for all, where a token is asked for anyway.
        token: What requests for `guarded` must carry as ``Authorization: Bearer``; None for nothing.
        guarded: Paths that need it; the others hold no more than the empty page.
    """

    app: ASGIApp
    hosts: frozenset[str] | None
    token: str | None
    guarded: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refused request; hand on the others."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self.refusal(Headers(scope=scope), scope["path"])
        answer = self.app if refusal is None else JSONResponse({"error": refusal[1]}, refusal[0])
        await answer(scope, receive, with_headers)

    def refusal(self, headers: Headers, path: str) -> tuple[int, str] | None:
        """The status and sentence that a request is refused with; None where it is not."""
        host = headers.get("host", "")
        if self.hosts is not None and without_port(host) not in self.hosts:
            return (
                421,
                f"host must be one of {', '.join(sorted(self.hosts))}; got {host!r}. Use --allow-host to add it.",
            )
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        foreign = (origin is not None and origin.partition("://")[2] != host) or site not in ("none", "same-origin")
        if path not in self.guarded:
            return None
        if foreign:
            return 403, "requests must come from this server's own page; got one from another site. Open it itself."
        if self.token is not None:
            kind, _, given = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not secrets.compare_digest(given.encode(), self.token.encode()):
                return 401, "token must be the one that the server printed when it started. Open the address with it."
        return None


def without_port(host: str) -> str:
    """The name in a `Host` header, in lower case; an IPv6 address keeps its brackets."""
    head, colon, port = host.lower().rpartition(":")
    return head if colon and port.isdigit() else host.lower()


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address or name."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def allowed_hosts(host: str, added: Iterable[str]) -> frozenset[str] | None:
    """Names that `Host` may have; None for any, where the server listens on an address that others reach.

    Args:
        host: Address that the server listens on.
        added: Names that a user allows.
    """
    names = frozenset(name.lower() for name in added)
    if is_local(host):
        own = host.lower() if "." in host or ":" not in host else f"[{host.strip('[]').lower()}]"
        return LOCAL | names | {own}
    return names or None
