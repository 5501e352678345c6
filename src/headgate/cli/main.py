"""The command `headgate`. Nothing large is imported before it is known what is asked."""

import sys


def main() -> int:
    """Returns the exit code; whatever happens, no traceback reaches a person."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from headgate import __version__

        print(f"headgate {__version__}")
        return 0
    from headgate.cli.failure import INTERRUPTED, Failure, defect, tell

    try:
        _prepare(arguments)
        return run(arguments)
    except Failure as failure:
        return tell(failure)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last net
        return tell(defect(error))


def _prepare(arguments: list[str]) -> None:
    import signal

    # Output that nobody reads any more ends a command quietly, as everywhere else.
    if arguments[:1] not in (["serve"], ["demo"], ["dev"]):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # Characters that the terminal does not have are replaced.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def run(arguments: list[str]) -> int:
    from headgate.cli.hurry import understood

    asked = understood(arguments)
    if asked is not None:
        from headgate.cli.dispatch import carry_out

        return carry_out(arguments[0], asked)
    from headgate.cli.group import app

    app(args=arguments, prog_name="headgate")
    return 0
