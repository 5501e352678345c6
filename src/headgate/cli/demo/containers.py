"""What the demo needs to run its services in containers without any network: a base image, and a registry."""

import asyncio
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headgate.cli.demo import packages
from headgate.cli.demo.example import Supply
from headgate.cli.demo.registry import PROGRAM, Registry
from headgate.cli.demo.root import Root, standard_library
from headgate.cli.failure import Failure
from headgate.ports import AdapterError

PROGRAMS = ("sh", "mkdir", "chown")  # that the Dockerfiles run, beside Python and pip
PACKAGES = "/opt/packages"  # inside
# pip finds all that is required, in the versions that are; what it does not find it must not look for elsewhere.
CHANGES = ("ENV PATH=/bin", f"ENV PYTHONPATH={PACKAGES}", "ENV PIP_NO_INDEX=1", "ENV PIP_ROOT_USER_ACTION=ignore")


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


def requirements(example: Path) -> list[str]:
    files = sorted(example.glob("services/*/requirements.txt"))
    return sorted({line.strip() for file in files for line in file.read_text().splitlines() if line.strip()})


class Containers:
    def __init__(self, folder: Path, example: Path) -> None:
        from headgate import bootstrap

        self._folder, self._example = folder, example
        self._mark = f"headgate-demo-{secrets.token_hex(4)}"
        self._roots = bootstrap.DockerRoots(f"headgate.demo={self._mark}")
        self._registry = Registry(folder)

    def begin(self) -> Supply:
        self._registry.start()
        base = f"{self._registry.host}/{self._mark}/base:1"
        tar = self._folder / "base.tar"
        try:
            with tar.open("wb") as stream:
                root(self._example).write(stream)
            with _held():
                image = asyncio.run(self._roots.make(tar, base, CHANGES))
            # Pushed first and once: what builds on it is pushed without it.
            asyncio.run(self._roots.push(image, base))
        except AdapterError as error:
            remedy = "Without containers: --platform process."
            raise Failure(f"no base image can be made: {error}", str(self._folder), remedy) from error
        finally:
            tar.unlink(missing_ok=True)
        return Supply(base, f"http://{self._registry.host}", self._mark)

    def end(self) -> str:
        """All of it goes: images, what is left of broken builds, registry. Returns what could not, or nothing."""
        self._registry.stop()
        try:
            asyncio.run(self._roots.clear())
        except AdapterError as error:
            return f"{error}; docker images --all --filter label=headgate.demo={self._mark} shows it"
        return ""


def root(example: Path) -> Root:
    made = Root()
    made.add(standard_library())
    for name in PROGRAMS:
        made.add_program(name)
    for package in packages.needed([*requirements(example), "pip"]).values():
        made.files |= {f"{PACKAGES}/{inside}": here for inside, here in packages.files(package)}
        made.texts |= {f"/bin/{name}": text for name, text in packages.scripts(package)}
    return made


@contextmanager
def _held() -> Iterator[None]:
    """Signals wait: an import that is broken off may leave an image behind that nobody has looked for yet."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
