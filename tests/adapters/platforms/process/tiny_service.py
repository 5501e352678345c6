"""A service for tests that behaves as BEHAVIOUR says, and can be told to behave otherwise while it runs.

GET /healthz, /environment (what it was given, as JSON), /slow?SECONDS, /become/BEHAVIOUR, /print?TEXT, /fork,
/ask?URL (what that answers), /write?PATH (what came of it), /status (what the kernel says of it).
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Service(ThreadingHTTPServer):
    daemon_threads = False  # a request in flight is answered before the process ends
    behaviour = os.environ.get("BEHAVIOUR", "well")


class Answer(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        path, _, argument = self.path.partition("?")
        body = b"ok"
        if path.startswith("/become/"):
            self.server.behaviour = path.removeprefix("/become/")
        elif path == "/slow":
            time.sleep(float(argument))
        elif path == "/print":
            print(argument)
        elif path == "/environment":
            body = json.dumps(dict(os.environ)).encode()
        elif path in {"/ask", "/write"}:
            body = tried(path, argument)
        elif path == "/status":
            body = Path("/proc/self/status").read_bytes()
        elif path == "/fork":
            session = argument == "session"
            body = str(subprocess.Popen(["sleep", "300"], start_new_session=session).pid).encode()
        if self.server.behaviour == "crash":
            print("cannot go on")
            os._exit(3)
        unready = path == "/healthz" and self.server.behaviour == "unready"
        self.send_response(503 if unready else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def tried(path: str, argument: str) -> bytes:
    try:
        if path == "/write":
            Path(argument).write_text("x")
            return b"written"
        with urllib.request.urlopen(argument, timeout=2) as answer:
            return bytes(answer.read())
    except OSError as error:
        return str(error).encode()


def stop(service: Service) -> None:
    if service.behaviour == "deaf":
        return
    if service.behaviour == "slow to stop":
        time.sleep(0.7)
    service.shutdown()


def main() -> None:
    behaviour = os.environ.get("BEHAVIOUR")
    if behaviour == "crash":
        print("no table 'tariffs'")
        sys.exit(3)
    if behaviour == "late":
        time.sleep(0.5)
    service = Service((os.environ.get("HOST", "127.0.0.1"), int(os.environ["PORT"])), Answer)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stop, args=[service]).start())
    service.serve_forever(poll_interval=0.05)
    service.server_close()


main()
