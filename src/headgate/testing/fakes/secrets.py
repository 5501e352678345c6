"""A secret store in memory: a test writes and rotates secrets, and may take it away. It keeps every version."""

from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError, Unusable


class FakeSecrets:
    def __init__(self, keeps_versions: bool = True) -> None:
        self.broken = ""  # a reason makes every call fail
        self.unreadable = ""  # a reason makes every value stay where it is; versions are told
        self.keeps_versions = keeps_versions
        self.values: dict[str, list[str]] = {}  # reference -> values, the first is version 1
        self.read: list[tuple[str, str]] = []  # reference and version of every value that was handed out

    def write(self, reference: str, value: str) -> None:
        self.values.setdefault(reference, []).append(value)

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        current = await self.version(reference, store)
        if self.unreadable:
            raise AdapterError(self.unreadable)
        if version is not None and version != current and not self.keeps_versions:
            raise Unusable(f"version {version} of {reference} is gone: this store keeps the current one only")
        wanted = current if version is None else version
        known = {str(number): value for number, value in enumerate(self.values[reference], start=1)}
        if wanted not in known:
            raise Unusable(f"{reference} has no version {wanted}")
        self.read.append((reference, wanted))
        return Secret(known[wanted], wanted)

    async def version(self, reference: str, store: SecretRules) -> str:
        if self.broken:
            raise AdapterError(self.broken)
        if reference not in self.values:
            raise Unusable(f"there is no secret {reference}")
        return str(len(self.values[reference]))
