"""The Terraform command line: no shell, no prompt, bounded in time, ended so that its state and lock are whole."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from headgate.adapters.quoted import short
from headgate.ports import AdapterError, Away, Unusable

LONGEST_SAID = 1000  # characters
# What would make it print more than is asked for, act on another state, or be told otherwise from outside.
DROPPED = ("HEADGATE_", "TF_LOG", "TF_CLI_ARGS", "TF_WORKSPACE", "TF_DATA_DIR", "TF_INPUT")
LOCKED = ("Error acquiring the state lock", "state lock")
NEEDS_INIT = ("terraform init", "Backend initialization required")


class NotInitialised(AdapterError):
    """It asks for `init` first."""


@dataclass(frozen=True, slots=True)
class Command:
    """In which folder, with which data, and what it is told in variables: lists of processes show none of those."""

    program: str
    folder: Path
    data: Path
    ending: timedelta
    workspace: str = ""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def run(self, *arguments: str, limit: timedelta, fine: tuple[int, ...] = (0,)) -> str:
        """What it printed. Raises Unusable with its own words, Away where somebody else holds the lock."""
        process = await self._begin(arguments)
        what = f"terraform {arguments[0]} in {self.folder}"
        try:
            async with asyncio.timeout(limit.total_seconds()):
                printed, complaint = await process.communicate()
        except TimeoutError:
            await self._end(process)
            raise Away(f"{what} took longer than {limit.total_seconds():.0f} s and was interrupted") from None
        except BaseException:
            await asyncio.shield(self._end(process))
            raise
        if process.returncode not in fine:
            raise refusal(what, printed.decode(errors="replace"), complaint.decode(errors="replace"))
        return printed.decode(errors="replace")

    async def _begin(self, arguments: tuple[str, ...]) -> asyncio.subprocess.Process:
        if not self.folder.is_dir():
            raise Unusable(f"{self.folder} is no folder of the Headgate server; correct `terraform: folder`")
        try:
            return await asyncio.create_subprocess_exec(
                self.program,
                f"-chdir={self.folder}",
                *arguments,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                umask=0o077,  # plans and states may hold secrets
            )
        except OSError as error:
            remedy = "install Terraform where the Headgate server runs, and have it on its PATH"
            raise AdapterError(f"cannot run {self.program} ({error.strerror}): {remedy}") from error

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
        given = {f"TF_VAR_{name}": value for name, value in self.variables.items()}
        workspace = {"TF_WORKSPACE": self.workspace} if self.workspace else {}
        return {**kept, **given, **workspace, "TF_DATA_DIR": str(self.data), **AUTOMATION}

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """SIGINT has it write its state and give back its lock; SIGKILL would leave both as they are."""
        for sent, wait in ((signal.SIGINT, self.ending), (signal.SIGKILL, timedelta(seconds=5))):
            with suppress(ProcessLookupError):
                if process.returncode is None:
                    os.killpg(process.pid, sent)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait.total_seconds()):
                    await process.communicate()
                    return


AUTOMATION = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}


def refusal(what: str, printed: str, complaint: str) -> AdapterError:
    said = "; ".join(diagnostics(printed)) or " ".join(line.strip(" ╷│╵") for line in complaint.splitlines()).strip()
    told = f"{what}: {short(said or 'it gave no reason', LONGEST_SAID)}"
    if any(words in said for words in LOCKED):
        return Away(f"{told}; wait until whoever holds the lock is done")
    if any(words in said for words in NEEDS_INIT):
        return NotInitialised(told)
    return Unusable(told)


def diagnostics(printed: str) -> list[str]:
    """Errors of a stream of JSON lines, each with its place."""
    found = []
    for line in printed.splitlines():
        with suppress(ValueError):
            one: Any = json.loads(line)
            told = one.get("diagnostic") if isinstance(one, dict) else None
            if isinstance(told, dict) and told.get("severity") == "error":
                found.append(_sentence(told))
    return found


def _sentence(told: dict[str, Any]) -> str:
    at = told.get("range") or {}
    place = f"{at['filename']}:{at['start']['line']}: " if at else ""
    address = f"{told['address']}: " if told.get("address") else ""
    return f"{place}{address}{told.get('summary', '')}{': ' + told['detail'] if told.get('detail') else ''}"
