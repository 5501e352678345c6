"""The load generator as the demo sees it: a process that is started, listened to and stopped."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from headgate.cli.failure import Failure

STOP_SECONDS = 15.0
VISITORS = 4000


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one second."""

    at: float  # its end, seconds since 1970
    sent: int
    answered: int
    bad: int
    waiting: int
    p50_ms: float | None
    p99_ms: float | None


class Traffic:
    def __init__(self, address: str, enquiries: Path, folder: Path) -> None:
        self.figures: list[Figures] = []
        self.record = folder / "answers.csv"
        self.rate = 0
        self._address, self._enquiries, self._log = address, enquiries, folder / "load.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None

    def start(self, rate: int, seconds: float, record: str = "answers.csv") -> None:
        self.rate = rate
        self.figures = []
        self.record = self.record.with_name(record)
        command = [sys.executable, "-P", "-m", "headgate.cli.demo.load", "--address", self._address]
        command += ["--enquiries", str(self._enquiries), "--record", str(self.record)]
        command += ["--rate", str(rate), "--seconds", str(seconds), "--visitors", str(VISITORS)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        self._listener = threading.Thread(target=self._listen, args=(self._process, self.figures), daemon=True)
        self._listener.start()

    def check(self) -> None:
        """Raises Failure where it ended before it was told to."""
        if self._process is not None and self._process.poll() is not None:
            raise Failure(
                f"the load generator ended by itself with code {self._process.returncode}", str(self._log), "See there."
            )

    def wait(self) -> None:
        """Until it has ended by itself."""
        if self._process is not None:
            self._process.wait()
        self.stop()

    def stop(self) -> None:
        """What is on its way is still answered and recorded."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._listener is not None:
            self._listener.join(1)

    @staticmethod
    def _listen(process: subprocess.Popen[bytes], figures: list[Figures]) -> None:
        if process.stdout is not None:
            figures.extend(Figures(**json.loads(line)) for line in process.stdout)
