"""boto3 in threads, and its errors as sentences. An extra: `pip install "headgate[aws]"`."""

import asyncio
from collections.abc import Mapping
from typing import Any

from headgate.ports import AdapterError

CONNECT, READ = 5, 30  # seconds
TRIES = 3
ABSENT = ("RepositoryNotFoundException", "ImageNotFoundException")


class EcrClient:
    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}

    async def call(self, settings: Mapping[str, str], verb: str, **asked: Any) -> dict[str, Any] | None:
        """The answer; None where repository or image is not there. Raises AdapterError, Refused."""
        if account := settings.get("account"):
            asked["registryId"] = account
        return await asyncio.to_thread(self._call, settings, verb, asked)

    def _call(self, settings: Mapping[str, str], verb: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        client = self._client(settings)
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"ECR in {settings['region']}"
        try:
            answer: dict[str, Any] = getattr(client, verb)(**asked)
            return answer
        except ClientError as error:
            code, why = (str(error.response.get("Error", {}).get(part, "")) for part in ("Code", "Message"))
            if code in ABSENT:
                return None
            raise Refused(f"{where} refused {verb.replace('_', ' ')}: {code} {why}".strip(), code) from error
        except BotoCoreError as error:
            remedy = "check the AWS credentials and the network of the Headgate server"
            raise AdapterError(f"{where} cannot be asked ({error}); {remedy}") from error

    def _client(self, settings: Mapping[str, str]) -> Any:
        key = (settings.get("region", ""), settings.get("endpoint", ""))
        if not key[0]:
            raise AdapterError("the registry needs region: write it below `registry: ecr:`")
        if key not in self._clients:
            self._clients[key] = _made(*key)
        return self._clients[key]


class Refused(AdapterError):
    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code  # AWS's name of the error


def _made(region: str, endpoint: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        remedy = "pip install 'headgate[aws]' where the Headgate server runs"
        raise AdapterError(f"registry ecr needs boto3, which is not installed; {remedy}") from error
    config = Config(connect_timeout=CONNECT, read_timeout=READ, retries={"total_max_attempts": TRIES})
    try:
        session = boto3.session.Session()  # one for itself: a session is not for several threads
        return session.client("ecr", region_name=region, endpoint_url=endpoint or None, config=config)
    except (BotoCoreError, ValueError) as error:
        raise AdapterError(f"ECR in {region} cannot be asked ({error})") from error
