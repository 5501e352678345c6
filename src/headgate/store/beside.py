"""Streams read from a log's file beside its server, or without one. Nothing is changed, nobody is held up."""

from pathlib import Path

from headgate.model.events import Recorded
from headgate.ports import LogUnavailable
from headgate.store import connections, tables
from headgate.store.failures import in_words
from headgate.store.rows import sound_events
from headgate.store.schema import is_laid_out


def read_beside(path: Path, stream: str) -> list[Recorded]:
    """Raises LogDamaged, LogTooNew, LogUnavailable."""
    if not path.is_file():
        raise LogUnavailable(f"There is no event log at {path}. Name the data folder that the server uses.")
    engine = connections.examiner(path)
    try:
        with in_words(path), engine.connect() as connection:
            if not is_laid_out(connection, path):
                return []
            found = connection.execute(tables.STREAM, {"stream": stream, "after": 0}).mappings()
            return list(sound_events(found, path, connection))
    finally:
        engine.dispose()
