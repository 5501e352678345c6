"""Tasks that nobody awaits: one that failed is told of in the log."""

import asyncio
import logging

LOG = logging.getLogger(__name__)


def report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("%s failed", task.get_name(), exc_info=error)
