"""What pods of the tests run, by its text: says what it may do there. Arguments: status, and another answer."""

import http.server
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

STATUS, ANSWER = int(sys.argv[1]), sys.argv[2]
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def writes(folder: str) -> str:
    try:
        Path(folder, "a").write_text("a")
    except OSError as error:
        return str(error.strerror)
    return "yes"


def told() -> str:
    process, key = Path("/proc/self/status").read_text(), os.environ.get("KEY")
    said = {
        "user": os.getuid(),
        "root": writes("/srv"),
        "tmp": writes("/tmp"),
        "data": writes(os.environ["DATA_DIR"]),
        "key": key and Path(key).read_text(),
        "escalates": "NoNewPrivs:\t0" in process,
        "capabilities": process.partition("CapEff:\t")[2][:16],
        "token": Path(TOKEN).exists(),
    }
    return json.dumps(said)


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = (ANSWER or told()).encode()
        self.send_response(STATUS)
        self.end_headers()
        self.wfile.write(said)
        if self.path != "/":
            print("asked for", self.path)

    def log_message(self, format: str, *args: object) -> None:
        return


def end(number: int, frame: FrameType | None) -> None:
    os._exit(0)


signal.signal(signal.SIGTERM, end)  # the first process of a container ignores it otherwise
print("it begins")
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Answers).serve_forever()
