"""What a Celery app says of itself, as Martlet is told it."""

import datetime
import os
from typing import Any, Dict, List, NamedTuple, Optional


class CeleryOptions(NamedTuple):
    """What `martlet worker` was told, for its processes."""

    hostname: str = ""
    """The worker's node name."""
    broker: str = ""
    """Instead of the app's own."""
    other_broker: str = ""
    """For an app that has none."""
    log_level: str = "INFO"

    @classmethod
    def from_environment(cls) -> "CeleryOptions":
        return cls(
            hostname=os.environ.get("MARTLET_TASK_NODE", ""),
            broker=os.environ.get("MARTLET_TASK_BROKER", ""),
            other_broker=os.environ.get("MARTLET_TASK_OTHER_BROKER", ""),
            log_level=os.environ.get("MARTLET_TASK_LOG") or "INFO",
        )


def described(task: Any) -> Dict[str, Any]:
    """One task."""
    return {
        "name": task.name,
        "rate_limit": task.rate_limit if task.rate_limit is None else str(task.rate_limit),
        "time_limit": _seconds(task.time_limit),
        "soft_time_limit": _seconds(task.soft_time_limit),
        "max_retries": task.max_retries,
        "retry_delay": _seconds(task.default_retry_delay) or 0.0,
        "ignore_result": bool(task.ignore_result),
        "store_errors": bool(task.store_errors_even_if_ignored),
        "track_started": bool(task.track_started),
        "acks_late": bool(task.acks_late),
        "reject_on_worker_lost": bool(task.reject_on_worker_lost),
        "acks_on_timeout": bool(getattr(task, "acks_on_timeout", getattr(task, "acks_on_failure_or_timeout", True))),
        "settles": True,
    }


def settings(app: Any) -> Dict[str, Any]:
    """What a worker must know of the whole app."""
    conf = app.conf
    return {
        "kind": "celery",
        "broker_url": _broker(conf),
        "broker_options": _plain(dict(conf.broker_transport_options or {})),
        "result_backend": _address(conf.result_backend),
        "queues": queues(app),
        "default_queue": str(conf.task_default_queue),
        "result_expires": _seconds(conf.result_expires),
        "send_task_events": bool(conf.worker_send_task_events),
        "concurrency": _count(conf.worker_concurrency),
        "max_tasks_per_child": _count(conf.worker_max_tasks_per_child),
        "max_memory_per_child": _count(conf.worker_max_memory_per_child),
        "conf": _conf(app),
    }


def queues(app: Any) -> List[Dict[str, Any]]:
    """Those that the app's own worker would take from, in order."""
    return [
        {
            "name": queue.name,
            "exchange": getattr(queue.exchange, "name", "") or "",
            "exchange_type": getattr(queue.exchange, "type", "direct") or "direct",
            "routing_key": queue.routing_key or queue.name,
        }
        for queue in app.amqp.queues.consume_from.values()
    ]


def _broker(conf: Any) -> str:
    """The first address of those that it may try."""
    wanted = _address(conf.broker_read_url or conf.broker_url)
    return wanted.split(";")[0]


def _address(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""


def _seconds(value: Any) -> Optional[float]:
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return None if value is None else float(value)


def _count(value: Any) -> Optional[int]:
    """None for what is no count, such as `auto`."""
    try:
        return int(value) or None
    except (TypeError, ValueError):
        return None


def _conf(app: Any) -> Dict[str, Any]:
    """As Celery's `inspect conf` answers it, without secrets: a worker adds the modules that tasks came from."""
    stated = app.conf.table(with_defaults=False)
    told = {name: _plain(value) for name, value in stated.items() if not name.startswith("__")}
    told["include"] = sorted({*app.conf.include, *(type(task).__module__ for task in app.tasks.values())})
    return told


def _plain(value: Any) -> Any:
    """The part of a value that JSON can say, all else as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(one) for one in value]
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return repr(value)
