"""Runnables (LangChain's, or anything with `invoke`, `batch` and `stream`) behind LangServe's HTTP contract."""

from .api import ChainAPI, serve_chain
from .chain import Chain, is_runnable

__all__ = ["Chain", "ChainAPI", "is_runnable", "serve_chain"]
