"""Wiring: the only file that names concrete adapters and stores."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from socket import gethostname
from typing import Any

from headgate.adapters.docker_images import DockerImages
from headgate.adapters.docker_label import DockerLabel as DockerLabel  # noqa: PLC0414 - for the demo
from headgate.adapters.docker_label import engine_info as engine_info  # noqa: PLC0414 - for the demo
from headgate.adapters.gatekeeper import WebGatekeeper
from headgate.adapters.machine.secrets import of_server
from headgate.adapters.registries.images.store import Images
from headgate.adapters.signing import Ed25519Signer
from headgate.decide.leaving import leaves
from headgate.engine.backtesting import backtest as backtested
from headgate.engine.engine import Engine
from headgate.engine.hidden import Hidden, hidden_in_log
from headgate.engine.leading import Leading, Led
from headgate.engine.planning import Ask, Stated
from headgate.engine.planning import plan as foretold
from headgate.engine.refusals import Unknown as Unknown  # noqa: PLC0414 - for commands
from headgate.engine.world import World, alone
from headgate.model.ids import EnvironmentId, environment_stream
from headgate.model.record import RowsPruned
from headgate.model.releases import Revision
from headgate.model.rules import Environment
from headgate.model.secrets import SecretReference
from headgate.ports import Access, AdapterError, Host
from headgate.store import outposts
from headgate.store.beside import read_beside
from headgate.store.export import Wanted as Export
from headgate.store.export import export
from headgate.store.exported import ExportVerification, verify_export
from headgate.store.lock import FolderLock
from headgate.store.prune import Pruning
from headgate.store.sqlite import SqliteEventLog
from headgate.store.verify import Verification, verify

LOG = "events.db"
Of = tuple[str, str, str]  # application, environment, person: each empty, or the only one wanted
QUICK = timedelta(seconds=3)  # from SIGTERM to SIGKILL, where a developer waits

# What of a specification the engine itself carries out by now; adapters add their own names.
# `images`, the platforms that run images, is what adapters declare.
FEATURES = {
    "checks": {"smoke", "http", "run", "load", "browser"},
    "gates": {"approval", "soak", "sign_off", "freeze", "webhook", "parity"},
}


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Later:
    """The engine, for adapters that are made before it."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.kept = Hidden()

    def wake(self, name: str) -> None:
        if self.engine is not None:
            self.engine.wake(name)

    def rules(self, environment: EnvironmentId) -> Environment | None:
        return self.engine.rules(environment) if self.engine is not None else None

    async def secrets(self, revision: Revision, service: str) -> Mapping[str, str]:
        return await self.engine.secrets(revision, service) if self.engine is not None else {}

    def hidden(self) -> Collection[str]:
        return self.kept.values()

    def references(self, revision: Revision, service: str) -> Mapping[str, SecretReference]:
        return self.engine.references(revision, service) if self.engine is not None else {}

    async def login(self, application: str, image: str) -> Access | None:
        return await self.engine.login(application, image) if self.engine is not None else None


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(6)}"


def known(seam: str) -> dict[str, EntryPoint]:
    """Adapters that are installed, built in or from plugins, by the name that a specification uses."""
    return {point.name: point for point in entry_points(group=f"headgate.{seam}")}


def present() -> dict[str, set[str]]:
    """What a specification may ask for here: adapters by seam, and features."""
    named = ("platforms", "traffic", "metrics", "values", "registries", "secrets")
    seams = {seam: set(known(seam)) for seam in named}
    declared = {"images": image_platforms(), "secret files": declaring("hands_files")}
    declared |= {"manifests": declaring("takes_manifests"), **routed()}
    declared |= {seam: installed(seam) for seam in ("notifiers", "provisioners")}
    return {**seams, **FEATURES, "ci": ci(), **declared}


def routed() -> dict[str, set[str]]:
    """The routers that alone reach what a platform runs, where it declares them: see ports.routed_by."""
    declared = {name: getattr(point.load(), "routed_by", None) for name, point in known("platforms").items()}
    return {f"routers of {name}": set(able) for name, able in declared.items() if able is not None}


def ci() -> set[str]:
    """What a step of CI may ask for: see engine.world.World.runner."""
    runners = known("runners")
    return {feature for feature, runner in (("run", "host"), ("image", "docker")) if runner in runners}


def installed(seam: str) -> set[str]:
    """Of those that need something of their own, the ones that have it: see ports.installed_with."""
    return {name for name, point in known(seam).items() if getattr(point.load(), "installed", lambda: True)()}


def image_platforms() -> set[str]:
    """Platforms that run images declare it: see ports.runs_images."""
    return declaring("runs_images")


def by_reference() -> dict[str, frozenset[str]]:
    """Platform -> kinds of the stores whose secrets its own system reads: see ports.takes_references."""
    return {name: getattr(point.load(), "takes_references", frozenset()) for name, point in known("platforms").items()}


def declaring(what: str) -> set[str]:
    return {name for name, point in known("platforms").items() if getattr(point.load(), what, False)}


async def serve(
    folder: Path,
    host: str,
    port: int | None,
    started: Callable[[str], None],
    public: str = "",
    anchors: Sequence[str] = (),
    lease: str = "",
) -> None:
    """An engine and its HTTP API until SIGINT or SIGTERM; `started` is told the address. See store.outposts.

    With a `lease`, once that is ours, and no longer than it is.

    Raises AdapterError where it cannot listen or leads no more, and whatever `running` raises.
    """
    from headgate.web import server, waiting  # heavy, and only a server needs it

    with server.listen(host, port) as listening:
        if not lease:
            async with running(folder, anchors, public) as engine:
                await server.serve(engine, present(), folder, listening, started, public)
            return
        async with _leases(lease) as leading:
            if not await waiting.wait_to_lead(leading, listening):
                return
            over = asyncio.create_task(leading.keep())  # while the log is read, too: that may take a while
            try:
                async with running(folder, anchors, public, leading.holds) as engine:
                    await server.serve(engine, present(), folder, listening, started, public, over)
            finally:
                over.cancel()
            if over.done():
                raise AdapterError(f"this server leads no more: {await over}. Started again, it waits for its turn")


@asynccontextmanager
async def _leases(lease: str) -> AsyncIterator[Leading]:
    """Given back when all that it stood for has ended."""
    from headgate.adapters.kubernetes.cluster import Cluster  # of those servers alone that have one
    from headgate.adapters.kubernetes.lease import ClusterLease, place
    from headgate.adapters.kubernetes.login import Access as Login

    async with AsyncExitStack() as stack:
        leases = ClusterLease(Cluster(Login()), *place(lease))
        stack.push_async_callback(leases.close)
        leading = Leading(leases, f"{gethostname()}_{secrets.token_hex(4)}")
        stack.push_async_callback(leading.give_back)
        yield leading


def audit(folder: Path, anchors: Sequence[Path] = ()) -> Verification:
    """The whole event log, read from the file: with or without a server. `anchors` are files of `serve`'s.

    Raises LogDamaged, LogTooNew, LogUnavailable.
    """
    return verify(folder / LOG, outposts.read_all(anchors))


def audit_exported(file: Path, anchors: Sequence[Path] = ()) -> ExportVerification:
    """Raises LogDamaged, LogUnavailable."""
    return verify_export(file, outposts.read_all(anchors))


def exported(folder: Path, form: str, since: datetime | None, until: datetime | None, of: Of) -> Iterator[str]:
    """Lines of the whole log, or of what is asked for. Raises LogDamaged, LogTooNew, LogUnavailable."""
    return export(folder / LOG, Export(since, until, *of), "csv" if form == "csv" else "jsonl")


def prune_log(folder: Path, keep: timedelta, by: str, why: str, archive: Path) -> RowsPruned | None:
    """Beside a live server, or without one. Raises LogDamaged, LogTooNew, LogUnavailable."""
    now = datetime.now(UTC)
    may_leave = partial(leaves, now=now, keep=keep)
    return Pruning(folder / LOG, may_leave, keep, by, why, now).run(archive)


def save_image(image: str, to: Path, most: int) -> None:
    """An image of this machine's Docker Engine as a tar of at most `most` bytes. Raises AdapterError."""
    asyncio.run(DockerImages().save(image, to, most))


def secret_file(file: str, identity: str | None) -> Any:
    """The encrypted file of store `age`, to be changed by commands. See adapters.secrets.age.keeping.Keeping."""
    from headgate.adapters.secrets.age.keeping import Keeping  # no server needs it

    return Keeping(file, identity)


def plan(
    text: str, filename: str, rate: float | None, errors: float | None, latency: float | None, ask: Ask
) -> dict[str, Any]:
    """What a file's rules will do to releases, good and bad; of the traffic, what is known. Raises SpecificationError.

    `rate` is requests per second of each service, `errors` a share, `latency` a median in ms.
    """
    return foretold(text, filename, present(), Stated(rate, errors, latency), ask)


def backtest(folder: Path, text: str, filename: str, releases: int, environment: str | None) -> dict[str, Any]:
    """Recorded rollouts under a file's rules, read from the log's file: a live server is not slowed down.

    Raises SpecificationError, Unknown, LogDamaged, LogTooNew, LogUnavailable.
    """
    read = partial(read_beside, folder / LOG)
    return backtested(text, filename, present(), releases, environment, read)


@asynccontextmanager
async def running(
    folder: Path, anchors: Sequence[str] = (), public: str = "", leads: Callable[[], bool] = alone
) -> AsyncIterator[Engine]:
    """An engine at work on a data folder, until the block ends. What it runs goes on running afterwards.

    `public` is the address that links in notices begin with; empty: they have none. While not `leads`, nothing is done.

    Raises FolderInUse, LogDamaged, LogUnavailable.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(FolderLock(folder))

        later = Later()
        stack.enter_context(hidden_in_log(later.kept, partial(of_server, folder / "token")))
        log = await stack.enter_async_context(SqliteEventLog(folder / LOG))
        world = replace(linked(await _world(folder, stack, later), folder, public), leads=leads)
        engine = later.engine = Engine(world, Led(log, leads), WallClock(), new_id)
        stack.push_async_callback(engine.stop)
        await engine.start()
        async with outposts.kept(anchors, lambda: log.head):
            yield engine


@asynccontextmanager
async def developing(folder: Path, tree: Path) -> AsyncIterator[tuple[Engine, Any]]:
    """An engine whose releases are a working tree as it stands, and that tree. All that it started ends with the block.

    Raises what `running` raises, and AdapterError where not all could be ended.
    """
    from headgate.adapters.platforms.process import ProcessPlatform, ProcessSettings
    from headgate.adapters.sources.git.working_tree import WorkingTree  # watches files: nothing else needs that

    await _end_former_session(folder)
    async with AsyncExitStack() as stack:
        stack.enter_context(FolderLock(folder))

        later = Later()
        stack.enter_context(hidden_in_log(later.kept, partial(of_server, folder / "token")))
        log = await stack.enter_async_context(SqliteEventLog(folder / LOG))
        usual = await _world(folder, stack, later)
        home, source = folder / "platforms" / "process", WorkingTree(tree)
        settings = ProcessSettings(data=home, releases=folder / "releases", tree=source.folder, grace=QUICK)
        platform = ProcessPlatform(settings, later.wake, later.secrets, later.hidden)
        stack.push_async_callback(platform.close)
        world = replace(usual, platforms={"process": platform}, source=source, image_platforms=frozenset())
        engine = later.engine = Engine(world, log, WallClock(), new_id)
        stack.push_async_callback(_end, world, log)
        stack.push_async_callback(engine.stop)
        await engine.start()
        yield engine, source


async def _end_former_session(folder: Path) -> None:
    """What a killed one left running is ended, and its history forgotten: edits count from one again."""
    if not (folder / LOG).exists():
        return
    await take_down(folder)
    with FolderLock(folder):
        _forget(folder / LOG)


def _forget(log: Path) -> None:
    for file in log.parent.glob(f"{log.name}*"):
        file.unlink()


async def take_down(folder: Path, data: bool = False) -> None:
    """End all that runs from a data folder whose server has ended: instances, steps, then Envoy. For demos and tests.

    `data`: what environments keep outside of the folder goes too, in volumes of containers.

    Raises FolderInUse, LogDamaged, LogUnavailable, AdapterError.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(FolderLock(folder))
        log = await stack.enter_async_context(SqliteEventLog(folder / LOG))
        await _end(await _world(folder, stack, Later()), log, data)


async def _end(world: World, log: SqliteEventLog, data: bool = False) -> None:
    prefix = environment_stream(EnvironmentId(""))
    environments = [EnvironmentId(stream.removeprefix(prefix)) for stream in await log.streams(prefix)]
    platforms: list[Any] = [one for one in world.platforms.values() if hasattr(one, "stop_all")]
    routers: list[Any] = list(world.routers.values())
    await asyncio.gather(*(platform.stop_all(where) for platform in platforms for where in environments))
    outside = [one for one in platforms if data and hasattr(one, "remove_data")]
    await asyncio.gather(*(platform.remove_data(where) for platform in outside for where in environments))
    runners: list[Any] = [one for one in world.runners.values() if hasattr(one, "stop_all")]
    await asyncio.gather(*(runner.stop_all() for runner in runners))
    await asyncio.gather(*(router.close(stop=True) for router in routers))


def linked(world: World, folder: Path, public: str) -> World:
    if not public:
        return world
    from headgate.web.links import Links  # as the pages behind them read them

    signed = Links(folder)
    return replace(world, public_url=public, review=lambda link: f"{public}/review/{signed.make(link)}")


async def _world(folder: Path, stack: AsyncExitStack, later: Later) -> World:
    def made(seam: str) -> dict[str, Any]:
        adapters = {name: _make(point, folder, later) for name, point in known(seam).items()}
        for adapter in adapters.values():
            if hasattr(adapter, "close"):
                stack.push_async_callback(adapter.close)
        return adapters

    registries, gatekeeper = made("registries"), WebGatekeeper()
    stack.push_async_callback(gatekeeper.close)
    return World(
        platforms=made("platforms"),
        routers=made("traffic"),
        metrics=made("metrics"),
        source=made("sources")["git"],
        releases=folder / "releases",
        values=made("values"),
        runners=made("runners"),
        secrets=made("secrets"),
        hidden=later.kept,
        registries=registries,
        images=Images(folder / "images", registries),
        signer=Ed25519Signer(folder / "signing" / "key.pem"),
        gatekeeper=gatekeeper,
        notifiers=made("notifiers"),
        provisioners=made("provisioners"),
        image_platforms=frozenset(image_platforms()),
        by_reference=by_reference(),
    )


def _make(point: EntryPoint, folder: Path, later: Later) -> Any:
    own = folder / point.group.removeprefix("headgate.") / point.name
    asked = (later.wake, later.login, later.rules, later.secrets, later.hidden, later.references)
    return point.load()(Host(own, folder / "envoy", folder / "releases", *asked))
