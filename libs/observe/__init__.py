"""What a service shows of itself: JSON logs, health and metrics."""

from libs.observe.announce import announce
from libs.observe.health import Health, serve_health
from libs.observe.logs import Log, get_log, set_up_logs
from libs.observe.process import stop_on_sigterm
from libs.observe.settings import ObserveSettings

__all__ = ["Health", "Log", "ObserveSettings", "announce", "get_log", "serve_health", "set_up_logs", "stop_on_sigterm"]
