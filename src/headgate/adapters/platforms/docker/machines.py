"""One machine with a Docker Engine: this one, or another that is reached by ssh."""

from collections.abc import Awaitable, Callable, Mapping

from headgate.adapters.docker_engine import DockerEngine
from headgate.adapters.platforms.docker.containers import LOOPBACK
from headgate.adapters.platforms.docker.images import Images, LoginOf
from headgate.adapters.platforms.docker.networks import Networks
from headgate.adapters.platforms.docker.settings import DockerSettings
from headgate.adapters.platforms.docker.tunnel import Tunnel
from headgate.adapters.platforms.docker.watch import Watch
from headgate.model.rules import ContainerHost
from headgate.ports import AdapterError

HERE = ContainerHost("", LOOPBACK)  # the engine of this machine, where a file names no hosts
SSH = "ssh://"


class Machine:
    def __init__(
        self,
        host: ContainerHost,
        settings: DockerSettings,
        server: str,
        login: LoginOf,
        sync: Callable[["Machine"], Awaitable[None]],
        heard: Callable[[str, Mapping[str, str]], Awaitable[None]],
        lost: Callable[[], None],
    ) -> None:
        """`sync`, `heard` and `lost` as Watch has them."""
        far = host.engine.startswith(SSH)
        self.host, self.far = host, far
        self.place = host.address if far else ""
        self.name = f"host {host.address}" if far else "this machine"
        way = Tunnel(host.engine, settings.ssh_config) if far else None
        self.engine = DockerEngine(None if far else host.engine or settings.engine, way)
        self.networks = Networks(self.engine, server)
        self.images = Images(self.engine, self.name, login, settings.pulling)
        self.watch = Watch(self.engine, server, lambda: sync(self), heard, lost, far)

    async def require(self) -> None:
        """Returns when what is known of its containers is true. Raises AdapterError with its name."""
        try:
            await self.watch.require()
        except AdapterError as error:
            raise AdapterError(f"{self.name}: {error}" if self.far else str(error)) from error

    async def close(self) -> None:
        await self.watch.close()
        await self.engine.close()
