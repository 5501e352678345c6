"""ECR's API, where no repository and no image is no error."""

from collections.abc import Mapping
from typing import Any

from headgate.adapters.aws import AwsClient, Refused

ABSENT = ("RepositoryNotFoundException", "ImageNotFoundException")


class EcrClient:
    def __init__(self) -> None:
        self._aws = AwsClient("ecr", "ECR", "registry: ecr:")

    async def call(self, settings: Mapping[str, str], verb: str, **asked: Any) -> dict[str, Any] | None:
        """The answer; None where repository or image is not there. Raises AdapterError, Refused."""
        if account := settings.get("account"):
            asked["registryId"] = account
        try:
            return await self._aws.call(settings, verb, **asked)
        except Refused as error:
            if error.code in ABSENT:
                return None
            raise
