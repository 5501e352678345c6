"""AWS Secrets Manager: versions as it names them. Whatever AWSCURRENT stands at is the current one.

Beyond AWSCURRENT and AWSPREVIOUS it keeps versions as long as it likes: up to about 100, a day at least.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from headgate.adapters.aws import AwsClient, Refused
from headgate.adapters.quoted import short
from headgate.adapters.secrets.references import entry, keyed, near, text
from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError, Unusable

NAME = re.compile(r"[A-Za-z0-9/_+=.@:-]{1,400}")
VERSION = re.compile("[A-Za-z0-9-]{32,64}")
CURRENT = "AWSCURRENT"
SUCH_AS = "shop/production/database#url"
WHAT = "Secrets Manager"


class AwsSecretStore:
    keeps_versions = True

    def __init__(self) -> None:
        self._aws = AwsClient("secretsmanager", WHAT, "secrets: aws-secrets-manager:")

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        name, key = keyed(reference, NAME, SUCH_AS)
        if version is not None and not VERSION.fullmatch(version):
            raise Unusable(f"{short(version, 70)!r} is no version of {name}")
        # Named even where it is the default: an emulator was seen to answer with the version before it.
        which = {"VersionId": version} if version is not None else {"VersionStage": CURRENT}
        answer = await self._call(store.settings, "get_secret_value", name, which)
        if "SecretString" not in answer:
            raise Unusable(f"{name} holds bytes: store it as text, in base64 for one")
        value = text(answer["SecretString"], name)
        return Secret(_of_key(value, key, name) if key else value, str(answer["VersionId"]))

    async def version(self, reference: str, store: SecretRules) -> str:
        """Without the value, and so without the right to decrypt it."""
        name, _ = keyed(reference, NAME, SUCH_AS)
        answer = await self._call(store.settings, "describe_secret", name, {})
        if answer.get("DeletedDate"):
            raise Unusable(f"{name} is to be deleted on {answer['DeletedDate']:%d %b}; restore it, or name another")
        stages: Mapping[str, list[str]] = answer.get("VersionIdsToStages", {})
        current = next((version for version, named in stages.items() if CURRENT in named), None)
        if current is None:
            raise Unusable(f"{name} has no value yet: no version of it is {CURRENT}")
        return current

    async def _call(self, settings: Mapping[str, str], verb: str, name: str, which: dict[str, str]) -> dict[str, Any]:
        try:
            return await self._aws.call(settings, verb, SecretId=name, **which)
        except Refused as error:
            raise await self._explained(error, settings, verb, name, which) from error

    async def _explained(
        self, error: Refused, settings: Mapping[str, str], verb: str, name: str, which: dict[str, str]
    ) -> AdapterError:
        match error.code:
            case "ResourceNotFoundException" if "VersionId" in which:
                return Unusable(f"{name} has no version {which['VersionId']} any more in {WHAT}")
            case "ResourceNotFoundException":
                where = f"{WHAT} in {settings['region']}"
                return Unusable(f"{where} has no secret {name} with a value{await self._near(settings, name)}")
            case "InvalidRequestException" | "InvalidParameterException" | "ValidationException":
                return Unusable(f"{error}; restore the secret, or name another")
            case "AccessDeniedException":
                action = "".join(word.capitalize() for word in verb.split("_"))
                return AdapterError(f"{error}; allow secretsmanager:{action} on {name} to the server's role")
            case "DecryptionFailure":
                return AdapterError(f"{error}; allow kms:Decrypt on the key of {name} to the server's role")
            case _:
                return AdapterError(str(error))

    async def _near(self, settings: Mapping[str, str], name: str) -> str:
        """Names that begin as it does, where the role may list them."""
        begins = [{"Key": "name", "Values": [name.rpartition("/")[0] or name[:3]]}]
        try:
            answer = await self._aws.call(settings, "list_secrets", Filters=begins, MaxResults=100)
        except AdapterError:
            return ""
        return near(name, [str(one.get("Name")) for one in answer.get("SecretList", [])])


def _of_key(value: str, key: str, name: str) -> str:
    try:
        held = json.loads(value)
    except (ValueError, RecursionError):  # whose text may show the value: not even as its cause
        held = None
    if not isinstance(held, dict):
        raise Unusable(f"{name} is no JSON object: it has no keys; write the reference without #{key}")
    return text(entry(held, key, name), name)
