"""The way to another machine's engine: a socket on this machine, behind which `ssh ... docker system dial-stdio` runs.

Docker's own client does the same. One login serves all connections (ControlMaster), and ends by itself after a while.
"""

import asyncio
import contextlib
import re
import shutil
import socket
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from headgate.ports import AdapterError

ADDRESS = re.compile(r"ssh://(?:([A-Za-z_][A-Za-z0-9_.-]{0,31})@)?([A-Za-z0-9][A-Za-z0-9.-]{0,252})(?::([0-9]{1,5}))?")
OPTIONS = {
    "BatchMode": "yes",  # nobody is there to be asked
    "StrictHostKeyChecking": "yes",
    "ConnectTimeout": "5",  # seconds, as the next; a machine that vanished is known to be gone after 9
    "ServerAliveInterval": "3",
    "ServerAliveCountMax": "3",
    "ControlMaster": "auto",
    "ControlPersist": "30",  # seconds: what a killed server leaves behind ends by itself
    "LogLevel": "ERROR",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
}
DIAL = ("docker", "system", "dial-stdio")
WAITING = 32  # connections that are not taken yet
LAST_WORDS = 0.5  # seconds, in which ssh says why it ended
FAREWELL = 1.0  # seconds, for ending the login
FRESH = 10.0  # seconds, in which what ssh said explains why nothing answers
LONGEST = 400  # bytes of what the other side says

REMEDIES = (
    (r"host key", "Log in once by hand as this server's user, and accept its key: {command}"),
    (r"Permission denied \(|Too many authentication", "Its authorized_keys must hold a key of this server's user"),
    (r"not found", "Install Docker's client there (docker.io), and put it on the path of that user"),
    (r"daemon|docker\.sock", "Start the engine there (systemctl start docker), and add that user to the group docker"),
)


class Tunnel:
    def __init__(self, url: str, config: Path | None = None) -> None:
        """`url` is ssh://[USER@]HOST[:PORT]; `config` stands for ~/.ssh/config."""
        found = ADDRESS.fullmatch(url)
        if found is None:
            raise AdapterError(f"Docker: {url!r} cannot be used: write ssh://USER@HOST, or ssh://USER@HOST:PORT")
        self.url = url
        user, self._host, port = found.groups()
        self._login = [*(["-F", str(config)] if config else []), *(["-p", port] if port else [])]
        self._login += ["-l", user] if user else []
        self._folder: Path | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._dials: set[asyncio.Task[None]] = set()
        self._said, self._said_at = "", 0.0  # by the last ssh that failed, and when (monotonic, seconds)

    async def path(self) -> Path:
        """On this machine; it leads to the engine's."""
        if self._folder is None:
            # A path of its own in the folder for temporary files: a socket's must be short. Only the owner may enter.
            self._folder = Path(tempfile.mkdtemp(prefix="headgate-ssh-"))
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listening.setblocking(False)
            listening.bind(str(self._folder / "engine"))
            listening.listen(WAITING)
            self._accepting = asyncio.create_task(self._accept(listening), name=f"tunnel to {self._host}")
        return self._folder / "engine"

    async def trouble(self) -> str:
        """A sentence for a person: why there is no way, and what to do."""
        if self._dials:
            await asyncio.wait(self._dials, timeout=LAST_WORDS, return_when=asyncio.FIRST_COMPLETED)
        fresh = time.monotonic() - self._said_at < FRESH
        why = self._said if self._said and fresh else "the connection broke off, or nothing came in time"
        known = ((pattern, remedy) for pattern, remedy in REMEDIES if re.search(pattern, why, re.IGNORECASE))
        remedy = next((remedy for _, remedy in known), "See that it runs and lets this server in: {command}")
        command = " ".join(["ssh", *self._login, self._host])
        return f"{self.url} cannot be reached ({why}). {remedy.format(command=command)}"

    def command(self, *options: str) -> list[str]:
        """Without a shell here; there, the words of DIAL are all that its shell gets to see."""
        path = f"ControlPath={self._folder}/login"
        set_to = [part for name, value in OPTIONS.items() for part in ("-o", f"{name}={value}")]
        return ["ssh", *self._login, *set_to, "-o", path, *options]

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.closing(listening):
            while True:
                connection, _ = await loop.sock_accept(listening)
                dial = asyncio.create_task(self._dial(connection), name=f"dial {self._host}")
                self._dials.add(dial)
                dial.add_done_callback(self._dials.discard)

    async def _dial(self, connection: socket.socket) -> None:
        """The connection itself is what ssh reads and writes: nothing passes through this process."""
        with contextlib.closing(connection):
            argv, ends = self.command("-T", "--", self._host, *DIAL), connection.fileno()
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv, stdin=ends, stdout=ends, stderr=PIPE, start_new_session=True
                )
            except OSError as error:
                self._say(f"ssh cannot be run: {error.strerror}; install openssh-client on this machine")
                return
        try:
            said = b""
            while process.stderr and (part := await process.stderr.read(LONGEST)):
                said = (said + part)[:LONGEST]
            if await process.wait():
                self._say(_printable(said))
        finally:
            await _end(process)

    def _say(self, why: str) -> None:
        self._said, self._said_at = why, time.monotonic()

    async def close(self) -> None:
        tasks = [*self._dials, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        folder, self._accepting = self._folder, None
        if folder is None:
            return
        if (folder / "login").exists():
            argv = self.command("-O", "exit", "--", self._host)
            farewell = await asyncio.create_subprocess_exec(*argv, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await farewell.wait()
            await _end(farewell)
        self._folder = None
        shutil.rmtree(folder, ignore_errors=True)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _printable(said: bytes) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in said.decode(errors="replace")).split())
