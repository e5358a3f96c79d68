"""Programs that others have written, each on a port of its own of the loopback, under a small and steady load."""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.tracee import ROOT

BUILT = ROOT / "build" / "third-party"
PAUSE_S = 0.005  # between two requests
PATIENCE_S = 30.0

Request = Callable[[], object]


class ThirdParty:
    """``with ThirdParty("caddy") as target``: it is ready, and asked all the time; it ends with the block."""

    def __init__(self, name: str, pause_s: float = PAUSE_S) -> None:
        self._name, self._pause_s = name, pause_s
        self._open = ExitStack()
        self._enough = threading.Event()

    def __enter__(self) -> ThirdParty:
        with ExitStack() as starting:
            folder, port = starting.enter_context(TemporaryDirectory()), free_port()
            start, ready, load = PROGRAMS[self._name]
            self.process = starting.enter_context(_started(start(Path(folder), port), Path(folder), ready))
            request = starting.enter_context(load(port))
            request()
            starting.callback(self._asked_all_the_time(request))
            self._open = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _asked_all_the_time(self, request: Request) -> Callable[[], None]:
        def ask() -> None:
            while not self._enough.wait(self._pause_s):
                request()

        asking = threading.Thread(target=ask)
        asking.start()

        def end() -> None:
            self._enough.set()
            asking.join(PATIENCE_S)

        return end


@contextmanager
def _started(command: list[str], folder: Path, ready: str) -> Iterator[subprocess.Popen[str]]:
    """The process, once its log holds the word ``ready``."""
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if ready in line:
                    break
            else:
                raise AssertionError(f"{command[0]} does not start: {''.join(said)}")
            yield process
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


# Caddy, a web server.


def _caddy(folder: Path, port: int) -> list[str]:
    hello = {"handler": "static_response", "body": "hello", "status_code": 200}
    headers = {"handler": "headers", "response": {"set": {"X-Third": ["party"]}}}
    encode = {"handler": "encode", "encodings": {"gzip": {}}, "minimum_length": 512, "prefer": ["gzip"]}
    server = {
        "listen": [f"127.0.0.1:{port}"],
        "read_timeout": "90s",
        "max_header_bytes": 65536,
        "automatic_https": {"disable": True},
        "routes": [{"match": [{"path": ["/greet*"]}], "handle": [headers, encode, hello], "terminal": True}],
    }
    configuration = {"admin": {"disabled": True}, "apps": {"http": {"servers": {"third": server}}}}
    (folder / "caddy.json").write_text(json.dumps(configuration))
    return [str(BUILT / "caddy"), "run", "--config", "caddy.json"]


@contextmanager
def _of_web(port: int) -> Iterator[Request]:
    """One connection that is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)

    def request() -> None:
        connection.request("GET", "/greet/world?name=third&count=7", headers={"Accept-Encoding": "gzip"})
        assert connection.getresponse().read()

    try:
        yield request
    finally:
        connection.close()


# NATS, a message broker.


def _nats(folder: Path, port: int) -> list[str]:
    limits = {"max_payload": 65536, "max_connections": 100, "max_control_line": 2048, "ping_interval": "90s"}
    configuration = {"server_name": "third", "host": "127.0.0.1", "port": port, "write_deadline": "5s"} | limits
    (folder / "nats.json").write_text(json.dumps(configuration))
    return [str(BUILT / "nats-server"), "--config", "nats.json"]


@contextmanager
def _of_messages(port: int) -> Iterator[Request]:
    """A client that hears what it says (the protocol's documentation, "Client Protocol")."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection, connection.makefile("rb") as heard:

        def request() -> None:
            connection.sendall(b"PUB orders.new 5\r\nhello\r\nPUB $SYS.REQ.USER.INFO answers.info 0\r\n\r\n")
            missing = {b"orders.new", b"answers.info"}
            while missing:
                verb, *words = heard.readline().split()
                if verb == b"MSG":
                    missing.discard(words[0])
                    heard.read(int(words[-1]) + 2)
                elif verb == b"PING":
                    connection.sendall(b"PONG\r\n")

        options = {"verbose": False, "pedantic": False, "name": "client", "lang": "python", "version": "1.2.3"}
        connection.sendall(f"CONNECT {json.dumps(options)}\r\nSUB orders.* 7\r\nSUB answers.* 8\r\n".encode())
        yield request


# uWSGI, an application server; without an application it serves files.


def _uwsgi(folder: Path, port: int) -> list[str]:
    (folder / "files").mkdir()
    (folder / "files" / "greeting.txt").write_text("hello")
    return ["/usr/bin/uwsgi-core", "--plugin", "notfound", "--http-socket", f"127.0.0.1:{port}", "--disable-logging",
            "--static-map", f"/greet={folder}/files", "--procname", "third"]  # fmt: skip


@contextmanager
def _of_files(port: int) -> Iterator[Request]:
    """A connection for each."""

    def request() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request("GET", "/greet/greeting.txt?name=third", headers={"User-Agent": "third/1.0"})
        assert connection.getresponse().read() == b"hello"
        connection.close()

    yield request


@contextmanager
def _of_various_files(port: int) -> Iterator[Request]:
    """The same with addresses of various lengths, each as likely: something to see a distribution of."""

    def request() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request("GET", f"/greet/greeting.txt?name={'x' * random.randrange(100)}")
        assert connection.getresponse().read() == b"hello"
        connection.close()

    yield request


PROGRAMS = {
    "caddy": (_caddy, "serving initial configuration", _of_web),
    "nats-server": (_nats, "Server is ready", _of_messages),
    "uwsgi": (_uwsgi, "spawned uWSGI worker", _of_files),
    "uwsgi, various": (_uwsgi, "spawned uWSGI worker", _of_various_files),
}
