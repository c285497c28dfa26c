"""Shapes of requests and answers that clients already know."""

from .base import Spec
from .openai import ChatMessage, OpenAISpec
from .openai_embedding import OpenAIEmbeddingSpec

__all__ = ["ChatMessage", "OpenAIEmbeddingSpec", "OpenAISpec", "Spec"]
