"""headgate demo: the whole job on this machine, in under three minutes, with nothing left behind."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Any

import typer

from headgate.cli.demo import example
from headgate.cli.demo.acts import Demo
from headgate.cli.demo.containers import Containers
from headgate.cli.demo.platform import Choice, Platform, chosen
from headgate.cli.demo.screen import Screen, screen
from headgate.cli.demo.server import Server
from headgate.cli.demo.summary import Summary, as_json
from headgate.cli.demo.table import shown
from headgate.cli.failure import INTERRUPTED, OK, REFUSED, USAGE, Failure
from headgate.cli.output import print_json

Rate = Annotated[
    int,
    typer.Option("--rate", min=10, max=2000, help="Requests a second at most; fewer where the machine bears fewer."),
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the folder: event log, logs, every answer that users got.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and what happens meanwhile to standard error.")]
Folder = Annotated[
    str | None, typer.Option("--data", metavar="FOLDER", help="A new or empty folder to work in; it is kept.")
]
RunsOn = Annotated[
    Platform | None,
    typer.Option("--platform", help="Containers or processes. Default: containers where a Docker Engine answers."),
]


def demo(
    rate: Rate = 500, platform: RunsOn = None, keep: Keep = False, data: Folder = None, as_json_: Json = False
) -> None:
    """A commit goes to production under live traffic; a bad one is put back. Exit code 0 if all of it held."""
    source = example.find()
    choice = chosen(platform, source)
    try:
        with _ended_by_signals():
            summary = _played(source, choice, rate, keep, data, as_json_)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    print_json(as_json(summary)) if as_json_ else shown(summary)
    if summary.kept and not as_json_:
        print(f"Kept: {summary.kept}")
    raise typer.Exit(OK if summary.ok else REFUSED)


def _played(source: Path, choice: Choice, rate: int, keep: bool, data: str | None, quiet: bool) -> Summary:
    with ExitStack() as stack:
        home = _home(data)
        folder = home / "demo"
        folder.mkdir()
        shown = screen(quiet)
        shown.plainly(f"The services run {choice.why}")
        told = _Ending(home, kept=keep or data is not None, screen=shown)
        stack.callback(told.remove)
        server = Server(home, folder / "server.log")
        containers = Containers(folder, source) if choice.platform is Platform.DOCKER else None
        playing = Demo(server, folder, source, shown, containers)
        stack.callback(told.end, playing)
        shown.scene.title = f"Headgate demo; in another terminal: HEADGATE_DATA={home} headgate watch production"
        with shown:
            shown.say(f"in another terminal: export HEADGATE_DATA={home}, then headgate status, watch or why")
            summary = told.kept_if_it_fails(playing, rate)
        summary.kept = str(home) if told.kept else ""
        summary.platform = choice.platform
        return summary


class _Ending:
    """What was started ends, and the folder goes, whatever happened."""

    def __init__(self, home: Path, kept: bool, screen: Screen) -> None:
        self.home, self.kept, self._screen = home, kept, screen

    def kept_if_it_fails(self, playing: Demo, rate: int) -> Summary:
        """Someone will want to look."""
        try:
            summary = playing.play(rate)
        except Failure:
            self.kept = True
            self._screen.plainly(f"the demo could not go on; its folder is kept: {self.home}")
            raise
        self.kept = self.kept or not summary.ok
        return summary

    def end(self, playing: Demo) -> None:
        with _deaf():
            images = ", images, registry" if playing.containers is not None else ""
            self._screen.plainly(f"what the demo started ends: load generator, server, instances, Envoy{images}")
            if playing.traffic is not None:
                playing.traffic.stop()
            unended = [playing.server.stop(), playing.containers.end() if playing.containers is not None else ""]
        if left := "; ".join(filter(None, unended)):
            self.kept = True
            raise Failure(f"not all that the demo started could be ended: {left}", str(self.home), "End it by hand.")

    def remove(self) -> None:
        if not self.kept:
            rmtree(self.home, ignore_errors=True)


def _home(data: str | None) -> Path:
    if data is None:
        return Path(tempfile.mkdtemp(prefix="headgate-demo-"))
    folder = Path(data).expanduser().resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        used = any(folder.iterdir())
    except OSError as error:
        remedy = "Name another folder."
        raise Failure(f"the folder cannot be used: {error.strerror}", str(folder), remedy, USAGE) from error
    if used:
        raise Failure("the folder is not empty", str(folder), "Name a new or empty one: nothing is overwritten.", USAGE)
    return folder


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does: everything is taken down first."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _deaf() -> Iterator[None]:
    """A second Ctrl-C must not leave half of it running."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
