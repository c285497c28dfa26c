"""What a runnable takes, gives and may be told: JSON Schemas, and inputs read by them.

A runnable says it by `get_input_schema(config)` and its like, which make pydantic models. One that says nothing takes
and gives anything.
"""

import json
from typing import Any, Dict, Mapping, Optional

from .. import log
from ..errors import HTTPException
from . import refusals
from .configuration import Config
from .encoding import encode

_KEPT = 64
"""How many configurations' models are remembered: making one costs milliseconds."""


class UserType:
    """A pydantic model that derives from it too reaches the runnable as an object, not as a dictionary."""


class Schemas:
    """The models of one runnable, made once for each configuration that changes them."""

    def __init__(self, runnable: Any):
        self._runnable = runnable
        self._models: Dict[str, Any] = {}

    def model(self, side: str, config: Config) -> Optional[Any]:
        """The pydantic model of `input` or `output`; None where anything goes."""
        configurable = config.get("configurable") or {}
        key = side + json.dumps(configurable, default=repr, sort_keys=True)
        if key not in self._models:
            if len(self._models) >= _KEPT:
                self._models.clear()
            self._models[key] = self._make(side, {"configurable": configurable} if configurable else {})
        return self._models[key]

    def _make(self, side: str, config: Config) -> Optional[Any]:
        make = getattr(self._runnable, f"get_{side}_schema", None)
        if make is None:
            return None
        try:
            return make(config)
        except Exception as error:
            log.error(f"the {side} schema of {self._runnable!r} cannot be made: anything goes", error)
            return None

    def json(self, side: str, config: Config) -> Any:
        model = self.model(side, config)
        return model.model_json_schema() if model is not None else {}

    def configuration(self, config: Config, keys: Any) -> Any:
        make = getattr(self._runnable, "config_schema", None)
        if make is None:
            return {}
        bound = self._runnable.with_config(config) if config else self._runnable
        return bound.config_schema(include=[key for key in keys if key != "configurable"]).model_json_schema()

    def read(self, value: Any, config: Config, where: Any = ()) -> Any:
        """A client's input as the runnable takes it. Raises `HTTPException` 422."""
        model = self.model("input", config)
        if model is None:
            return value
        try:
            return unpacked(model.model_validate(value))
        except ValueError as error:
            raise refusals.not_validated(error, where) from None
        except TypeError as error:
            raise HTTPException(422, [{"type": "type_error", "loc": list(where), "msg": str(error)}]) from None

    def shaped(self, value: Any, config: Config) -> Any:
        """An output as its declared type says it; one that does not fit goes out as it is."""
        model = self.model("output", config)
        if model is None:
            return value
        # A prompt's value is declared as another class than the one it has, of the same JSON.
        for as_json in (False, True):
            try:
                return unpacked(model.model_validate(json.loads(encode(value)) if as_json else value))
            except (ValueError, TypeError):
                pass
        return value


def unpacked(value: Any) -> Any:
    """What a validated model holds: the value of one around a single value, the fields of others. LangChain's own
    objects stay as they are."""
    fields: Optional[Mapping[str, Any]] = getattr(type(value), "model_fields", None)
    if fields is None or isinstance(value, UserType) or hasattr(value, "is_lc_serializable"):
        return value
    if getattr(value, "__pydantic_root_model__", False):
        return value.root
    return {name: unpacked(getattr(value, name)) for name in fields}
