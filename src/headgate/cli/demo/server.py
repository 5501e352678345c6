"""A server of the demo's own, driven by the same commands that anyone types."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from headgate.cli.api import Api
from headgate.cli.failure import Failure

# -P: the folder that a command happens to run in is no place to import from.
HEADGATE = (sys.executable, "-P", "-c", "import sys; from headgate.cli.main import main; sys.exit(main())")
START_SECONDS = 30.0
STOP_SECONDS = 15.0
COMMAND_SECONDS = 180.0  # a push to a registry that is gone is given up after one minute


class Server:
    def __init__(self, data: Path, log: Path) -> None:
        self.data = data
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C is for the demo alone, which then ends everything in good order.
            self._process = subprocess.Popen(
                [*HEADGATE, "serve", "--data", str(self.data), "--port", "0"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        give_up = time.monotonic() + START_SECONDS
        while not (self.data / "server.json").exists():
            self.check()
            if time.monotonic() > give_up:
                raise Failure(f"the server does not answer after {START_SECONDS:.0f} s", str(self.log), self._said())
            time.sleep(0.05)

    def api(self) -> Api:
        return Api(str(self.data))

    def check(self) -> None:
        """Raises Failure where the server is gone."""
        if self._process is None or self._process.poll() is not None:
            code = self._process.returncode if self._process else None
            raise Failure(f"the server ended by itself with code {code}", str(self.log), self._said())

    def command(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`headgate ARGUMENTS`, as typed in another terminal."""
        try:
            return subprocess.run(
                [*HEADGATE, *arguments],
                cwd=folder or self.data,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            what = f"`headgate {' '.join(arguments)}` took longer than {COMMAND_SECONDS:.0f} s"
            raise Failure(what, str(self.log), self._said()) from error

    def ordered(self, *arguments: str, folder: Path | None = None) -> str:
        """What a command printed. Raises Failure where it was refused."""
        done = self.command(*arguments, folder=folder)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-600:]
            raise Failure(f"`headgate {' '.join(arguments)}` failed: {said}", str(self.log), self._said())
        return done.stdout

    def stop(self) -> str:
        """Ends the server, then all that it left running. Returns what could not be ended, or nothing."""
        if self._process is None:
            return ""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        from headgate import bootstrap
        from headgate.ports import AdapterError, LogDamaged, LogUnavailable

        try:
            asyncio.run(bootstrap.take_down(self.data, data=True))
        except (AdapterError, LogDamaged, LogUnavailable) as error:
            return str(error)
        return ""

    def _environment(self) -> dict[str, str]:
        """The caller's own, less what would name another server or application."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
        return {**kept, "HEADGATE_DATA": str(self.data)}

    def _said(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()[-3:]
        except OSError:
            lines = []
        return f"Its log ends: {' | '.join(lines)}" if lines else "Its log is empty."
