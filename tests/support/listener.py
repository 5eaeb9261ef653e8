"""An HTTP server that keeps what is posted to it and answers as it is told to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PARKED_S = 60


@dataclass
class Post:
    path: str
    headers: dict[str, str]
    body: Any
    answered: int


@dataclass
class Listener:
    url: str = ""
    posts: list[Post] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """For the next posts, in order; 200 when it is empty."""
    arrived: list[Any] = field(default_factory=list)
    """Bodies, before anything is answered."""
    open: threading.Event = field(default_factory=threading.Event)
    """Cleared, it lets posts to /parked wait for their answer."""

    def to(self, path: str, answered: int = 200) -> list[Post]:
        return [post for post in list(self.posts) if post.path == path and post.answered == answered]


@contextmanager
def listener(port: int = 0) -> Iterator[Listener]:
    heard = Listener()
    heard.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = 404 if self.path == "/gone" else heard.answers.pop(0) if heard.answers else 200
            try:
                body = json.loads(text)
            except ValueError:
                body = text
            heard.arrived.append(body)
            if self.path == "/parked":
                heard.open.wait(PARKED_S)
            heard.posts.append(Post(self.path, dict(self.headers), body, answer))
            with suppress(OSError):
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    heard.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield heard
    finally:
        heard.open.set()
        server.shutdown()
        thread.join()
        server.server_close()
