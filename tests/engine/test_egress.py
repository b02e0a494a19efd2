"""The way out to other systems: what it refuses, and what a hostile server cannot do to it."""

import gzip
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.outside.egress import (
    Answer,
    Egress,
    HostUnreachable,
    RequestRefused,
    header_problem,
    parse_networks,
)

OPEN = parse_networks("127.0.0.1/32")
PUBLIC = "use the public https address of the receiver."


@dataclass
class Receiver:
    """A real server on this machine, and what it was sent."""

    port: int
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


class Handler(BaseHTTPRequestHandler):
    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.seen.append((self.command, self.path, headers, body))
        path, _, rest = self.path.partition("?")
        match path:
            case "/ok":
                self.answer(200, b"fine", **{"X-Twice": "a"})
            case "/loop":
                self.answer(302, b"", Location="/loop")
            case "/302" | "/303" | "/307" | "/308":
                self.answer(int(path[1:]), b"", Location=rest)
            case "/huge":
                self.answer(200, b"x" * 3_000_000)
            case "/bomb":
                self.answer(200, gzip.compress(bytes(20_000_000)), **{"Content-Encoding": "gzip"})

    do_GET = do_POST

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(body)
        except OSError:
            return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from serving()


def serving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_address[1])
    server.RequestHandlerClass = type("Bound", (Handler,), {"receiver": receiver})
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Serve one connection by hand; gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads = []

        def serve(talk: Callable[[socket.socket], None]) -> str:
            def run() -> None:
                connection, _ = server.accept()
                with connection:
                    try:
                        talk(connection)
                    except OSError:
                        return

            threads.append(threading.Thread(target=run))
            threads[-1].start()
            return f"http://127.0.0.1:{server.getsockname()[1]}/"

        yield serve
        for thread in threads:
            thread.join()


@dataclass
class Names:
    """A resolver that gives these answers, one list for each look-up."""

    answers: list[list[str]]
    asked: list[str] = field(default_factory=list)

    def __call__(
        self, host: str, port: int, *, type: int
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        self.asked.append(host)
        found = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return [(0, type, 6, "", (address, port)) for address in found]


def post(egress: Egress, url: str, **headers: str) -> Answer:
    return egress.send("POST", url, headers=headers, content=b"{}")


# What can be said without looking anything up


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://127.0.0.1/", f"127.0.0.1 is an address inside this machine; {PUBLIC}"),
        ("https://127.1/", f"127.1 (127.0.0.1) is an address inside this machine; {PUBLIC}"),
        ("https://10.0.0.9/", f"10.0.0.9 is an address inside a private network; {PUBLIC}"),
        ("https://localhost/", f"localhost is this machine itself; {PUBLIC}"),
        ("https://crm/", f"crm is a name inside a private network; {PUBLIC}"),
        (
            "http://example.com/",
            "example.com would be sent everything unencrypted; use https:// instead of http://.",
        ),
        (
            "https://example.com:22/",
            "Port 22 is not open for requests; use one of 80, 443, 8443.",
        ),
        (
            "https://me:secret@example.com/",
            "A user name or password cannot be part of the address; send it in a header.",
        ),
        (
            "ftp://example.com/",
            "The address must begin with https:// and a host;"
            " write one like https://example.com/path.",
        ),
        ("https://a..b/", "This is not a web address; write one like https://example.com/path."),
    ],
)
def test_an_unsafe_address_is_explained(url: str, sentence: str) -> None:
    assert Egress().problem(url) == sentence


SPELLINGS = (
    "0x7f000001 0x7f.1 0177.0.0.1 2130706433 017700000001 127.0.0.1. [::1] [::] [::127.0.0.1]"
    " [::ffff:127.0.0.1] [::ffff:7f00:1] [64:ff9b::7f00:1] [2002:7f00:1::] [fe80::1%25eth0]"
    " [fec0::1] [fd00:ec2::254] [ff02::1] 0.0.0.0 169.254.169.254 168.63.129.16 100.100.100.200"
    " 192.168.1.1 224.0.0.1 255.255.255.255 0 1.2.3.4.5 999.1.1.1 127。0。0。1 ①②⑦.0.0.1"
    " LOCALHOST localhost. a.localhost printer.local db.internal metadata.google.internal"
    " 127.0.0.1%2eexample.com x@127.0.0.1 .example.com"
)


@pytest.mark.parametrize("host", SPELLINGS.split())
def test_no_spelling_of_an_inside_address_passes(host: str) -> None:
    assert Egress().problem(f"https://{host}/") is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a?b=c#d",
        "HTTPS://Example.com.:8443/",
        "https://bücher.example/",
        "https://a_b.example.com/",
        "https://93.184.216.34/",
        "https://[2606:4700::1111]/",
    ],
)
def test_a_public_https_address_is_fine(url: str) -> None:
    assert Egress().problem(url) is None


@pytest.mark.parametrize("url", ["", "example.com", "//example.com", "https://", "file:///etc"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    assert Egress().problem(url) is not None


def test_an_opened_network_may_be_plain_http_on_any_port() -> None:
    egress = Egress(allow_networks=OPEN)
    assert egress.problem("http://127.0.0.1:9000/") is None
    assert egress.problem("http://localhost:9000/") is None
    assert egress.problem("http://127.0.0.2:9000/") is not None
    assert egress.problem("http://metadata.google.internal/") is not None


def test_networks_are_read_from_a_setting() -> None:
    assert [str(net) for net in parse_networks("127.0.0.1/32, 10.20.0.0/16\n fd00::/8")] == [
        "127.0.0.1/32",
        "10.20.0.0/16",
        "fd00::/8",
    ]
    assert parse_networks(" ") == ()


def test_a_wrong_network_is_explained() -> None:
    words = "'10.20.0.1/16' is not a network (10.20.0.1/16 has host bits set);"
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_networks("127.0.0.1/32, 10.20.0.1/16")


# What is sent


def test_a_request_arrives_as_written(receiver: Receiver) -> None:
    answer = post(Egress(allow_networks=OPEN), receiver.url("/ok?a=1"), **{"X-Name": "Zoë"})
    assert (answer.status, answer.body, answer.truncated) == (200, b"fine", False)
    assert answer.headers["x-twice"] == "a"
    assert answer.hops == (receiver.url("/ok?a=1"),)
    method, path, headers, body = receiver.seen[0]
    assert (method, path, body) == ("POST", "/ok?a=1", b"{}")
    assert headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "Sayso",
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-length": "2",
        "x-name": "Zoë".encode().decode("latin-1"),
    }


def test_a_proxy_in_the_environment_is_ignored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(Egress(allow_networks=OPEN), receiver.url("/ok")).status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "1\r\nX-Evil: 2"),
        ("X-A", "1\nX-Evil: 2"),
        ("X-A", "1\0"),
        ("X-A: 1\r\nX-Evil", "2"),
        ("", "1"),
        ("Host", "inside.example"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "0"),
        ("Proxy-Authorization", "Basic x"),
    ],
)
def test_a_header_that_would_change_the_request_is_refused(
    receiver: Receiver, name: str, value: str
) -> None:
    with pytest.raises(RequestRefused) as refusal:
        post(Egress(allow_networks=OPEN), receiver.url("/ok"), **{name: value})
    assert refusal.value.reason == header_problem(name, value)
    assert receiver.seen == []


def test_only_everyday_methods_are_sent(receiver: Receiver) -> None:
    with pytest.raises(RequestRefused, match="CONNECT is not a method we send"):
        Egress(allow_networks=OPEN).send("CONNECT", receiver.url("/ok"), headers={}, content=b"")


# Names


def test_a_name_is_looked_up_once_and_its_checked_address_is_used(receiver: Receiver) -> None:
    names = Names([["127.0.0.1"], ["169.254.169.254"]])
    egress = Egress(allow_networks=OPEN, resolver=names)
    assert post(egress, receiver.url("/ok", host="partner.example")).status == 200
    assert names.asked == ["partner.example"]
    assert receiver.seen[0][2]["host"] == f"partner.example:{receiver.port}"


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (
            ["93.184.216.34", "10.0.0.1"],
            "partner.example (10.0.0.1) is an address inside a private network",
        ),
        (
            ["::ffff:169.254.169.254"],
            "partner.example (169.254.169.254) is an address of the cloud",
        ),
        (["fe80::1%eth0"], "partner.example (fe80::1) is an address of the cloud"),
    ],
)
def test_one_inside_address_refuses_the_name(answers: list[str], sentence: str) -> None:
    with pytest.raises(RequestRefused, match=re.escape(sentence)):
        post(Egress(resolver=Names([answers])), "https://partner.example/")


def test_plain_http_is_only_for_names_wholly_inside_opened_networks(receiver: Receiver) -> None:
    names = Names([["127.0.0.1", "93.184.216.34"]])
    with pytest.raises(RequestRefused, match="unencrypted"):
        post(
            Egress(allow_networks=OPEN, resolver=names),
            receiver.url("/ok", host="partner.example"),
        )
    assert receiver.seen == []


def test_an_odd_port_is_only_for_opened_networks() -> None:
    names = Names([["93.184.216.34"]])
    with pytest.raises(RequestRefused, match="Port 6379 is not open"):
        post(Egress(allow_networks=OPEN, resolver=names), "https://partner.example:6379/")


def test_an_unknown_name_can_be_tried_again() -> None:
    def unknown(host: str, port: int, *, type: int) -> list[tuple[int, int, int, str, tuple[str]]]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(HostUnreachable, match="was not found") as failure:
        post(Egress(resolver=unknown), "https://partner.example/")
    assert not failure.value.sent


def test_a_slow_look_up_ends_in_time() -> None:
    answered = threading.Event()

    def slow(host: str, port: int, *, type: int) -> list[tuple[int, int, int, str, tuple[str]]]:
        answered.wait(10)
        return []

    began = time.monotonic()
    with pytest.raises(HostUnreachable) as failure:
        post(Egress(resolver=slow, total_timeout=0.3), "https://partner.example/")
    answered.set()
    assert not failure.value.sent
    assert time.monotonic() - began < 1.3


def test_the_next_address_is_tried_when_one_is_down(receiver: Receiver) -> None:
    egress = Egress(
        allow_networks=parse_networks("127.0.0.0/8"), resolver=Names([["127.0.0.9", "127.0.0.1"]])
    )
    assert post(egress, receiver.url("/ok", host="partner.example")).status == 200


def test_a_refused_connection_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(HostUnreachable) as failure:
        post(Egress(allow_networks=OPEN), f"http://127.0.0.1:{port}/")
    assert not failure.value.sent


# Redirects


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "https://10.0.0.1/",
        "http://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://me:pw@example.com/",
    ],
)
def test_a_redirect_to_an_unsafe_address_is_not_followed(receiver: Receiver, target: str) -> None:
    egress = Egress(allow_networks=OPEN, resolver=Names([["127.0.0.1"], ["93.184.216.34"]]))
    with pytest.raises(RequestRefused):
        post(egress, receiver.url(f"/307?{target}"))
    assert len(receiver.seen) == 1


def test_redirects_end(receiver: Receiver) -> None:
    with pytest.raises(RequestRefused, match="more than 3 redirects"):
        Egress(allow_networks=OPEN).send("GET", receiver.url("/loop"), headers={}, content=b"")
    assert len(receiver.seen) == 4


@pytest.mark.parametrize("status", [302, 303])
def test_a_redirect_never_turns_a_post_into_a_get(receiver: Receiver, status: int) -> None:
    with pytest.raises(RequestRefused, match="would turn POST into GET"):
        post(Egress(allow_networks=OPEN), receiver.url(f"/{status}?/ok"))
    assert len(receiver.seen) == 1


def test_a_redirect_of_a_post_keeps_method_and_body(receiver: Receiver) -> None:
    answer = post(Egress(allow_networks=OPEN), receiver.url("/308?/ok"), authorization="Bearer S")
    assert answer.hops == (receiver.url("/308?/ok"), receiver.url("/ok"))
    method, path, headers, body = receiver.seen[1]
    assert (method, path, body) == ("POST", "/ok", b"{}")
    assert headers["authorization"] == "Bearer S"


def test_secret_headers_stay_behind_when_the_origin_changes(receiver: Receiver) -> None:
    onward = receiver.url("/ok", host="b.example")
    Egress(allow_networks=OPEN, resolver=Names([["127.0.0.1"]])).send(
        "POST",
        receiver.url(f"/307?{onward}", host="a.example"),
        headers={"Authorization": "Bearer S", "Cookie": "s=1", "X-Api-Key": "S", "X-Id": "1"},
        content=b"{}",
        secret_headers=frozenset({"X-API-Key"}),
    )
    sent = [
        set(headers) & {"authorization", "cookie", "x-api-key", "x-id"}
        for _, _, headers, _ in receiver.seen
    ]
    assert sent == [{"authorization", "cookie", "x-api-key", "x-id"}, {"x-id"}]


# Answers


def test_a_huge_body_is_cut(receiver: Receiver) -> None:
    answer = post(Egress(allow_networks=OPEN, max_body=100_000), receiver.url("/huge"))
    assert (answer.body, answer.truncated) == (b"x" * 100_000, True)


def test_a_gzip_bomb_stays_packed(receiver: Receiver) -> None:
    answer = post(Egress(allow_networks=OPEN), receiver.url("/bomb"))
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 30_000
    assert not answer.truncated


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


def drip(connection: socket.socket, slowly: bytes) -> None:
    stop = threading.Event()
    for number in range(len(slowly)):
        connection.send(slowly[number : number + 1])
        stop.wait(0.1)


def drip_headers(connection: socket.socket) -> None:
    drip(connection, b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 50)


def drip_body(connection: socket.socket) -> None:
    connection.recv(9999)
    connection.sendall(HEAD)
    drip(connection, b"x" * 1000)


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(9999):
        pass


@pytest.mark.parametrize("talk", [drip_headers, drip_body, say_nothing])
def test_a_slow_answer_ends_in_time(
    raw: Callable[[Callable[[socket.socket], None]], str], talk: Callable[[socket.socket], None]
) -> None:
    began = time.monotonic()
    with pytest.raises(HostUnreachable, match="no answer within") as failure:
        post(Egress(allow_networks=OPEN, total_timeout=0.4), raw(talk))
    assert failure.value.sent
    assert time.monotonic() - began < 1.4


def test_a_slow_reader_ends_in_time(
    raw: Callable[[Callable[[socket.socket], None]], str],
) -> None:
    over = threading.Event()

    def sip(connection: socket.socket) -> None:
        while connection.recv(60_000) and not over.wait(0.005):
            pass

    began = time.monotonic()
    with pytest.raises(HostUnreachable) as failure:
        Egress(allow_networks=OPEN, total_timeout=0.5).send(
            "POST", raw(sip), headers={}, content=bytes(30_000_000)
        )
    assert failure.value.sent
    assert time.monotonic() - began < 1.5
    over.set()


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", HEAD + b"only this"])
def test_a_broken_answer_can_be_tried_again(
    raw: Callable[[Callable[[socket.socket], None]], str], said: bytes
) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(9999)
        connection.sendall(said)

    with pytest.raises(HostUnreachable, match="no whole answer") as failure:
        post(Egress(allow_networks=OPEN), raw(talk))
    assert failure.value.sent


# TLS


def test_the_certificate_must_be_for_the_name_not_the_address(tmp_path: Path) -> None:
    pem = certificate(tmp_path / "good.pem", "good.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    for receiver in serving(context):
        egress = Egress(
            allow_networks=OPEN,
            resolver=Names([["127.0.0.1"]]),
            verify=ssl.create_default_context(cafile=pem),
        )
        url = f"https://good.example:{receiver.port}/ok"
        assert post(egress, url).status == 200
        assert asked == ["good.example"]
        with pytest.raises(HostUnreachable, match="certificate") as failure:
            post(egress, url.replace("good", "other"))
        assert not failure.value.sent
        with pytest.raises(HostUnreachable, match="certificate"):
            post(replace(egress, verify=None), url)


def certificate(path: Path, host: str) -> Path:
    """A self-signed certificate for this host with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kind = serialization.Encoding.PEM
    private = key.private_bytes(
        kind, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(kind))
    return path
