"""What FastStream says, from warning on, through our own logs."""

import logging
from typing import Any, Final

import structlog

log = structlog.get_logger()
_KNOWN: Final = "Auto create topics is disabled"  # we mean it so; it is said at every start


class KafkaLog:
    """See ``faststream.LoggerProto``: FastStream logs each record that it handles, we never do."""

    def log(
        self,
        level: int,
        msg: Any,
        /,
        *,
        exc_info: Any = None,
        extra: Any = None,
    ) -> None:
        """Pass on what people should know."""
        if level < logging.WARNING or str(msg).startswith(_KNOWN):
            return
        where = {name: extra.get(name) for name in ("topic", "group_id")} if extra else {}
        log.log(level, "kafka client", said=str(msg), error=repr(exc_info or ""), **where)
