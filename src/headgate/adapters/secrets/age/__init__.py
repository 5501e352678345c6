"""Secret store `age`: one encrypted file for a machine and the people who look after it. An extra: `headgate[age]`."""

from headgate.adapters.secrets.age.store import AgeStore
from headgate.ports import Host


def create(host: Host) -> AgeStore:
    return AgeStore()
