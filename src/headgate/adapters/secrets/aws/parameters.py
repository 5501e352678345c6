"""AWS SSM Parameter Store: String and SecureString, the last 100 versions of each.

A version is its number with the second it was written: a parameter that was deleted and made anew counts from 1 again.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from headgate.adapters.aws import AwsClient, Refused
from headgate.adapters.quoted import short
from headgate.adapters.secrets.references import named, near, text
from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError, Unusable

NAME = re.compile(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,14}")
VERSION = re.compile(r"([1-9][0-9]{0,9})@[0-9]{1,12}")
SUCH_AS = "/shop/production/database-url"
WHAT = "SSM Parameter Store"
ABSENT = ("ParameterNotFound", "ParameterVersionNotFound")


class ParameterStore:
    keeps_versions = True

    def __init__(self) -> None:
        self._aws = AwsClient("ssm", WHAT, "secrets: aws-ssm:")

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        name, number = named(reference, NAME, SUCH_AS), ""
        if version is not None:
            if not (found := VERSION.fullmatch(version)):
                raise Unusable(f"{short(version, 60)!r} is no version of {name}")
            number = found[1]
        parameter = await self._read(store.settings, name, number, decrypt=True)
        return Secret(text(parameter.get("Value", ""), name), version or _version(parameter))

    async def version(self, reference: str, store: SecretRules) -> str:
        """Not decrypted: of a SecureString no value is sent, and its key is not used."""
        return _version(await self._read(store.settings, named(reference, NAME, SUCH_AS), "", decrypt=False))

    async def _read(self, settings: Mapping[str, str], name: str, number: str, decrypt: bool) -> dict[str, Any]:
        selected = f"{name}:{number}" if number else name
        try:
            answer = await self._aws.call(settings, "get_parameter", Name=selected, WithDecryption=decrypt)
        except Refused as error:
            raise await self._explained(error, settings, name, number) from error
        found: dict[str, Any] = answer.get("Parameter", {})
        return found

    async def _explained(self, error: Refused, settings: Mapping[str, str], name: str, number: str) -> AdapterError:
        if error.code in ABSENT and number:
            return Unusable(f"{name} has no version {number} any more in {WHAT}: it keeps the last 100")
        if error.code in ABSENT:
            where = f"{WHAT} in {settings['region']}"
            return Unusable(f"{where} has no parameter {name}{await self._near(settings, name)}")
        if error.code == "ValidationException":
            return Unusable(str(error))
        if error.code == "AccessDeniedException":
            reading = f"ssm:GetParameter on parameter{_rooted(name)}"
            right = "kms:Decrypt on its key" if "kms:" in str(error) else reading
            return AdapterError(f"{error}; allow {right} to the server's role")
        if error.code == "InvalidKeyId":
            return AdapterError(f"{error}; see that the key of {name} is enabled, and allow kms:Decrypt on it")
        return AdapterError(str(error))

    async def _near(self, settings: Mapping[str, str], name: str) -> str:
        """Names beside it, where the role may list them."""
        folder = name.rpartition("/")[0]
        filters = [{"Key": "Name", "Option": "BeginsWith", "Values": [f"{folder}/" if folder else name[:3]]}]
        try:
            answer = await self._aws.call(settings, "describe_parameters", ParameterFilters=filters, MaxResults=50)
        except AdapterError:
            return ""
        return near(name, [str(one.get("Name")) for one in answer.get("Parameters", [])])


def _rooted(name: str) -> str:
    return name if name.startswith("/") else f"/{name}"


def _version(parameter: Mapping[str, Any]) -> str:
    written = parameter.get("LastModifiedDate")
    seconds = int(written.astimezone(UTC).timestamp()) if isinstance(written, datetime) else 0
    return f"{parameter.get('Version', 0)}@{seconds}"
