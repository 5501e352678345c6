"""Value source `prometheus`: what a PromQL expression is worth, for metrics that the file brings."""

import asyncio
from collections.abc import Mapping

from headgate.adapters.metrics.prometheus.client import TIMEOUT, PrometheusClient, silent
from headgate.adapters.metrics.prometheus.settings import server_of
from headgate.model.measurements import NoData, Window
from headgate.ports import AdapterError, Host


def create(host: Host) -> "PrometheusValues":
    return PrometheusValues()


class PrometheusValues:
    def __init__(self) -> None:
        self._client = PrometheusClient()

    async def value(self, expression: str, settings: Mapping[str, str], window: Window) -> float | NoData:
        try:
            server = server_of(settings)
        except (KeyError, ValueError):
            return NoData("Prometheus needs the url where it answers: write it below `query:`")
        try:
            async with asyncio.timeout(TIMEOUT.total_seconds()):
                return await self._client.number(server, expression, round(window.end.timestamp() * 1000))
        except TimeoutError:
            return NoData(silent(server))
        except AdapterError as error:
            return NoData(str(error))

    async def close(self) -> None:
        await self._client.close()
