"""AWS's API: boto3 in threads, with time limits, its errors as sentences. An extra: `pip install "headgate[aws]"`."""

import asyncio
from collections.abc import Mapping
from typing import Any

from headgate.adapters.quoted import short
from headgate.ports import AdapterError, Away

CONNECT, READ = 5, 30  # seconds
TRIES = 3
THROTTLED = ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")


class Refused(AdapterError):
    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code  # AWS's name of the error


class AwsClient:
    """One of AWS's services. Credentials are found as boto3 finds them, unless a profile is named."""

    def __init__(self, service: str, what: str, where: str) -> None:
        """`what`: the service as people call it; `where`: the line of the file that its settings stand below."""
        self._service = service
        self._what = what
        self._where = where
        self._clients: dict[tuple[str, str, str], Any] = {}

    async def call(self, settings: Mapping[str, str], verb: str, **asked: Any) -> dict[str, Any]:
        """Raises Refused where AWS says no, AdapterError where it says nothing."""
        return await asyncio.to_thread(self._call, settings, verb, asked)

    def _call(self, settings: Mapping[str, str], verb: str, asked: dict[str, Any]) -> dict[str, Any]:
        client = self._client(settings)
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"{self._what} in {settings['region']}"
        try:
            answer: dict[str, Any] = getattr(client, verb)(**asked)
            return answer
        except ClientError as error:
            code, why = (str(error.response.get("Error", {}).get(part, "")) for part in ("Code", "Message"))
            remedy = "; it is asked too often, and will be again" if code in THROTTLED else ""
            said = f"{where} refused {verb.replace('_', ' ')}: {code} {short(why) if why else ''}".strip()
            raise Refused(said + remedy, code) from error
        except BotoCoreError as error:
            remedy = "check the AWS credentials and the network of the Headgate server"
            raise Away(f"{where} cannot be asked ({short(error)}); {remedy}") from error

    def _client(self, settings: Mapping[str, str]) -> Any:
        key = (settings.get("region", ""), settings.get("endpoint", ""), settings.get("profile", ""))
        if not key[0]:
            raise AdapterError(f"{self._what} needs region: write it below `{self._where}`")
        if key not in self._clients:
            self._clients[key] = self._made(*key)
        return self._clients[key]

    def _made(self, region: str, endpoint: str, profile: str) -> Any:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            remedy = "pip install 'headgate[aws]' where the Headgate server runs"
            raise AdapterError(f"{self._what} needs boto3, which is not installed; {remedy}") from error
        config = Config(connect_timeout=CONNECT, read_timeout=READ, retries={"total_max_attempts": TRIES})
        try:
            # One for itself: a session is not for several threads.
            session = boto3.session.Session(profile_name=profile or None)
            return session.client(self._service, region_name=region, endpoint_url=endpoint or None, config=config)
        except (BotoCoreError, ValueError) as error:
            raise AdapterError(f"{self._what} in {region} cannot be asked ({short(error)})") from error
