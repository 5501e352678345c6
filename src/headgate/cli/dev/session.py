"""A developer's session: the application runs, follows the working tree, and is gone when the session ends."""

import asyncio
import logging
import signal
from pathlib import Path
from typing import Any

from headgate.cli.dev.printer import Printer, Warnings
from headgate.cli.dev.teller import Teller
from headgate.cli.failure import Failure
from headgate.cli.file import content_of, refused
from headgate.model.ids import environment_id
from headgate.model.rules import Application
from headgate.ports import AdapterError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BY = "you"


class Session:
    def __init__(self, file: Path, environment: str, folder: Path) -> None:
        self.file, self.environment, self.folder = file, environment, folder
        self.services: tuple[str, ...] = ()
        self._folders: tuple[str, ...] = ()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Until a signal. Raises Failure where the file cannot be used to begin with, AdapterError, LogUnavailable."""
        from headgate import bootstrap

        for number in SIGNALS:  # again and again: a second Ctrl-C must not leave half of it running
            asyncio.get_running_loop().add_signal_handler(number, self._ended.set)
        rules = self._read()
        printer = Printer(self.services)
        logging.getLogger().addHandler(Warnings(printer))
        async with bootstrap.developing(self.folder, self.file.parent) as (engine, tree):
            printer.say(f"{rules.name} runs from {self.file.parent}, as {self.environment}; Ctrl-C ends it")
            await engine.apply(rules, BY)
            await self._until_ended(engine, tree, printer)
            printer.say("ends what it started: instances, then Envoy")

    async def _until_ended(self, engine: Any, tree: Any, printer: Printer) -> None:
        teller = Teller(engine, environment_id(self._name(engine), self.environment), printer)
        output = engine.world.platforms["process"].logs(teller.environment, None, 0, True)
        doing = [
            asyncio.create_task(self._followed(engine, tree, printer)),
            asyncio.create_task(printer.output(output)),
            asyncio.create_task(teller.tell()),
        ]
        ended = asyncio.create_task(self._ended.wait())
        try:
            await _first_to_end([ended, *doing])
        finally:
            for task in (ended, *doing):
                task.cancel()
            await asyncio.gather(ended, *doing, return_exceptions=True)

    async def _followed(self, engine: Any, tree: Any, printer: Printer) -> None:
        await self._released(engine, printer)
        async for paths in tree.changes():
            await self._changed(engine, paths, printer)

    async def _changed(self, engine: Any, paths: set[Path], printer: Printer) -> None:
        """A file that is wrong is told; what ran before goes on."""
        touched = sorted(str(path) for path in paths if self._concerns(path))
        if not touched:
            return
        more = f" and {len(touched) - 1} more" if len(touched) > 1 else ""
        printer.say(f"{touched[0]} changed{more}")
        if self.file.name in touched:
            try:
                await engine.apply(self._read(), BY)
            except Failure as failure:
                printer.trouble(*failure.lines(), "what ran before goes on")
                return
            printer.know(self.services)
        await self._released(engine, printer)

    def _concerns(self, path: Path) -> bool:
        """Below a service's folder, or the file itself."""
        return str(path) == self.file.name or any(path.is_relative_to(folder) for folder in self._folders)

    async def _released(self, engine: Any, printer: Printer) -> None:
        from headgate.spec.problems import SpecificationError

        try:
            await engine.release(self._name(engine), "HEAD", BY)
        except SpecificationError as error:  # saved again since it was read
            printer.trouble(*refused(error, str(self.file)).lines(), "what ran before goes on")
        except AdapterError as error:
            printer.trouble(f"this cannot be run: {error}", "what ran before goes on")

    def _read(self) -> Application:
        """Raises Failure with every problem."""
        from headgate.spec.develop import development
        from headgate.spec.problems import SpecificationError
        from headgate.spec.read import read

        try:
            found = read(content_of(str(self.file)), self.file.name)
            rules = development(found, self.environment, str(self.file.parent), self.file.name)
        except SpecificationError as error:
            raise refused(error, str(self.file)) from error
        self.services = tuple(found.services)
        self._folders = tuple(service.folder for service in found.services.values())
        return rules

    @staticmethod
    def _name(engine: Any) -> str:
        return str(list(engine.applications)[-1])


async def _first_to_end(tasks: list[asyncio.Task[Any]]) -> None:
    """Raises what one of them raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
