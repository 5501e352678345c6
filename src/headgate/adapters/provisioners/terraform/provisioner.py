"""Plans, applies and reads by the Terraform command line.

A plan is kept no longer than it is looked at: an apply plans anew, and goes on only where that is the plan that was
shown. Terraform itself would refuse a plan whose state moved, but not one whose resources were changed by hand.
"""

import asyncio
import hashlib
import json
import os
import secrets
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from headgate.adapters.provisioners.terraform import plans
from headgate.adapters.provisioners.terraform.command import Command, NotInitialised
from headgate.adapters.provisioners.terraform.settings import TerraformSettings
from headgate.model.ids import EnvironmentId
from headgate.model.infrastructure import Infrastructure, InfrastructurePlan, Output, Resource, ResourceChange
from headgate.ports import Unusable

QUIET = ("-input=false", "-no-color")
LOCK_FILE = ".terraform.lock.hcl"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan, and the file that `apply` takes."""

    plan: InfrastructurePlan
    file: Path


class TerraformProvisioner:
    def __init__(self, settings: TerraformSettings) -> None:
        self._settings = settings
        self._ready: set[Path] = set()  # data folders that were initialised by this server
        self._initialising: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def plan(self, environment: EnvironmentId, made_from: Infrastructure) -> InfrastructurePlan:
        async with self._drawn(environment, made_from) as drawn:
            return drawn.plan

    async def apply(self, environment: EnvironmentId, made_from: Infrastructure, digest: str) -> None:
        async with self._drawn(environment, made_from) as drawn:
            if drawn.plan.empty:
                return
            if drawn.plan.digest != digest:
                raise Unusable(f"the plan is another than the one that was shown, nothing was done; now: {drawn.plan}")
            command = self._command(environment, made_from)
            arguments = ("apply", *QUIET, "-json", self._lock, str(drawn.file))
            await command.run(*arguments, limit=made_from.timeout)

    async def outputs(self, environment: EnvironmentId, made_from: Infrastructure) -> dict[str, Output]:
        printed = await self._asked(environment, made_from, "output", "-no-color", "-json")
        return plans.outputs(plans.read(printed))

    async def resources(self, environment: EnvironmentId, made_from: Infrastructure) -> tuple[Resource, ...]:
        return plans.resources(plans.read(await self._asked(environment, made_from, "show", "-no-color", "-json")))

    async def drift(self, environment: EnvironmentId, made_from: Infrastructure) -> tuple[ResourceChange, ...]:
        with self._private() as folder:
            shown = await self._planned(environment, made_from, folder / "drift", "-refresh-only")
        return plans.drift(plans.read(shown))

    # --- plans

    @asynccontextmanager
    async def _drawn(self, environment: EnvironmentId, made_from: Infrastructure) -> AsyncIterator[Drawn]:
        with self._private() as folder:
            shown = await self._planned(environment, made_from, folder / "plan")
            yield Drawn(plans.plan(plans.read(shown), self._key()), folder / "plan")

    async def _planned(self, environment: EnvironmentId, made_from: Infrastructure, file: Path, *mode: str) -> str:
        """What `show` says of a plan that is written to the file."""
        named = [f"-var-file={Path(made_from.folder) / one}" for one in made_from.var_files]
        arguments = ("plan", *QUIET, "-json", "-detailed-exitcode", self._lock, *mode, *named, f"-out={file}")
        await self._asked(environment, made_from, *arguments, limit=self._settings.plan, fine=(0, 2))
        return await self._asked(environment, made_from, "show", "-no-color", "-json", str(file))

    @contextmanager
    def _private(self) -> Iterator[Path]:
        """A folder that is gone with all plans in it when the block ends: they hold values in clear."""
        self._settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._settings.data) as folder:
            yield Path(folder)

    # --- asking

    async def _asked(
        self,
        environment: EnvironmentId,
        made_from: Infrastructure,
        *arguments: str,
        limit: timedelta | None = None,
        fine: tuple[int, ...] = (0,),
    ) -> str:
        """Initialised first, and again where it says that it needs to be: providers or modules are others since."""
        command, limit = self._command(environment, made_from), limit or self._settings.read
        await self._initialise(command, made_from, again=False)
        try:
            return await command.run(*arguments, limit=limit, fine=fine)
        except NotInitialised:
            await self._initialise(command, made_from, again=True)
        return await command.run(*arguments, limit=limit, fine=fine)

    async def _initialise(self, command: Command, made_from: Infrastructure, again: bool) -> None:
        async with self._initialising[command.data]:
            if command.data in self._ready and not again:
                return
            command.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            locked = ("-lockfile=readonly",) if (command.folder / LOCK_FILE).exists() else ()
            backend = (f"-backend-config={self._backend(command, made_from.backend)}",) if made_from.backend else ()
            await command.run("init", *QUIET, "-reconfigure", *locked, *backend, limit=self._settings.init)
            self._ready.add(command.data)

    def _backend(self, command: Command, given: Mapping[str, str]) -> Path:
        """A file, because lists of processes show arguments."""
        literal = {name: json.dumps(value).replace("${", "$${").replace("%{", "%%{") for name, value in given.items()}
        lines = [f"{name} = {value}" for name, value in literal.items()]
        return written(command.data / "backend.tfbackend", "\n".join(lines).encode())

    def _command(self, environment: EnvironmentId, made_from: Infrastructure) -> Command:
        """With a data folder of its own for each environment, workspace and backend: none acts on another's state."""
        named = (environment, made_from.folder, made_from.workspace, sorted(made_from.backend.items()))
        data = self._settings.data / hashlib.sha256(repr(named).encode()).hexdigest()[:16]
        folder, program = Path(made_from.folder), self._settings.program
        return Command(program, folder, data, self._settings.ending, made_from.workspace, made_from.variables)

    @property
    def _lock(self) -> str:
        return f"-lock-timeout={self._settings.lock.total_seconds():.0f}s"

    def _key(self) -> bytes:
        """Of the digests: this server's alone."""
        file = self._settings.data / "key"
        if not file.exists():
            written(file, secrets.token_bytes(32))
        return file.read_bytes()


def written(file: Path, content: bytes) -> Path:
    """For the server's user alone, and never half."""
    handle, name = tempfile.mkstemp(dir=file.parent)  # 0600
    with os.fdopen(handle, "wb") as new:
        new.write(content)
    return Path(name).replace(file)
