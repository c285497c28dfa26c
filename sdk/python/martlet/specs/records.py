"""Dictionaries whose keys are attributes too, down to the last one: what hooks get of a JSON request."""

from typing import Any, ClassVar, Dict, Mapping


class Record(Dict[str, Any]):
    """`record.key` is `record["key"]`; a key that is neither there nor in `defaults` raises `AttributeError`."""

    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, *values: Any, **more: Any):
        super().__init__()
        for key, value in {**self.defaults, **dict(*values, **more)}.items():
            self[key] = record(value)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def model_dump(self, exclude_none: bool = False, **_: Any) -> Dict[str, Any]:
        """As plain dictionaries and lists, as pydantic's method of this name."""
        return {key: _plain(value, exclude_none) for key, value in self.items() if not (exclude_none and value is None)}

    def dict(self, **options: Any) -> Dict[str, Any]:
        return self.model_dump(**options)

    def model_copy(self, **_: Any) -> "Record":
        return type(self)(self)


def record(value: Any) -> Any:
    """The same value with every dictionary in it a record."""
    if isinstance(value, Record):
        return value
    if isinstance(value, dict):
        return Record(value)
    if isinstance(value, list):
        return [record(one) for one in value]
    return value


def _plain(value: Any, exclude_none: bool) -> Any:
    if isinstance(value, Record):
        return value.model_dump(exclude_none=exclude_none)
    if isinstance(value, list):
        return [_plain(one, exclude_none) for one in value]
    return value
