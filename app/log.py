"""Log lines: JSON, one event each, with the number of the request they belong to.

Nothing personal is ever handed to a logger; as a second net, a run of eleven digits that
could be a national number is blanked before a line leaves the process.
"""

import logging
import re
import sys
from typing import Any, TextIO

import structlog

# A national number, bare or as people write it: 84022999510, 84.02.29-995.10.
# Not within a UUID, whose last group may be all digits.
INSZ_LIKE = re.compile(
    r"(?<![\w-])\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}(?![\w-])", re.ASCII
)


def configure(stream: TextIO = sys.stderr) -> None:
    """Send structlog and the standard library's logging through the same door."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _blank,
    ]
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, render],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    door = logging.StreamHandler(stream)
    door.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[door], level=logging.WARNING, force=True)


def _blank(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
    return {
        name: INSZ_LIKE.sub("[number]", value) if isinstance(value, str) else value
        for name, value in event.items()
    }
