"""Tells through the library Apprise, in threads of its own: it waits where it stands, and so would the server."""

import asyncio
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, unquote_plus

from headgate.adapters.credentials import from_variable
from headgate.adapters.notifiers.apprise.words import body, title
from headgate.adapters.quoted import short
from headgate.model.notices import Notice, Target
from headgate.ports import AdapterError, Unusable

THREADS = 4  # a service that hangs does not silence the others
TIMEOUT = timedelta(seconds=20)
SHORTEST = 4  # characters of an address that may be a secret
TYPES = {"info": "info", "attention": "warning", "trouble": "failure"}


class AppriseNotifier:
    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "apprise")

    async def notify(self, notice: Notice, target: Target, remembered: str) -> str:
        url = from_variable(target.settings["url_from"])
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, tell, url, title(notice), body(notice), TYPES[notice.severity])
        return ""

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def tell(url: str, title: str, body: str, kind: str) -> None:
    """Raises AdapterError, without the address in it."""
    import apprise  # a large library, and only those who use it pay for it

    logging.getLogger("apprise").propagate = False  # what it says of failures comes with its result, and is masked
    service: Any = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise Unusable("the variable holds no address that Apprise understands")
    told = apprise.Apprise()
    told.add(service)
    try:
        done = told.notify(
            body=body,
            title=title,
            notify_type=apprise.NotifyType(kind),
            body_format="text",
            timeout=TIMEOUT.total_seconds(),
        )
    except Exception as error:  # of a plugin
        raise AdapterError(f"Apprise failed ({type(error).__name__})") from error
    if not done:
        said = [str(entry.message) for entry in done.logs()]
        why = short(masked(said[-1], url)) if said else "no reason given"
        raise AdapterError(f"the service did not take it: {why}")


def masked(words: str, url: str) -> str:
    """Without any part of the address, as written or decoded: which of them are secrets, only the service knows."""
    written = re.split(r"[:/@?&=,;]+", url)
    every = {*written, *map(unquote, written), *map(unquote_plus, written)}
    for part in sorted((one for one in every if len(one) >= SHORTEST), key=len, reverse=True):
        words = words.replace(part, "***")
    return words
