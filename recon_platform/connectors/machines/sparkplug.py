"""Sparkplug B on the wire: topics, and the payload as far as states of machines need it.

The payload is a Protocol Buffers message (Eclipse Sparkplug 3.0, `sparkplug_b.proto`); the few fields that are read are
decoded here by their numbers, so nothing generated is carried along. Fields that are not read are stepped over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

NAMESPACE = "spBv1.0"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIDTH = {FIXED64: 8, FIXED32: 4}
INTEGERS, SIGNED = range(1, 9), {1: 8, 2: 16, 3: 32, 4: 64}  # data types of the specification, bits of the signed ones
BOOLEAN = 11
LONGEST_VARINT = 10
Scalar = int | float | bool | str | None


class SparkplugError(ValueError):
    """A payload that is no Sparkplug B."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Where a message came from. `device` is None for a message of the node itself."""

    group: str
    kind: str  # NBIRTH, NDEATH, NDATA, DBIRTH, DDEATH, DDATA …
    node: str
    device: str | None

    @classmethod
    def read(cls, text: str) -> Topic | None:
        """The topic; None where it is none of an edge node."""
        parts = text.split("/")
        if len(parts) not in (4, 5) or parts[0] != NAMESPACE:
            return None
        return cls(parts[1], parts[2], parts[3], parts[4] if len(parts) > 4 else None)

    @property
    def place(self) -> str:
        """GROUP/NODE or GROUP/NODE/DEVICE."""
        return "/".join(part for part in (self.group, self.node, self.device) if part is not None)


@dataclass(frozen=True, slots=True)
class Metric:
    """One value. A metric of a data message may have an alias in place of its name; `value` None is null."""

    name: str | None
    alias: int | None
    timestamp_ms: int | None
    value: Scalar
    historical: bool


@dataclass(frozen=True, slots=True)
class Payload:
    """A message: when it was sent (milliseconds since 1970), its number of 0 to 255, its metrics."""

    timestamp_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def decode(raw: bytes) -> Payload:
    """Raises SparkplugError where `raw` is broken."""
    timestamp, seq, metrics = None, None, []
    for number, _, value in _fields(raw):
        if number == 1 and isinstance(value, int):
            timestamp = value
        elif number == 2 and isinstance(value, bytes):
            metrics.append(_metric(value))
        elif number == 3 and isinstance(value, int):
            seq = value
    return Payload(timestamp, seq, tuple(metrics))


def rebirth(timestamp_ms: int) -> bytes:
    """The command that asks an edge node for its births: `Node Control/Rebirth` = true."""
    name = b"Node Control/Rebirth"
    metric = (
        b"\x0a" + _varint(len(name)) + name + b"\x18" + _varint(timestamp_ms) + b"\x20" + _varint(BOOLEAN) + b"\x70\x01"
    )
    return b"\x08" + _varint(timestamp_ms) + b"\x12" + _varint(len(metric)) + metric


def _metric(raw: bytes) -> Metric:
    found: dict[int, int | bytes] = {number: value for number, _, value in _fields(raw)}
    name, alias, kind = found.get(1), found.get(2), found.get(4)
    return Metric(
        name.decode("utf-8", "replace") if isinstance(name, bytes) else None,
        alias if isinstance(alias, int) else None,
        at if isinstance(at := found.get(3), int) else None,
        None if found.get(7) else _value(found, kind if isinstance(kind, int) else 0),
        bool(found.get(5)),
    )


def _value(found: dict[int, int | bytes], kind: int) -> Scalar:
    """The value of whichever of the fields 10 to 15 is there."""
    for number in (10, 11):
        value = found.get(number)
        if isinstance(value, int):
            bits = SIGNED.get(kind)
            return value - (1 << bits) if bits and value >> (bits - 1) & 1 and value < 1 << bits else value
    if isinstance(value := found.get(12), bytes):
        return float(struct.unpack("<f", value)[0])
    if isinstance(value := found.get(13), bytes):
        return float(struct.unpack("<d", value)[0])
    if isinstance(value := found.get(14), int):
        return bool(value)
    return value.decode("utf-8", "replace") if isinstance(value := found.get(15), bytes) else None


def _fields(raw: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and value of each field; fixed-width values as their bytes."""
    at = 0
    while at < len(raw):
        key, at = _read_varint(raw, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _read_varint(raw, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            length, at = _read_varint(raw, at)
        elif wire in WIDTH:
            length = WIDTH[wire]
        else:
            raise SparkplugError(f"wire type {wire} at byte {at} is not known")
        if at + length > len(raw):
            raise SparkplugError(f"field {number} needs {length} bytes, {len(raw) - at} are left")
        yield number, wire, raw[at : at + length]
        at += length


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(LONGEST_VARINT):
        if at >= len(raw):
            break
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at
    raise SparkplugError(f"a number does not end at byte {at}")


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])
