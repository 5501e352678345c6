"""How the demo shows itself: a live picture on a terminal, timestamped lines elsewhere."""

import sys
import time
from typing import Any, TextIO

from headgate.cli.demo.scene import Scene, users
from headgate.cli.follow import clock
from headgate.cli.plain import plain

View = dict[str, Any]
LINE = 5.0  # seconds between two lines of numbers


class Screen:
    """Lines, for pipes and dumb terminals."""

    def __init__(self, stream: TextIO) -> None:
        self.scene = Scene()
        self._stream = stream
        self._next = 0.0

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def say(self, sentence: str) -> None:
        """What is happening now."""
        self.scene.sentence = sentence
        self._line(time.strftime("%H:%M:%S"), sentence)

    def plainly(self, text: str) -> None:
        """A line of its own, outside of any picture."""
        print(f"{time.strftime('%H:%M:%S')} {plain(text)}", file=self._stream, flush=True)

    def decided(self, environment: str, event: View) -> None:
        text = f"{environment}: {plain(event['text'])}"
        self.scene.decisions.append(f"{clock(event['at'])} {text}")
        self._line(clock(event["at"]), f"  {text}")

    def note(self, text: str) -> None:
        """Something else that is worth a line."""
        at = time.strftime("%H:%M:%S")
        self.scene.decisions.append(f"{at} {plain(text)}")
        self._line(at, f"  {text}")

    def show(self) -> None:
        if self.scene.figures and time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE
            self._line(time.strftime("%H:%M:%S"), f"  users: {users(self.scene)}")

    def _line(self, at: str, text: str) -> None:
        print(f"{at} {plain(text)}", file=self._stream, flush=True)


class Picture(Screen):
    """Drawn anew in its place; gone at the end, when the table says it all."""

    def __enter__(self) -> "Picture":
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, highlight=False)
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def _line(self, at: str, text: str) -> None:
        self.show()

    def show(self) -> None:
        from headgate.cli.demo.picture import drawn

        self._live.update(drawn(self.scene), refresh=True)


def screen(as_json: bool) -> Screen:
    """Where only JSON may go to standard output, the rest goes to standard error."""
    stream = sys.stderr if as_json else sys.stdout
    return Picture(stream) if stream.isatty() and not as_json else Screen(stream)
