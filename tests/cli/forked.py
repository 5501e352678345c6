"""`headgate` as a process for each command, forked from one that has imported it: a tenth of the time to start.

Run as a program, this file is the one that forks. What an interpreter reads when it starts is as it was then:
commands that are given such variables need an interpreter of their own (`takes`).
"""

import atexit
import gc
import json
import os
import pkgutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn


class Fork:
    """Starts commands one after the other."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @staticmethod
    def takes(environment: Mapping[str, str]) -> bool:
        return not any(name.startswith(("PYTHON", "LC_", "LANG")) for name in environment)

    def run(self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], out: Path, err: Path) -> int:
        """The exit code, as subprocess tells it; raises TimeoutError after 30 s."""
        order = {"arguments": [*arguments], "cwd": str(cwd), "environment": {**environment}, "streams": [out, err]}
        assert self._parent.stdin
        self._parent.stdin.write(json.dumps(order, default=str).encode() + b"\n")
        self._parent.stdin.flush()
        ending = threading.Timer(30, os.kill, (self._told(), signal.SIGKILL))
        ending.start()
        code = self._told()
        ending.cancel()
        if ending.finished.is_set() and code == -signal.SIGKILL:
            raise TimeoutError(f"headgate {arguments}: ended after 30 s")
        return code

    def _told(self) -> int:
        assert self._parent.stdout
        return int(self._parent.stdout.readline())

    def close(self) -> None:
        assert self._parent.stdin
        self._parent.stdin.close()
        self._parent.wait(10)


def imported() -> None:
    from headgate import bootstrap
    from headgate.cli import commands, group

    for module in pkgutil.iter_modules(commands.__path__):
        import_module(f"{commands.__name__}.{module.name}")
    for command in group.COMMANDS:
        group.made(command)
    bootstrap.present()  # imports adapters
    gc.collect()
    gc.freeze()  # a child does not copy it to look through it


def next_order() -> dict[str, Any]:
    """In the parent, ends the program with the orders; in each child, returns one."""
    told = os.dup(1)
    while line := sys.stdin.buffer.readline():
        child = os.fork()
        if child == 0:
            os.close(told)
            order: dict[str, Any] = json.loads(line)
            return order
        os.write(told, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def carry_out(order: Mapping[str, Any]) -> None:
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    opened = [os.open(os.devnull, os.O_RDONLY), *(os.open(one, os.O_WRONLY | os.O_CREAT) for one in order["streams"])]
    for number, descriptor in enumerate(opened):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1, closefd=False)
    sys.argv = ["-c", *order["arguments"]]
    from headgate.cli.main import main

    try:
        end(main())
    except SystemExit as ended:
        if ended.code is not None and not isinstance(ended.code, int):
            raise
        end(ended.code or 0)


def end(code: int) -> NoReturn:
    """As an interpreter ends, but for taking apart, which costs as much as most commands."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    imported()
    carry_out(next_order())
