"""Everything that differs between environments, read once from environment variables."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit


class SettingsError(Exception):
    """An environment variable is missing or cannot be used; the message names it and what is allowed."""


@dataclass(frozen=True)
class Settings:
    quotes_url: str
    quotes_timeout: timedelta = timedelta(seconds=3)
    quotes_connections: int = 64
    log_level: str = "INFO"
    release: str = "unknown"
    revision: str = "unknown"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        timeout = _number(environment, "QUOTES_TIMEOUT_SECONDS", cls.quotes_timeout.total_seconds())
        return cls(
            quotes_url=_url(environment, "QUOTES_URL"),
            quotes_timeout=timedelta(seconds=timeout),
            quotes_connections=int(_number(environment, "QUOTES_CONNECTIONS", cls.quotes_connections)),
            log_level=_log_level(environment),
            release=environment.get("RELEASE", cls.release),
            revision=environment.get("REVISION", cls.revision),
        )


def _url(environment: Mapping[str, str], name: str) -> str:
    url = environment.get(name, "").strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"environment variable {name} is {url!r}; set it to where quotes answers, "
                            "for example http://127.0.0.1:8000")
    return url


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    raw = environment.get(name, "").strip()
    try:
        value = float(raw) if raw else float(default)
    except ValueError:
        raise SettingsError(f"environment variable {name} is {raw!r}; allowed is a number above 0") from None
    if not 0 < value < float("inf"):
        raise SettingsError(f"environment variable {name} is {raw!r}; allowed is a number above 0")
    return value


def _log_level(environment: Mapping[str, str]) -> str:
    level = environment.get("LOG_LEVEL", "INFO").strip().upper() or "INFO"
    allowed = list(logging.getLevelNamesMapping())
    if level not in allowed:
        raise SettingsError(f"environment variable LOG_LEVEL is {level!r}; allowed are {', '.join(allowed)}")
    return level
