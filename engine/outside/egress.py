"""Send one HTTP request to another system, and never be led inside our own network by it."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

import certifi
import httpcore
import httpx

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Info = tuple[object, object, object, object, tuple[object, ...]]


class Resolver(Protocol):
    """Looks a name up as `socket.getaddrinfo` does."""

    def __call__(self, host: str, port: int, *, type: int) -> Sequence[Info]: ...


class RequestRefused(Exception):
    """The request is one we do not make. Trying again changes nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HostUnreachable(Exception):
    """No whole answer came; it can be tried again. `sent`: the request may have arrived."""

    def __init__(self, reason: str, sent: bool) -> None:
        super().__init__(reason)
        self.reason, self.sent = reason, sent


@dataclass(frozen=True)
class Answer:
    """What the other side said. The body is as it came over the wire, cut at `max_body`."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    hops: tuple[str, ...]


@dataclass(frozen=True)
class Egress:
    """The way out, and its limits.

    `allow_networks` are the private networks an administrator has opened: only there may a
    request be plain http or use a port that is not in `ports`.
    """

    allow_networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({443, 80, 8443})
    total_timeout: float = 20.0
    max_body: int = 1 << 20
    max_redirects: int = 3
    resolver: Resolver = socket.getaddrinfo
    verify: ssl.SSLContext | None = None

    def problem(self, url: str) -> str | None:
        """Why this address would be refused, as far as can be told without looking up names."""
        try:
            parts = httpx.URL(url)
            host = parts.raw_host.decode("ascii").rstrip(".").lower()
            known = _spelled_out(host)
        except (ValueError, httpx.InvalidURL):
            return f"This is not a web address; {_LIKE}."
        if parts.scheme not in ("http", "https") or not host:
            return f"The address must begin with https:// and a host; {_LIKE}."
        if parts.userinfo:
            return "A user name or password cannot be part of the address; send it in a header."
        return self.unfit(known, parts) if known else self._unfit_name(host, parts)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
        secret_headers: frozenset[str] = frozenset(),
    ) -> Answer:
        """Make the request, following redirects that are as safe as the address itself.

        Ends within `total_timeout` however slowly the other side talks. When a redirect leads to
        another origin, the secret headers (always `Authorization` and `Cookie`) stay behind.
        """
        exchange = _Exchange(self)
        fields = _checked(method, headers)
        secret = {name.lower() for name in secret_headers} | {"authorization", "cookie"}
        hops = [url]
        while True:
            here = self._admitted(hops)
            answer = exchange.perform(method, here, fields, content, tuple(hops))
            onward = _onward(method, here, answer)
            if onward is None:
                return answer
            if _origin(onward) != _origin(here):
                fields = {name: value for name, value in fields.items() if name not in secret}
            hops.append(str(onward))

    def unfit(self, address: Address, url: httpx.URL) -> str | None:
        """Why this address, which is one the host of the URL has, will not do."""
        if any(address in network for network in self.allow_networks):
            return None
        if kind := next((kind for network, kind in _DENIED if address in network), None):
            host = url.host if url.host == str(address) else f"{url.host} ({address})"
            return f"{host} is {kind}; {_PUBLIC}."
        return self._unfit_way(url)

    def _unfit_name(self, host: str, url: httpx.URL) -> str | None:
        if host == "metadata.google.internal":
            return f"{host} is the cloud's own control service; {_PUBLIC}."
        if self.allow_networks:  # The name may lead into one of them: only its addresses can tell.
            return None
        if host == "localhost" or host.endswith(".localhost"):
            return f"{host} is this machine itself; {_PUBLIC}."
        if host.endswith((".local", ".internal")) or "." not in host:
            return f"{host} is a name inside a private network; {_PUBLIC}."
        return self._unfit_way(url)

    def _unfit_way(self, url: httpx.URL) -> str | None:
        if url.scheme != "https":
            return (
                f"{url.host} would be sent everything unencrypted; use https:// instead of http://."
            )
        if (url.port or 443) not in self.ports or url.port == 0:
            known = ", ".join(map(str, sorted(self.ports)))
            return f"Port {url.port} is not open for requests; use one of {known}."
        return None

    def _admitted(self, hops: list[str]) -> httpx.URL:
        """The last hop, if we may go there."""
        if len(hops) > self.max_redirects + 1:
            raise RequestRefused(
                f"There were more than {self.max_redirects} redirects; use the last address."
            )
        if reason := self.problem(hops[-1]):
            raise RequestRefused(
                reason if len(hops) == 1 else f"A redirect was not followed. {reason}"
            )
        return httpx.URL(hops[-1])


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks in a setting such as `127.0.0.1/32, 10.20.0.0/16`."""
    return tuple(_network(word) for word in text.replace(",", " ").split())


def header_problem(name: str, value: str) -> str | None:
    """Why this header cannot be sent, if it cannot."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        return f"{name!r} is not the name of a header; use letters, digits and hyphens."
    if _OURS.fullmatch(name.lower()):
        return f"The header {name} is set by Sayso itself; leave it out."
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        return f"The header {name} has a line break or control character in it; remove that."
    return None


def trust() -> ssl.SSLContext:
    """Verify servers against this machine's authorities (or SSL_CERT_FILE) and the public ones."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


_LIKE = "write one like https://example.com/path"
_PUBLIC = "use the public https address of the receiver"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_OURS = re.compile(
    "host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect"
    "|accept-encoding|proxy-.*"
)
_CONNECT_SECONDS = 5.0
_ADDRESSES_TRIED = 4
_SLICE = 16384

# What IANA reserves, every way to write an IPv4 address inside an IPv6 one (NAT64, 6to4, Teredo,
# compatible), multicast, site-local, and Azure's fabric address, which looks public.
_INSIDE = {
    "an address inside this machine": "0.0.0.0/8 127.0.0.0/8 ::/128 ::1/128",
    "an address of the cloud's own control network": "169.254.0.0/16 168.63.129.16/32 fe80::/10",
    "an address inside a private network": "10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.168.0.0/16"
    " fc00::/7 fec0::/10",
    "not the address of a public server": "192.0.0.0/24 192.0.2.0/24 192.31.196.0/24"
    " 192.52.193.0/24"
    " 192.88.99.0/24 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4"
    " 240.0.0.0/4 ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16"
    " 2620:4f:8000::/48 3fff::/20 5f00::/16 ff00::/8",
}
_DENIED = [(ip_network(net), kind) for kind, nets in _INSIDE.items() for net in nets.split()]


class _Exchange:
    """One call of `send`: its deadline, and whether anything of the request has gone out."""

    def __init__(self, egress: Egress) -> None:
        self.egress = egress
        self.deadline = time.monotonic() + egress.total_timeout
        self.sent = False

    def left(self) -> float:
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise httpcore.TimeoutException
        return seconds

    def perform(
        self,
        method: str,
        url: httpx.URL,
        fields: dict[str, str],
        content: bytes,
        hops: tuple[str, ...],
    ) -> Answer:
        """Ask on a connection of its own. No proxy or password comes in from the environment."""
        headers = {"host": url.netloc.decode("ascii"), **fields, "accept-encoding": "identity"}
        pool = httpcore.ConnectionPool(
            ssl_context=self.egress.verify or _shared_trust(), network_backend=_Guard(self, url)
        )
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        body = content if content or method not in ("GET", "HEAD") else None
        try:
            with pool, pool.stream(method, target, headers=_wire(headers), content=body) as answer:
                found, truncated = self._read(answer.iter_stream())
                return Answer(answer.status, _readable(answer.headers), found, truncated, hops)
        except httpcore.TimeoutException as error:
            seconds = f"{self.egress.total_timeout:g} seconds"
            raise HostUnreachable(
                f"{url.host} gave no answer within {seconds}.", self.sent
            ) from error
        except httpcore.LocalProtocolError as error:
            raise RequestRefused(f"This request breaks the rules of HTTP: {error}.") from error
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            said = str(error).rstrip(".")
            raise HostUnreachable(f"{url.host} gave no whole answer: {said}.", self.sent) from error

    def _read(self, chunks: Iterable[bytes]) -> tuple[bytes, bool]:
        most, body = self.egress.max_body, bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > most:
                return bytes(body[:most]), True
        return bytes(body), False


class _Guard(httpcore.NetworkBackend):
    """Looks a name up once, checks every answer, and connects to an address it has checked."""

    def __init__(self, exchange: _Exchange, url: httpx.URL) -> None:
        self.exchange, self.url = exchange, url
        self.inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("its name has no address")
        for address in self._addresses(host, port)[:_ADDRESSES_TRIED]:
            try:
                stream = self.inner.connect_tcp(str(address), port, self._patience())
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            self._admit(stream.get_extra_info("server_addr")[0])
            return _Stream(stream, self.exchange)
        raise failure

    def _addresses(self, host: str, port: int) -> list[Address]:
        """All addresses of the host: one that will not do refuses the name, wherever it stands."""
        try:
            found = self._look_up(host, port).result(self._patience())
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"its name was not found ({error})") from error
        return [self._admit(info[4][0]) for info in found]

    def _look_up(self, host: str, port: int) -> Future[Sequence[Info]]:
        """In a thread of its own, because a resolver knows no time-out."""
        future: Future[Sequence[Info]] = Future()

        def run() -> None:
            try:
                future.set_result(
                    self.exchange.egress.resolver(host, port, type=socket.SOCK_STREAM)
                )
            except Exception as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True, name=f"look-up {host}").start()
        return future

    def _admit(self, text: object) -> Address:
        address = _address(str(text))
        if reason := self.exchange.egress.unfit(address, self.url):
            raise RequestRefused(reason)
        return address

    def _patience(self) -> float:
        return min(_CONNECT_SECONDS, self.exchange.left())


class _Stream(httpcore.NetworkStream):
    """A connection that lives no longer than its exchange.

    httpcore's own time-outs start anew with each byte, so a peer that drips could hold us for ever.
    """

    def __init__(self, inner: httpcore.NetworkStream, exchange: _Exchange) -> None:
        self.inner, self.exchange = inner, exchange

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, self.exchange.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """In slices: one long write gives a slow reader the whole time anew for each bite."""
        self.exchange.sent = True
        for start in range(0, len(buffer), _SLICE):
            self.inner.write(buffer[start : start + _SLICE], self.exchange.left())

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self.inner.start_tls(ssl_context, server_hostname, self.exchange.left())
        return _Stream(secured, self.exchange)

    def get_extra_info(self, info: str) -> object:
        return self.inner.get_extra_info(info)


@cache
def _shared_trust() -> ssl.SSLContext:
    return trust()


def _spelled_out(host: str) -> Address | None:
    """The address a host spells out, in any form a resolver takes: 127.1, 0x7f000001, 2130706433.

    None for a name or nothing; ValueError for what is neither.
    """
    if ":" in host:
        return _address(host)
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]):
        try:
            return IPv4Address(socket.inet_aton(host))
        except OSError as error:
            raise ValueError(host) from error
    if len(host) > 253 or not re.fullmatch(r"([a-z0-9_-]{1,63}(\.|$))*", host):
        raise ValueError(host)
    return None


def _address(text: str) -> Address:
    """The address without its zone; an IPv4 address mapped into IPv6 is that IPv4 address."""
    address = ip_address(text.partition("%")[0])
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _network(word: str) -> Network:
    try:
        return ip_network(word)
    except ValueError as error:
        raise ValueError(
            f"{word!r} is not a network ({error}); write one like 127.0.0.1/32 or 10.20.0.0/16."
        ) from error


def _checked(method: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers as they may be sent, by lower-case name."""
    if method not in _METHODS:
        raise RequestRefused(f"{method} is not a method we send; use one of {', '.join(_METHODS)}.")
    for name, value in headers.items():
        if reason := header_problem(name, value):
            raise RequestRefused(reason)
    given = {name.lower(): value.strip() for name, value in headers.items()}
    return {"user-agent": "Sayso", "accept": "*/*", **given}


def _onward(method: str, url: httpx.URL, answer: Answer) -> httpx.URL | None:
    """Where the answer sends us on to, if it does."""
    location = answer.headers.get("location")
    if location is None or answer.status not in (301, 302, 303, 307, 308):
        return None
    if answer.status < 307 and method not in ("GET", "HEAD"):
        raise RequestRefused(
            f"{url.host} answered with redirect {answer.status}, which would turn {method} into GET"
            " and lose what was sent; use the address it redirects to."
        )
    try:
        return url.join(location)
    except httpx.InvalidURL as error:
        raise RequestRefused(
            f"{url.host} redirects to something that is not a web address."
        ) from error


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _wire(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode()) for name, value in headers.items()]


def _readable(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; what came more than once is joined with commas."""
    found: dict[str, str] = {}
    for name, value in ((n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in headers):
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
