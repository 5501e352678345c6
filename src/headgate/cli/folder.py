"""The data folder: where the server keeps everything, and where the command line finds the server."""

import json
import os

from headgate.cli.failure import NO_SERVER, USAGE, Failure

START = "start it with `headgate serve`"


def data_folder(given: str | None) -> str:
    """--data, else HEADGATE_DATA, else where state is kept on this system."""
    chosen = given or os.environ.get("HEADGATE_DATA")
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(state, "headgate")


def server_address(folder: str) -> str:
    """Of the server that runs on the folder now. A file that a killed server left behind names none.

    HEADGATE_SERVER names one that is someone else's, or behind a tunnel: http://HOST:PORT.
    """
    elsewhere = os.environ.get("HEADGATE_SERVER")
    if elsewhere:
        return _named(elsewhere)
    try:
        with open(os.path.join(folder, "server.json"), encoding="utf-8") as stream:
            found = json.load(stream)
        address, pid = str(found["address"]), int(found["pid"])
    except FileNotFoundError as error:
        raise no_server(folder) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(
            "the file that says where the server is cannot be read", f"{folder}/server.json: {error}", START, NO_SERVER
        ) from error
    if not _alive(pid):
        raise no_server(folder)
    return address


def _named(address: str) -> str:
    scheme, _, rest = address.rstrip("/").partition("://")
    if scheme != "http" or not rest.rpartition(":")[2].isdigit() or "/" in rest:
        remedy = "Write http://HOST:PORT; for https put a TLS tunnel in front of it here."
        raise Failure(f"HEADGATE_SERVER is no address of a server: {address}", "", remedy, USAGE)
    return f"http://{rest}"


def token(folder: str) -> str:
    """A person's own, in HEADGATE_TOKEN; else the server's."""
    own = os.environ.get("HEADGATE_TOKEN", "")
    if own:
        if not own.isascii() or not own.isprintable() or " " in own:
            raise Failure("HEADGATE_TOKEN is no token", "", "It begins with hgt_, and has no spaces.", USAGE)
        return own
    path = os.path.join(folder, "token")
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.read(1000).strip()
    except OSError as error:
        remedy = "Run as the user who runs the server, or name its data folder with --data."
        raise Failure(f"the token cannot be read: {error.strerror}", path, remedy) from error


def no_server(where: str) -> Failure:
    return Failure("no server is running", where, START, NO_SERVER)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
