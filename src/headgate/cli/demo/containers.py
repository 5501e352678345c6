"""What the demo needs to run its services in containers without any network: a base image, and a registry."""

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headgate.cli.demo import packages
from headgate.cli.demo.example import Supply
from headgate.cli.demo.image import PROGRAMS, configuration, layer, requirements, root
from headgate.cli.demo.registry import PROGRAM, Registry
from headgate.cli.failure import Failure
from headgate.ports import AdapterError

LABEL = "headgate.demo"  # of all that the demo makes in the engine, with a value of its own
TAG = "1"
INSTEAD = "Without containers: --platform process."


def lacking(example: Path) -> str:
    """Why there can be no containers, with what to do about it; empty where there can."""
    from headgate import bootstrap  # heavy, and `--help` does not need it

    try:
        about = asyncio.run(bootstrap.engine_info())
    except AdapterError as error:
        return str(error)
    if where := elsewhere(about):
        return f"the Docker Engine is {where}, and containers there do not reach each other through this machine"
    if shutil.which(PROGRAM) is None:
        return f"{PROGRAM} is not installed (Debian, Ubuntu: apt-get install {PROGRAM})"
    if missing := [name for name in (*PROGRAMS, "ldd") if shutil.which(name) is None]:
        return f"the base image is made of this machine's programs, and here is no {', '.join(missing)}"
    if differing := sorted(packages.differing(requirements(example))):
        return f"the images require other packages than are installed: {', '.join(differing)}; run `make setup`"
    return "" if "pip" in packages.needed(["pip"]) else "the base image needs pip, which is not installed"


def elsewhere(about: dict[str, Any]) -> str:
    if "Docker Desktop" in about.get("OperatingSystem", ""):
        return "Docker Desktop"
    return "rootless" if any("rootless" in one for one in about.get("SecurityOptions") or ()) else ""


class Containers:
    def __init__(self, folder: Path, example: Path) -> None:
        from headgate import bootstrap

        self._folder, self._example = folder, example
        self._mark = f"headgate-demo-{secrets.token_hex(4)}"
        self.label = f"{LABEL}={self._mark}"
        self._engine = bootstrap.DockerLabel(self.label)
        self._registry = Registry(folder)

    def begin(self) -> Supply:
        """The base image goes to the registry first: what is built on it is then pushed without it."""
        self._registry.start()
        name = f"{self._mark}/base"
        path = self._folder / "base.tar.gz"
        try:
            made = layer(root(self._example), path)
            self._registry.put(name, TAG, made, configuration(made, {LABEL: self._mark}, os.uname().machine))
        except OSError as error:
            raise Failure(f"the base image cannot be made: {error}", str(self._folder), INSTEAD) from error
        finally:
            path.unlink(missing_ok=True)
        base = f"{self._registry.host}/{name}:{TAG}"
        try:
            with _held():
                asyncio.run(self._engine.bring(base))
        except AdapterError as error:
            raise Failure(str(error), str(self._folder), INSTEAD) from error
        return Supply(base, f"http://{self._registry.host}", self._mark)

    def end(self) -> str:
        """All of it goes: images, what is left of broken builds, registry. Returns what could not, or nothing."""
        self._registry.stop()
        try:
            asyncio.run(self._engine.clear())
        except AdapterError as error:
            return f"{error}; docker images --all --filter label={self.label} shows it"
        return ""


@contextmanager
def _held() -> Iterator[None]:
    """Signals wait: a pull that is broken off may leave an image behind that was not there when it was looked for."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
