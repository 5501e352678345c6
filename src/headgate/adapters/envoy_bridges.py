"""Bridges: networks of containers, from which services reach each other through this machine's Envoy.

A platform writes them down, the traffic router reads them: Envoy listens at the gateway too, for that network alone.
"""

import ipaddress
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from headgate.ports import AdapterError

_FILE = "bridges.json"


@dataclass(frozen=True, slots=True)
class Bridge:
    gateway: str  # this machine, as the containers see it
    subnets: tuple[str, ...]  # 172.18.0.0/16: whoever asks from elsewhere is not answered

    def __post_init__(self) -> None:
        ipaddress.IPv4Address(self.gateway)
        for subnet in self.subnets:
            ipaddress.IPv4Network(subnet)


def read_bridges(folder: Path) -> dict[str, Bridge]:
    """Environment -> its bridge. `folder` is Envoy's. Nothing where the file is damaged: it is written anew."""
    try:
        found = json.loads((folder / _FILE).read_text())
        return {environment: _read(**one) for environment, one in found.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _read(gateway: str, subnets: Sequence[str] = (), subnet: str | None = None) -> Bridge:
    """`subnet` is what the file had before there were several."""
    return Bridge(gateway, tuple(subnets) if subnet is None else (subnet,))


def write_bridge(folder: Path, environment: str, bridge: Bridge | None) -> bool:
    """None: there is no such network any more. False where the file already says so."""
    before = read_bridges(folder)
    after = {name: one for name, one in before.items() if name != environment}
    if bridge is not None:
        after[environment] = bridge
    if after == before:
        return False
    text = json.dumps({name: asdict(one) for name, one in sorted(after.items())}, indent=1)
    path, draft = folder / _FILE, folder / f".{_FILE}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(text)
        os.replace(draft, path)
    except OSError as error:
        raise AdapterError(f"Cannot write {path}: {error.strerror}. Make room or give the right to write") from error
    return True
