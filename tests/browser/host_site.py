"""Somebody else's site, whose pages show the chat."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A clinic</title>
<main><h1>A clinic</h1><p><a href="/">Home</a></p></main>
<script src="{script}" async {attributes}></script>
</html>
"""


@contextmanager
def host_site(script: str, *, attributes: str = "", policy: str = "") -> Iterator[int]:
    """The port, on 127.0.0.1, where every address is a page with this script in it."""
    body = PAGE.format(script=script, attributes=attributes).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/"
            self.send_response(200 if found else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body if found else b"")

        def log_message(self, *_: object) -> None:
            """Tests have nothing to say of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
