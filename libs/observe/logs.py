"""JSON lines for machines, pretty ones on a terminal; every record has an `action`."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, cast

import structlog
from structlog.typing import FilteringBoundLogger

Log = FilteringBoundLogger
_SECRET = re.compile(r"://[^@/\s]*@")


def set_up_logs(service: str, level: str = "INFO") -> None:
    """Send everything, libraries included, to stderr in one form."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)

    def named(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service  # not a context variable: threads have contexts of their own
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        named,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    pretty = sys.stderr.isatty()
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a captured or reconfigured log must reach every module
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _action_first, render],
        )
    )
    logging.basicConfig(level=number, handlers=[handler], force=True)


def get_log() -> Log:
    """The logger; call it as `log.info("segment_closed", camera_id=…)`: the first word is the `action`."""
    return cast(Log, structlog.get_logger())


def _without_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Passwords in addresses never reach a log."""
    for key, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[key] = _SECRET.sub("://…@", value)
    return event


def _action_first(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """`event` means a fact in this house; a log line has an `action`."""
    return {"action": event.pop("event", ""), **event}
