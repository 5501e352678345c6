"""The command `headgate`. Nothing large is imported before it is known what is asked."""

import os
import signal
import sys

from headgate.cli.failure import INTERRUPTED, Failure, tell


def main() -> int:
    """Returns the exit code; whatever happens, no traceback reaches a person."""
    arguments = sys.argv[1:]
    # Output that nobody reads any more ends a command quietly, as everywhere else; characters that the terminal does
    # not have are replaced.
    if arguments[:1] not in (["serve"], ["demo"]):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        return run(arguments)
    except Failure as failure:
        return tell(failure)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last net
        return tell(defect(error))


def run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        from headgate import __version__

        print(f"headgate {__version__}")
        return 0
    from headgate.cli.hurry import understood

    asked = understood(arguments)
    if asked is not None:
        from headgate.cli.dispatch import carry_out

        return carry_out(arguments[0], asked)
    from headgate.cli.group import app

    app(args=arguments, prog_name="headgate")
    return 0


def defect(error: Exception) -> Failure:
    """An error that nobody foresaw; the traceback is for who asks for it."""
    if os.environ.get("HEADGATE_DEBUG"):
        raise error
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
    remedy = "Please report it, with what HEADGATE_DEBUG=1 shows."
    return Failure(f"a defect of Headgate: {type(error).__name__}: {error}", where, remedy)
