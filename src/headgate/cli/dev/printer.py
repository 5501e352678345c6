"""The output of every service in one stream, each line with its service's name; colours for terminals only."""

import logging
import os
import sys
from collections.abc import AsyncIterator, Sequence

from headgate.cli.plain import plain

COLOURS = ("36", "33", "35", "32", "34", "96", "93", "95")  # of services, in the order of the file
SAID, TROUBLE = "1", "31"
OWN = "headgate"


class Warnings(logging.Handler):
    """What the engine and its adapters warn of, in the same stream; said again only when it is something else."""

    def __init__(self, printer: "Printer") -> None:
        super().__init__(logging.WARNING)
        self._printer, self._last = printer, ""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text != self._last:
            self._last = text
            self._printer.trouble(text)


class Printer:
    def __init__(self, services: Sequence[str]) -> None:
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.know(services)

    def know(self, services: Sequence[str]) -> None:
        self._width = max(map(len, [OWN, *services]))
        self._colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(services)}

    def say(self, *lines: str) -> None:
        for line in lines:
            self._print(OWN, SAID, line)

    def trouble(self, *lines: str) -> None:
        for line in lines:
            self._print(OWN, TROUBLE, line)

    async def output(self, lines: AsyncIterator[str]) -> None:
        """`lines` as a platform keeps them: SERVICE.REVISION.NUMBER | TEXT"""
        async for line in lines:
            instance, _, text = line.partition(" | ")
            service = instance.partition(".")[0]
            self._print(service, self._colours.get(service, SAID), text)

    def _print(self, name: str, colour: str, text: str) -> None:
        prefix = f"{name:<{self._width}} |"
        shown = f"\x1b[{colour}m{prefix}\x1b[0m" if self._coloured else prefix
        print(f"{shown} {plain(text)}", flush=True)
