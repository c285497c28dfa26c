"""Serve models of your own with Martlet: batched, streamed, stopped when nobody listens."""

from ._version import __version__
from .answers import Response
from .asgi import ASGIApplication
from .callbacks import Callback
from .chains import serve_chain
from .client import HTTPClient
from .context import Context, ContextList
from .errors import HTTPException, RequestCancelled
from .forms import Form, Upload
from .litapi import LitAPI
from .litserver import LitServer
from .loggers import Logger
from .pipeline import Pipeline
from .specs import ChatMessage, OpenAIEmbeddingSpec, OpenAISpec
from .tasks import SoftTimeLimitExceeded, TaskCall, TaskContext, TaskIgnored, TaskRejected, TaskRetry, task
from .wsgi import WSGIApplication

__all__ = [
    "ASGIApplication",
    "Callback",
    "ChatMessage",
    "Context",
    "ContextList",
    "Form",
    "HTTPClient",
    "HTTPException",
    "LitAPI",
    "LitServer",
    "Logger",
    "OpenAIEmbeddingSpec",
    "OpenAISpec",
    "Pipeline",
    "RequestCancelled",
    "Response",
    "SoftTimeLimitExceeded",
    "TaskCall",
    "TaskContext",
    "TaskIgnored",
    "TaskRejected",
    "TaskRetry",
    "Upload",
    "WSGIApplication",
    "__version__",
    "serve_chain",
    "task",
]
