"""The configuration of a run: what the path and the body ask for, what the server allows, what it adds."""

import inspect
import json
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from .. import __version__
from ..errors import HTTPException
from . import refusals
from .lzstring import decompress

Config = Dict[str, Any]
Modifier = Callable[[Config, Any], Any]
"""Called with the configuration and the HTTP request; gives the configuration to use, or a coroutine of it."""


def of_hash(text: Optional[str]) -> Config:
    """The configuration that a path carries. Raises `HTTPException` 400."""
    if not text:
        return {}
    try:
        found = json.loads(decompress(text))
    except ValueError:
        raise refusals.invalid_hash() from None
    if not isinstance(found, dict):
        raise refusals.invalid_hash()
    return found


def allowed(runnable: Any, config: Mapping[str, Any], keys: Sequence[str]) -> Config:
    """The part of a client's configuration that `keys` let through, as the runnable's own schema reads it.

    Raises `HTTPException` 422 where a value does not fit, or where `configurable` is there and not allowed.
    """
    if "configurable" in config and "configurable" not in keys and getattr(runnable, "config_specs", None):
        raise HTTPException(422, "The server does not allow `configurable`; its `config_keys` may name it")
    chosen = {key: value for key, value in config.items() if key in keys}
    if not chosen or not hasattr(runnable, "config_schema"):
        return chosen
    model = runnable.config_schema(include=[key for key in keys if key != "configurable"])
    try:
        found: Config = model.model_validate(chosen).model_dump(exclude_unset=True)
    except ValueError as error:
        raise refusals.not_validated(error) from None
    return {key: value for key, value in found.items() if key in chosen}


def merged(*configs: Mapping[str, Any]) -> Config:
    """Later ones win; tags are united and sorted, `metadata` and `configurable` merged key by key."""
    whole: Config = {}
    for config in configs:
        for key, value in config.items():
            if key == "tags":
                whole[key] = sorted({*whole.get(key, ()), *(value or ())})
            elif key in ("metadata", "configurable"):
                whole[key] = {**whole.get(key, {}), **(value or {})}
            else:
                whole[key] = value
    return whole


async def modified(config: Config, modifier: Optional[Modifier], request: Any) -> Config:
    """What the server's own hook makes of it. `request` is called for the request, only where there is a hook."""
    if modifier is None:
        return config
    found = modifier(config, request())
    return dict(await found if inspect.isawaitable(found) else found)


def forced(config: Config, name: str, endpoint: str, agent: str) -> Config:
    """With what only the server says: the run's name, its id where the client could not choose it, who asked for what.

    LangServe's names of the three keys stay, because tracing tools look for them.
    """
    said = {"__useragent": agent, "__langserve_version": f"martlet {__version__}", "__langserve_endpoint": endpoint}
    whole = {**config, "run_name": name, "metadata": {**(config.get("metadata") or {}), **said}}
    if not whole.get("run_id"):
        whole["run_id"] = uuid.uuid4()
    return whole


def each(configs: Any, count: int) -> List[Mapping[str, Any]]:
    """One configuration for each of `count` inputs. Raises `HTTPException` 422."""
    if configs is None:
        configs = {}
    if isinstance(configs, dict):
        # An id is one run's: the first has it.
        others = {key: value for key, value in configs.items() if key != "run_id"}
        return [configs if number == 0 else others for number in range(count)]
    if not isinstance(configs, list) or not all(isinstance(one, dict) for one in configs):
        raise refusals.wrong("dict_type", ["config"], "Input should be a valid dictionary or a list of them", configs)
    if len(configs) != count:
        raise HTTPException(422, f"Number of configs ({len(configs)}) must match number of inputs ({count})")
    return configs
