"""The bytes that records still stand in, while a file is read on."""

from dataclasses import dataclass

from helixnet.engine.formats.encoding import Codec
from helixnet.engine.formats.xml.batch import Spot


@dataclass(slots=True)
class Window:
    """Bytes of UTF-8, and where they begin in the file.

    Args:
        codec: of the file.
        spot: where the data begin.
        data: what is still at hand.
        base: bytes of UTF-8 before the data, as a parser counts them.
    """

    codec: Codec
    spot: Spot
    data: bytes = b""
    base: int = 0

    @property
    def last_tag(self) -> int:
        """Where the last tag begins, which may not be whole yet."""
        return self.base + max(self.data.rfind(b"<"), 0)

    def drop(self, end: int) -> None:
        """Forget what stands before ``end``, counted as the parser does."""
        gone, self.data = self.data[: end - self.base], self.data[end - self.base :]
        self.base = end
        self.spot = self.spot.after(gone, self.codec)
