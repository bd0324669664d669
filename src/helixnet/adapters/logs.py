"""Logs on standard error: people's text on a terminal, one JSON object a line otherwise.

A log line says what happened to which job; it never holds a payload, a token or a key.
"""

import logging
import sys
import time
from typing import Final

import structlog
from structlog.typing import Processor

from helixnet.errors import UsageError

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS: Final = ("auto", "text", "json")


REPEAT_SECONDS: Final = 30.0  # a library that says the same again and again is heard this often
_REMEMBERED: Final = 256


class _Forward(logging.Handler):
    """Gives what libraries log the same shape, and lets none of them flood the log."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, with its error if it has one; not what was said a moment ago."""
        said, now = (record.name, record.getMessage()), time.monotonic()
        if now - self._said.get(said, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return
        self._said.pop(said, None)
        self._said[said] = now
        while len(self._said) > _REMEMBERED:
            del self._said[next(iter(self._said))]
        logger = structlog.get_logger()
        told = {"logger": record.name, "exc_info": record.exc_info}
        logger.log(record.levelno, record.getMessage(), **told)


def configure(*, level: str, style: str) -> bool:
    """Set up logging for this process; say whether it writes text for people.

    Args:
        level: one of :data:`LEVELS`; libraries are heard from warning on.
        style: one of :data:`FORMATS`.

    Raises:
        UsageError: a name is unknown.
    """
    if level not in LEVELS:
        raise UsageError(f"log level {level!r} is none of {', '.join(LEVELS)}")
    if style not in FORMATS:
        raise UsageError(f"log format {style!r} is none of {', '.join(FORMATS)}")
    text = style == "text" or (style == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_rendering(text=text),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.root.handlers = [_Forward()]
    logging.root.setLevel(max(LEVELS[level], logging.WARNING))
    return text


def _rendering(*, text: bool) -> list[Processor]:
    if text:
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    # The values of local variables may be payloads or tokens: they stay out.
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        structlog.processors.ExceptionRenderer(frames),
        structlog.processors.EventRenamer("event"),
        structlog.processors.JSONRenderer(),
    ]
