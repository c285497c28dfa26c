"""Runnables (LangChain's, or anything with `invoke`, `batch` and `stream`) behind LangServe's HTTP contract."""

from .api import ChainAPI, loose, serve_chain, served
from .chain import Chain, is_runnable

__all__ = ["Chain", "ChainAPI", "is_runnable", "loose", "serve_chain", "served"]
