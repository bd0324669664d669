"""Zstandard frames (RFC 8878), by the library that is Python's own from 3.14 on."""

import sys
from collections.abc import Iterator
from typing import Final

from helixnet.engine.packing.frames import MOST, damaged
from helixnet.errors import RefusedError

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

_WINDOW: Final = 27  # log2 of the memory that a frame may ask for: 128 MiB, as zstd -d allows


class ZstdFrame:
    """A zstd frame; one that is to be skipped holds nothing."""

    def __init__(self) -> None:
        options: dict[int, int] = {DecompressionParameter.window_log_max: _WINDOW}
        self._unpack = ZstdDecompressor(options=options)

    @property
    def ended(self) -> bool:
        """See :class:`Frame`."""
        return self._unpack.eof

    @property
    def rest(self) -> bytes:
        """See :class:`Frame`."""
        return self._unpack.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See :class:`Frame`."""
        while True:
            try:
                plain = self._unpack.decompress(data, MOST)
            except ZstdError as error:
                raise _zstd_fault(error) from error
            if plain:
                yield plain
            data = b""
            if self.ended or self._unpack.needs_input:
                return


def _zstd_fault(error: ZstdError) -> RefusedError:
    if "too much memory" in str(error):
        return RefusedError(
            f"the file is packed with a zstd window over {1 << (_WINDOW - 20)} MiB",
            code="HX-5052",
            hint="pack it without --long, or with --long=27 at most",
        )
    return damaged(str(error))
