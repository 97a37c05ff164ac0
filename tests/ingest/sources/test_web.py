from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from ingest.sources.addresses import AllowList, is_public
from ingest.sources.web import WebLimits, WebReader
from schemas.errors import SettingsError, SourceTooLarge, UnreadableSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from ipaddress import IPv4Address, IPv6Address

    import trustme

pytest.importorskip("trustme", reason="makes the certificates; comes with the extra dev")

URI = "manifest://m/1"
LOOPBACK = ip_address("127.0.0.1")


def loopback_or_public(address: IPv4Address | IPv6Address) -> bool:
    return address == LOOPBACK or is_public(address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []
    headers_of: ClassVar[dict[str, dict[str, str]]] = {}

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.asked.append(self.path)
        self.headers_of[path] = dict(self.headers)
        pages: dict[str, Callable[[], None]] = {
            "/file": lambda: self.answer(b"content"),
            "/to": lambda: self.answer(b"", 302, ("Location", query["url"][0])),
            "/loop": lambda: self.answer(b"", 301, ("Location", "/loop")),
            "/cookie": lambda: self.answer(b"", 302, ("Location", "/file"), cookie="a=b"),
            "/short": lambda: self.answer(b"short", length=50),
            "/endless": self.send_endlessly,
            "/drip": self.drip,
            "/drip-header": self.drip_header,
            "/bomb": lambda: self.answer(BOMB, 200, ("Content-Encoding", "gzip")),
            "/gzip": lambda: self.answer(
                gzip.compress(b"content"), 200, ("Content-Encoding", "gzip")
            ),
            "/cut-gzip": lambda: self.answer(
                gzip.compress(b"content")[:-9], 200, ("Content-Encoding", "gzip")
            ),
            "/br": lambda: self.answer(b"x", 200, ("Content-Encoding", "br")),
            "/busy": lambda: self.answer_after(1, "0"),
            "/busy-date": lambda: self.answer_after(1, formatdate(0, usegmt=True)),
            "/busy-for-ever": lambda: self.answer_after(99, "0"),
            "/busy-for-long": lambda: self.answer_after(99, "3600"),
            "/busy-without-a-word": lambda: self.answer(b"", 503),
        }
        if path.startswith("/status/"):
            self.answer(b"no", int(path.rpartition("/")[2]))
        else:
            pages[path]()

    def answer(
        self,
        body: bytes,
        status: int = 200,
        field: tuple[str, str] | None = None,
        *,
        cookie: str = "",
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        if cookie:
            self.send_header("Set-Cookie", cookie)
        if field:
            self.send_header(*field)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = length is not None

    def answer_after(self, times: int, retry_after: str) -> None:
        if self.asked.count(self.path) > times:
            self.answer(b"content")
        else:
            self.answer(b"", 429, ("Retry-After", retry_after))

    def send_endlessly(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b"x" * 10_000)

    def drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b"x")
            time.sleep(0.02)

    def drip_header(self) -> None:
        self.close_connection = True
        while True:
            self.wfile.write(b"H")
            time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        pass


BOMB = gzip.compress(bytes(50_000_000))


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes away is what half of these tests are about."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    import trustme

    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def port(authority: trustme.CA) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def reader(port: int, trusting: ssl.SSLContext) -> Iterator[WebReader]:
    Handler.asked.clear()
    reader = WebReader(
        [f"localhost:{port}", "10.0.0.1", "169.254.169.254"],
        address_allowed=loopback_or_public,
        ssl_context=trusting,
    )
    yield reader
    reader.close()


@pytest.fixture
def hasty(port: int, trusting: ssl.SSLContext) -> Iterator[WebReader]:
    reader = WebReader(
        [f"localhost:{port}"],
        limits=WebLimits(total_seconds=0.4),
        address_allowed=loopback_or_public,
        ssl_context=trusting,
    )
    yield reader
    reader.close()


def test_a_url_of_an_allowed_host_is_read(reader: WebReader, port: int) -> None:
    url = f"https://localhost:{port}/file?a=1#part"
    assert reader.read(url, URI, 7) == b"content"
    assert Handler.asked == ["/file?a=1"]
    sent = Handler.headers_of["/file"]
    assert sent == {
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": "diptych",
        "Host": f"localhost:{port}",
    }


def test_several_threads_read_at_once(reader: WebReader, port: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        contents = pool.map(
            lambda n: reader.read(f"https://localhost:{port}/file?{n}", URI, 100), range(40)
        )
        assert set(contents) == {b"content"}
    assert len(Handler.asked) == 40


def test_no_environment_and_no_cookie(
    reader: WebReader, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert reader.read(f"https://localhost:{port}/cookie", URI, 100) == b"content"
    assert "Cookie" not in Handler.headers_of["/file"]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://localhost:PORT/file", "is not https"),
        ("ftp://localhost:PORT/file", "is not https"),
        ("file:///etc/passwd", "is not https"),
        ("/file", "is not https"),
        ("https://user:secret@localhost:PORT/file", "holds a user's name"),
        ("https://localhost/file", "is of localhost, which is not allowed"),
        ("https://127.0.0.1:PORT/file", "which is not allowed"),
        ("https://example.org/file", "is of example.org, which is not allowed"),
        ("https://localhost.example.org:PORT/", "which is not allowed"),
        ("https://local\nhost/", "is malformed"),
        ("https://[::1/", "is malformed"),
        ("https:///file", "is not https"),
    ],
)
def test_what_is_not_allowed_is_not_asked_for(
    reader: WebReader, port: int, url: str, problem: str
) -> None:
    with pytest.raises(UnreadableSource, match=problem) as refusal:
        reader.read(url.replace("PORT", str(port)), URI, 100)
    assert "secret" not in str(refusal.value)
    assert Handler.asked == []


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("http://localhost:PORT/file", "redirects to a URL that is not https"),
        ("https://example.org/", "redirects to a URL that is of example.org"),
        ("//example.org/", "redirects to a URL that is of example.org"),
        ("https://127.0.0.1:PORT/file", "which is not allowed"),
        ("https://10.0.0.1/", "10.0.0.1 is at 10.0.0.1, which is not public"),
        ("https://169.254.169.254/", "which is not public"),
        ("file:///etc/passwd", "is not https"),
    ],
)
def test_each_redirect_is_checked_anew(
    reader: WebReader, port: int, target: str, problem: str
) -> None:
    target = target.replace("PORT", str(port))
    with pytest.raises(UnreadableSource, match=problem):
        reader.read(f"https://localhost:{port}/to?url={target}", URI, 100)
    assert len(Handler.asked) == 1


def test_redirects_are_followed_a_few_times(reader: WebReader, port: int) -> None:
    assert reader.read(f"https://localhost:{port}/to?url=/file", URI, 100) == b"content"
    Handler.asked.clear()
    with pytest.raises(UnreadableSource, match="redirects more than 5 times"):
        reader.read(f"https://localhost:{port}/loop", URI, 100)
    assert len(Handler.asked) == 6


def test_an_allowed_name_at_a_private_address_is_refused(
    port: int, trusting: ssl.SSLContext
) -> None:
    Handler.asked.clear()
    reader = WebReader([f"localhost:{port}", f"127.0.0.1:{port}"], ssl_context=trusting)
    for host in ("localhost", "127.0.0.1"):
        with pytest.raises(UnreadableSource, match="which is not public"):
            reader.read(f"https://{host}:{port}/file", URI, 100)
    assert Handler.asked == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    port: int, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name server that gives another address the second time it is asked.
    resolve = socket.getaddrinfo
    answers = iter(["127.0.0.1", "127.0.0.2", "127.0.0.2"])

    def rebind(host: str, *arguments: object, **options: object) -> object:
        name = next(answers) if host == "localhost" else host
        return resolve(name, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    reader = WebReader([f"localhost:{port}"], address_allowed=LOOPBACK.__eq__, ssl_context=trusting)
    assert reader.read(f"https://localhost:{port}/file", URI, 100) == b"content"
    reader.close()
    with pytest.raises(UnreadableSource, match=r"127\.0\.0\.2"):
        reader.read(f"https://localhost:{port}/file", URI, 100)


def test_a_name_with_one_private_address_among_others_is_refused(
    trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(_host: str, port: int, **_options: object) -> list[object]:
        return [(2, 1, 6, "", ("93.184.215.14", port)), (2, 1, 6, "", ("192.168.1.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    reader = WebReader(["example.org"], ssl_context=trusting)
    with pytest.raises(UnreadableSource, match=r"192\.168\.1\.1, which is not public"):
        reader.read("https://example.org/", URI, 100)


def test_a_certificate_of_nobody_or_of_another_name_is_refused(
    port: int, trusting: ssl.SSLContext
) -> None:
    for context, host in ((None, "localhost"), (trusting, "127.0.0.1")):
        reader = WebReader(
            [f"{host}:{port}"], address_allowed=loopback_or_public, ssl_context=context
        )
        with pytest.raises(UnreadableSource, match="certificate verify failed"):
            reader.read(f"https://{host}:{port}/file", URI, 100)


def test_a_body_over_the_limit_is_cut(reader: WebReader, port: int) -> None:
    with pytest.raises(SourceTooLarge, match="7 bytes, over the limit of 6"):
        reader.read(f"https://localhost:{port}/file", URI, 6)
    with pytest.raises(SourceTooLarge, match="over the limit of 100,000"):
        reader.read(f"https://localhost:{port}/endless", URI, 100_000)


def test_what_was_compressed_unasked_is_unpacked_up_to_the_limit(
    reader: WebReader, port: int
) -> None:
    assert reader.read(f"https://localhost:{port}/gzip", URI, 100) == b"content"
    tracemalloc.start()
    with pytest.raises(SourceTooLarge):
        reader.read(f"https://localhost:{port}/bomb", URI, 1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    with pytest.raises(UnreadableSource, match="cut short"):
        reader.read(f"https://localhost:{port}/cut-gzip", URI, 100)
    with pytest.raises(UnreadableSource, match="compressed as 'br'"):
        reader.read(f"https://localhost:{port}/br", URI, 100)


@pytest.mark.parametrize("page", ["drip", "drip-header"])
def test_what_trickles_in_for_ever_has_an_end(hasty: WebReader, port: int, page: str) -> None:
    with pytest.raises(UnreadableSource, match="cannot be fetched"):
        hasty.read(f"https://localhost:{port}/{page}", URI, 1_000_000)


def test_a_short_body_is_an_error(reader: WebReader, port: int) -> None:
    with pytest.raises(UnreadableSource, match="cannot be fetched"):
        reader.read(f"https://localhost:{port}/short", URI, 100)


@pytest.mark.parametrize(
    ("status", "phrase"),
    [(404, "HTTP 404 Not Found"), (403, "Forbidden"), (500, "500"), (204, "204"), (599, "599")],
)
def test_other_answers_are_errors_and_not_asked_for_again(
    reader: WebReader, port: int, status: int, phrase: str
) -> None:
    with pytest.raises(UnreadableSource, match=phrase):
        reader.read(f"https://localhost:{port}/status/{status}", URI, 100)
    assert len(Handler.asked) == 1


def test_a_server_that_says_when_to_come_again_is_asked_again(reader: WebReader, port: int) -> None:
    for page in ("busy", "busy-date"):
        assert reader.read(f"https://localhost:{port}/{page}", URI, 100) == b"content"
    Handler.asked.clear()
    for page, attempts in (("busy-for-ever", 3), ("busy-for-long", 1), ("busy-without-a-word", 1)):
        with pytest.raises(UnreadableSource, match=r"Too Many Requests|Service Unavailable"):
            reader.read(f"https://localhost:{port}/{page}", URI, 100)
        assert Handler.asked.count(f"/{page}") == attempts


def test_a_host_that_is_away_is_an_error_of_the_item(trusting: ssl.SSLContext) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        reader = WebReader(
            [f"127.0.0.1:{port}"], address_allowed=loopback_or_public, ssl_context=trusting
        )
        with pytest.raises(UnreadableSource, match="cannot be fetched"):
            reader.read(f"https://127.0.0.1:{port}/", URI, 100)


@pytest.mark.parametrize(
    ("entry", "host", "is_admitted"),
    [
        ("example.org", "example.org", True),
        ("Example.ORG", "example.org", True),
        ("example.org", "a.example.org", False),
        ("example.org", "badexample.org", False),
        (".example.org", "a.b.example.org", True),
        ("*.example.org", "a.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "badexample.org", False),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("[2606:2800::1]", "2606:2800::1", True),
    ],
)
def test_allowed_hosts(entry: str, host: str, is_admitted: bool) -> None:  # noqa: FBT001
    assert AllowList([entry]).admits(host, 443) is is_admitted
    assert not AllowList([entry]).admits(host, 8443)
    assert AllowList([f"{entry}:8443"]).admits(host, 8443) is is_admitted


@pytest.mark.parametrize(
    "entry",
    ["", "*", "*.", "https://example.org", "example.org/path", "u@example.org", "a.*.org", "a:0"],
)
def test_what_is_no_host_is_a_settings_error(entry: str) -> None:
    with pytest.raises(SettingsError, match="is no host"):
        AllowList([entry])


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - refused, not bound
        "10.1.2.3",
        "100.64.0.1",
        "127.8.8.8",
        "168.63.129.16",
        "169.254.169.254",
        "172.31.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "ff02::1",
        "3fff::1",
        "2606:4700::1%1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "93.184.215.14",
        "172.32.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2606:4700::1111",
    ],
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ip_address(address))
