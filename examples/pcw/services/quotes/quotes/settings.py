"""Everything that differs between environments, read once from environment variables."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

PACKAGED_TARIFFS = Path(__file__).parent / "tariffs"


class SettingsError(Exception):
    """An environment variable is missing or cannot be used; the message names it and what is allowed."""


@dataclass(frozen=True)
class Settings:
    database_url: str
    tariff_dir: Path = PACKAGED_TARIFFS
    log_level: str = "INFO"
    provider_timeout: timedelta = timedelta(milliseconds=400)
    database_timeout: timedelta = timedelta(seconds=2)
    flush_interval: timedelta = timedelta(milliseconds=100)
    max_pending: int = 20_000
    release: str = "unknown"
    revision: str = "unknown"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        return cls(
            database_url=_required(environment, "DATABASE_URL", "for example sqlite:////var/lib/pcw/pcw.db"),
            tariff_dir=Path(environment.get("TARIFF_DIR") or PACKAGED_TARIFFS),
            log_level=_log_level(environment),
            provider_timeout=_seconds(environment, "PROVIDER_TIMEOUT_SECONDS", cls.provider_timeout),
            database_timeout=_seconds(environment, "DATABASE_TIMEOUT_SECONDS", cls.database_timeout),
            flush_interval=_seconds(environment, "FLUSH_INTERVAL_SECONDS", cls.flush_interval),
            max_pending=int(_number(environment, "MAX_PENDING", cls.max_pending)),
            release=environment.get("RELEASE", cls.release),
            revision=environment.get("REVISION", cls.revision),
        )


def _required(environment: Mapping[str, str], name: str, example: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(f"environment variable {name} is not set; set it, {example}")
    return value


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    raw = environment.get(name, "").strip()
    try:
        value = float(raw) if raw else float(default)
    except ValueError:
        raise SettingsError(f"environment variable {name} is {raw!r}; allowed is a number above 0") from None
    if not 0 < value < float("inf"):
        raise SettingsError(f"environment variable {name} is {raw!r}; allowed is a number above 0")
    return value


def _seconds(environment: Mapping[str, str], name: str, default: timedelta) -> timedelta:
    return timedelta(seconds=_number(environment, name, default.total_seconds()))


def _log_level(environment: Mapping[str, str]) -> str:
    level = environment.get("LOG_LEVEL", "INFO").strip().upper() or "INFO"
    allowed = list(logging.getLevelNamesMapping())
    if level not in allowed:
        raise SettingsError(f"environment variable LOG_LEVEL is {level!r}; allowed are {', '.join(allowed)}")
    return level
