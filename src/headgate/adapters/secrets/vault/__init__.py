"""Secret store `vault`: KV version 2 of HashiCorp Vault, and of OpenBao."""

from headgate.adapters.secrets.vault.store import VaultStore
from headgate.ports import Host


def create(host: Host) -> VaultStore:
    return VaultStore()
