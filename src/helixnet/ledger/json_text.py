"""JSON in text columns: numbers stay exact, and both databases store the same text."""

from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Dialect, Text, TypeDecorator

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def pack(value: object) -> str:
    """Return a value as JSON text; Decimals are written as the numbers that they are."""
    return _encoder.encode(value).decode()


def unpack(value: str) -> Any:
    """Return the value of a JSON text; fractions come as Decimal."""
    return _decoder.decode(value)


class Json(TypeDecorator[Any]):
    """A JSON value as text: numbers stay exact and both databases store the same bytes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write a value."""
        del dialect
        return None if value is None else pack(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Read a value."""
        del dialect
        return None if value is None else unpack(value)
