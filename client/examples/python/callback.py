# SPDX-License-Identifier: Apache-2.0
"""Receives the browser when the provider sends it back (RFC 8252 section 7.3)."""
import hmac
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def pasted_callback(redirect_uri, state):
    """The URL with `state`, as the user pastes it. Raises EOFError when the input ends without it."""
    print("Then paste the address of the page that cannot be shown:", flush=True)
    for line in sys.stdin:
        url = line.strip()
        if url.startswith(redirect_uri + "?") and parse_qs(urlsplit(url).query).get("state") == [state]:
            return url
        print("That is not the address of this sign-in's last page. Paste it whole:", flush=True)
    raise EOFError("standard input has ended without the address of this sign-in's last page")


class CallbackListener:
    """Listens on a free port of 127.0.0.1 while it is entered."""

    def __init__(self):
        self._state = None
        self._urls = queue.Queue()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self):
                listener._answer(self)

            def log_message(self, *_):
                pass  # it would log the code

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._origin = f"http://127.0.0.1:{self._server.server_port}"
        self.redirect_uri = self._origin + "/callback"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def wait(self, state, seconds):
        """The URL that was requested with `state`. Raises TimeoutError when nobody comes."""
        self._state = state
        try:
            return self._urls.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError("nobody finished signing in") from None

    def _answer(self, request):
        # Anyone on this machine can knock here: what does not carry our state ends nothing.
        url = urlsplit(request.path)
        states = parse_qs(url.query).get("state", [])
        ours = (url.path == "/callback" and self._state is not None and len(states) == 1
                and hmac.compare_digest(states[0].encode(), self._state.encode()))
        body = b"You can close this window." if ours else b"This is not the sign-in that was begun here."
        request.send_response(200 if ours else 400)
        request.send_header("Content-Type", "text/plain")
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Cache-Control", "no-store")
        request.send_header("Referrer-Policy", "no-referrer")
        request.end_headers()
        request.wfile.write(body)
        if ours:
            self._urls.put(self._origin + request.path)
