"""A Celery app as it is: each message goes through Celery's own tracer, which runs the task, stores its result, and
publishes what follows. Martlet takes messages, keeps time and acknowledges.

Celery is imported from where the app's file imports it: 5.4 to 5.7.
"""

import logging
import os
import signal
import time
from typing import Any, Dict, List, Optional

from ..request import DONE, Request
from .celery_facts import CeleryOptions, described, settings
from .limits import SoftLimit
from .message import TaskMessage
from .reply import TRACEBACK_LIMIT, Reply, failure

NODE = "celery@localhost"


class CeleryApp:
    """One app, in a process that runs one task at a time."""

    def __init__(self, app: Any, options: Optional[CeleryOptions] = None):
        self._app = app
        self._options = options or CeleryOptions.from_environment()
        self._hostname = self._options.hostname or NODE
        broker = self._options.broker or (self._options.other_broker if not app.conf.broker_url else "")
        if broker:
            # As `celery -b` says it; the app's own settings come after these.
            for name in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
                os.environ[name] = broker
        self._accept: Any = None
        self._places = {"app": app, "loader": app.loader, "hostname": self._hostname}

    def knows(self, name: str) -> bool:
        return name in self._app.tasks

    # What Martlet is told before anything runs.

    def tasks(self) -> List[Dict[str, Any]]:
        self._finalize()
        return [described(task) for _, task in sorted(self._app.tasks.items())]

    def settings(self) -> Dict[str, Any]:
        self._finalize()
        return settings(self._app)

    def _finalize(self) -> None:
        app = self._app
        app.set_current()
        app.loader.import_default_modules()
        app.finalize()

    # The life of a process that runs tasks: Celery's own order of things.

    def open(self) -> None:
        """As a process of Celery's pool is begun, with the signals of the worker before those of the process."""
        from celery import signals
        from celery._state import _set_task_join_will_block
        from celery.app import trace
        from kombu.serialization import prepare_accept_content

        app, hostname = self._app, self._hostname
        _set_task_join_will_block(True)
        app.set_current()
        app.set_default()
        app.loader.init_worker()
        worker = WorkerFacts(app, hostname)
        signals.celeryd_init.send(sender=hostname, instance=worker, conf=app.conf, options={})
        signals.worker_init.send(sender=worker)
        app.loader.init_worker_process()
        level = getattr(logging, self._options.log_level.upper(), logging.INFO)
        app.log.setup(level, redirect_stdouts=False, colorize=False, hostname=hostname)
        trace.setup_worker_optimizations(app, hostname)
        for name, task in app.tasks.items():
            task.__trace__ = trace.build_tracer(name, task, app.loader, hostname, app=app)
        self._accept = prepare_accept_content(app.conf.accept_content)
        signals.worker_process_init.send(sender=hostname)

    def close(self) -> None:
        from celery import signals

        signals.worker_process_shutdown.send(sender=self._hostname, pid=os.getpid(), exitcode=0)

    # Runs.

    def run(self, message: TaskMessage, request: Request, reply: Reply, soft: Optional[float]) -> Dict[str, Any]:
        """The outcome of one run, whose result is stored already. A run that nobody wants any more ends this process:
        an exception could leave the app's connections in the middle of an answer."""
        request.on_cancel = lambda: _end_with(request)
        if request.cancelled:
            _end_with(request)
        began = time.monotonic()
        try:
            celery = self._celery_request(message)
        except Exception as error:
            # Celery's books have not been opened: Martlet stores this.
            return {"state": "FAILURE", "runtime": 0.0, **failure(error)}
        return self._trace(celery, soft, began)

    def _celery_request(self, message: TaskMessage) -> Any:
        """Celery's own request for the message, made as its worker makes it. Raises what is wrong with the message."""
        from celery.worker.request import Request as CeleryRequest
        from celery.worker.strategy import hybrid_to_proto2, proto1_to_proto2
        from kombu.message import Message

        app, properties = self._app, message.properties
        received = Message(
            body=message.body(),
            delivery_tag=properties.get("delivery_tag"),
            content_type=message.content_type,
            content_encoding=message.content_encoding,
            delivery_info=properties.get("delivery_info"),
            properties=properties,
            headers=message.headers,
            accept=self._accept,
        )
        if received.errors:
            received._reraise_error()
        body, headers, decoded, utc = received.body, received.headers, False, True
        if not headers.get("task"):
            body, headers, decoded, utc = proto1_to_proto2(received, received.payload)
        elif isinstance(received.payload, dict) and "args" in received.payload:
            body, headers, decoded, utc = hybrid_to_proto2(received, received.payload)
        return CeleryRequest(
            received,
            app=app,
            hostname=self._hostname,
            task=app.tasks[message.name],
            body=body,
            headers=headers,
            decoded=decoded,
            utc=utc,
        )

    def _trace(self, celery: Any, soft: Optional[float], began: float) -> Dict[str, Any]:
        from celery.app.trace import trace_task
        from celery.exceptions import Reject, SoftTimeLimitExceeded

        task = celery.task
        if soft is None:
            soft = celery.time_limits[1] or task.soft_time_limit
        arguments, named, embed = celery._payload
        told = celery.request_dict
        told.update({"is_eager": False}, **embed or {})
        try:
            with SoftLimit(soft, SoftTimeLimitExceeded):
                value, info, runtime, text = trace_task(task, celery.id, arguments, named, told, **self._places)
        except Reject as reject:
            return self._rejected(celery, reject, None)
        spent = time.monotonic() - began
        if info is None:
            return {"settled": True, "state": "SUCCESS", "result": text or "None", "runtime": runtime or spent}
        if info.state == "REJECTED":
            return self._rejected(celery, info.retval, value)
        outcome = {"settled": True, "state": info.state, "runtime": spent, "exception": "", "traceback": ""}
        if info.state != "IGNORED":
            error = (info.retval.exc if info.state == "RETRY" else None) or info.retval
            outcome["exception"] = _text(error)
            outcome["traceback"] = str(getattr(value, "traceback", "") or "")[-TRACEBACK_LIMIT:]
        return outcome

    def _rejected(self, celery: Any, reject: Any, einfo: Any) -> Dict[str, Any]:
        """What becomes of the message is Martlet's to do; what Celery's worker does besides, its request does here."""
        requeue = bool(getattr(reject, "requeue", False))
        if einfo is not None:
            celery.on_failure(einfo, send_failed_event=False)
        state = "REQUEUED" if requeue else "REJECTED"
        reason = _text(getattr(reject, "reason", None) or reject)
        return {"settled": True, "state": state, "runtime": 0.0, "exception": reason, "traceback": ""}


class WorkerFacts:
    """The sender of `worker_init`: what handlers read of a worker."""

    def __init__(self, app: Any, hostname: str):
        self.app = app
        self.hostname = hostname
        self.pid = os.getpid()

    def __repr__(self) -> str:
        return f"<worker {self.hostname}>"


def _end_with(request: Request) -> None:
    """Ends the process while it runs the task of this request, and no other."""
    with request.serving.lock:
        if request.state != DONE:
            os.kill(os.getpid(), signal.SIGKILL)


def _text(error: Any) -> str:
    from kombu.utils.encoding import safe_repr

    return str(safe_repr(error))
