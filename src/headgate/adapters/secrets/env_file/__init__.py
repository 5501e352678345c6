"""Secret store `env-file`: NAME=VALUE lines in a file of the server, for its owner alone and in no repository."""

from headgate.adapters.secrets.env_file.store import EnvFileStore
from headgate.ports import Host


def create(host: Host) -> EnvFileStore:
    return EnvFileStore(host.folder / "key")
