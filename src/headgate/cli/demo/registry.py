"""A registry of the demo's own on loopback, Debian's `docker-registry`: what is pinned by digest lies somewhere."""

import shutil
import socket
import subprocess
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from headgate.cli.failure import Failure

PROGRAM = "docker-registry"
START_SECONDS = 20.0
STOP_SECONDS = 5.0
CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: "{data}"}}}}
http: {{addr: "{host}"}}
"""


class Registry:
    def __init__(self, folder: Path) -> None:
        self.host = f"127.0.0.1:{free_port()}"
        self._data, self._log, self._file = folder / "registry", folder / "registry.log", folder / "registry.yml"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._file.write_text(CONFIGURATION.format(data=self._data, host=self.host))
        command = [shutil.which(PROGRAM) or PROGRAM, "serve", str(self._file)]
        with self._log.open("ab") as log:
            # A session of its own, as the server has: Ctrl-C is for the demo alone.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                last = self._log.read_text(errors="replace").strip()[-300:]
                raise Failure(f"{PROGRAM} does not start: {last}", str(self._log), "Try again: its port was random.")
            time.sleep(0.05)

    def stop(self) -> None:
        """Its images go with it; its log stays."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._data, ignore_errors=True)

    def _answers(self) -> bool:
        connection = HTTPConnection(self.host, timeout=1)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
