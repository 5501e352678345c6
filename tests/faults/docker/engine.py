"""A Docker Engine of the tests' own, in a network of their own: it may be stopped under what runs in it."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.conftest import SEARCH_PATH

PATIENCE = 60.0  # seconds


class OwnEngine:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hg-"))  # a socket's path must be short
        self.host = f"unix://{self.folder}/d.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.set()
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def set(self, **more: bool) -> None:
        """From its next start on. BuildKit is what engines recommend by themselves from version 23 on."""
        (self.folder / "daemon.json").write_text(json.dumps({"features": {"buildkit": True}, **more}))

    def start(self) -> None:
        folder = self.folder
        program = str(shutil.which("dockerd", path=SEARCH_PATH))
        command = [program, f"--config-file={folder}/daemon.json", f"--host={self.host}"]
        command += [f"--data-root={folder}/data", f"--exec-root={folder}/run", f"--pidfile={folder}/pid"]
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, self.last_lines()
            assert time.monotonic() < deadline, self.last_lines()
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Its socket is there long before it does anything."""
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.settimeout(5)
            probe.connect(str(self.folder / "d.sock"))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in probe.recv(100)
        return False

    def stop(self) -> None:
        """As a service manager does: without live-restore, what runs in it is stopped too."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def docker(self, *arguments: str, given: bytes | None = None) -> str:
        command = ["docker", "--host", self.host, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def _empty(self) -> None:
        """One that was just stopped may be busy for a moment."""
        for _ in range(10):
            left = self.docker("ps", "--all", "--quiet").split()
            if not left:
                return
            command = ["docker", "--host", self.host, "rm", "--force", "--volumes", *left]
            subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
            time.sleep(0.3)
        assert not self.docker("ps", "--quiet"), "these containers would not end"

    def last_lines(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def close(self) -> None:
        try:
            if self._process is not None and self._answers():
                self._empty()
        finally:
            self.stop()
            for mount in [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()][::-1]:
                if mount.startswith(f"{self.folder}/"):
                    subprocess.run(["umount", "--lazy", mount], check=False)
            shutil.rmtree(self.folder, ignore_errors=True)
