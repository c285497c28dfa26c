"""Which endpoints a runnable has."""

from typing import Dict, Optional, Sequence, Tuple

ENDPOINTS: Dict[str, Tuple[str, ...]] = {
    "invoke": ("POST",),
    "batch": ("POST",),
    "stream": ("POST",),
    "stream_log": ("POST",),
    "stream_events": ("POST",),
    "input_schema": ("GET",),
    "output_schema": ("GET",),
    "config_schema": ("GET",),
    "playground": ("GET",),
    "feedback": ("POST", "HEAD"),
    "token_feedback": ("POST",),
    "public_trace_link": ("PUT", "HEAD"),
}
"""Every endpoint and its methods."""
CHOOSABLE = {*ENDPOINTS, "config_hashes"} - {"token_feedback"}
ALWAYS = ("feedback", "token_feedback", "public_trace_link")


def endpoints(enabled: Optional[Sequence[str]], disabled: Optional[Sequence[str]]) -> Dict[str, Tuple[str, ...]]:
    """Those that are served. Raises `ValueError`."""
    if enabled is not None and disabled is not None:
        raise ValueError("enabled_endpoints and disabled_endpoints exclude each other")
    unknown = {*(enabled or ()), *(disabled or ())} - CHOOSABLE
    if unknown:
        raise ValueError(f"there are no endpoints {', '.join(sorted(unknown))}; there are {', '.join(CHOOSABLE)}")
    return {
        name: methods
        for name, methods in ENDPOINTS.items()
        if name in ALWAYS or (name not in (disabled or ()) and (enabled is None or name in enabled))
    }
