"""A native histogram as it is exposed: io.prometheus.client.MetricFamily, delimited. There is no text form of it."""

import math
import struct
from collections import Counter
from collections.abc import Mapping

TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
SCHEMA = 3  # eight buckets to each doubling, as in the model
HISTOGRAM = 4


def family(name: str, rows: Mapping[tuple[tuple[str, str], ...], list[float]]) -> bytes:
    """Labels -> seconds of each request."""
    metrics = b"".join(_bytes(4, _metric(labels, seconds)) for labels, seconds in rows.items())
    message = _bytes(1, name.encode()) + _number(3, HISTOGRAM) + metrics
    return _varint(len(message)) + message


def _metric(labels: tuple[tuple[str, str], ...], seconds: list[float]) -> bytes:
    pairs = b"".join(_bytes(1, _bytes(1, key.encode()) + _bytes(2, value.encode())) for key, value in labels)
    return pairs + _bytes(7, _histogram(seconds))


def _histogram(seconds: list[float]) -> bytes:
    counts = Counter(math.ceil(math.log2(one) * 2**SCHEMA) for one in seconds)
    said = _number(1, len(seconds)) + _double(2, sum(seconds)) + _number(5, _zigzag(SCHEMA)) + _double(6, 1e-9)
    if not counts:
        return said
    first, last = min(counts), max(counts)
    said += _bytes(12, _number(1, _zigzag(first)) + _number(2, last - first + 1))
    before = 0
    for index in range(first, last + 1):
        said += _number(13, _zigzag(counts[index] - before))
        before = counts[index]
    return said


def _zigzag(value: int) -> int:
    return value * 2 if value >= 0 else -value * 2 - 1


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value
