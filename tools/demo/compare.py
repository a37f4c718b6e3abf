"""Whether live ECS is what a manifest asks for. It uses none of the operator's
code and knows little: each leaf of the manifest must be in ECS's answer."""

from __future__ import annotations

import re

# What is the operator's own in a spec.
OURS = re.compile(r".*(Ref|Policy)|region|revisionHistoryLimit")
# Lists of which ECS keeps no order, by what names an item.
NAMES = ("key", "name", "capacityProvider")


def _amount(text: str) -> str:
    """`0.5 vCPU`, `1 GB`: as ECS counts it, in 1/1024 and in MiB."""
    found = re.fullmatch(r"([0-9]*\.?[0-9]+) ?(vcpu|gb)", text, re.IGNORECASE)
    return str(int(float(found.group(1)) * 1024)) if found else text


def _named(items: list) -> dict | None:
    for name in NAMES:
        if items and all(isinstance(item, dict) and name in item for item in items):
            return {item[name]: item for item in items}
    return None


def differences(asked, live, path: str = "") -> list[str]:
    """Where `live` is not as `asked`, one line each."""
    if isinstance(asked, dict):
        if not isinstance(live, dict):
            return [f"{path} is {live!r}"]
        return [
            line
            for name, value in asked.items()
            if path or not OURS.fullmatch(name)
            for line in differences(value, live.get(name), f"{path}.{name}".lstrip("."))
        ]
    if isinstance(asked, list):
        asked_by_name, live_by_name = _named(asked), _named(live or [])
        if asked_by_name and live_by_name is not None:
            return differences(asked_by_name, live_by_name, path)
        if not isinstance(live, list) or len(asked) != len(live):
            return [f"{path} is {live!r} and should be {asked!r}"]
        pairs = zip(sorted(asked, key=str), sorted(live, key=str))
        return [line for one, other in pairs for line in differences(one, other, path)]
    if asked == live or (path in ("cpu", "memory") and _amount(str(asked)) == _amount(str(live))):
        return []
    return [f"{path} is {live!r} and should be {asked!r}"]
