"""The page: for each kind its fields as a table, one for each object in it."""

from __future__ import annotations

import re

HEAD = """# API reference

Written by `make docs` from [`crds/`](../crds); `kubectl explain --recursive ecsservice.spec` shows the same.

{index}

A field that is absent is not managed: ECS keeps what it has. What a removed field is reset to, and what Ready means,
is told in the [README](../README.md).
"""


def write(crds: list[dict]) -> str:
    parts = [kind(crd) for crd in crds]
    index = "\n".join(f"- [{name}](#{name.lower()})" for name in (crd["spec"]["names"]["kind"] for crd in crds))
    return HEAD.format(index=index) + "".join(parts)


def kind(crd: dict) -> str:
    names, version = crd["spec"]["names"], crd["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]["properties"]
    columns = [column["name"] for column in version["additionalPrinterColumns"] if not column.get("priority")]
    short = ", ".join(f"`{name}`" for name in names["shortNames"])
    lines = [
        f"\n## {names['kind']}\n",
        f"{text(schema['spec'])}\n",
        f"`apiVersion: {crd['spec']['group']}/{version['name']}`, `kind: {names['kind']}`; short name {short}. "
        f"`kubectl get` shows {', '.join(columns)}.\n",
    ]
    if "scale" in version.get("subresources", {}):
        lines.append("It can be scaled: `kubectl scale --replicas=3 ecsservice/web`.\n")
    lines += objects("spec", schema["spec"], version["schema"]["openAPIV3Schema"])
    lines += objects("status", schema["status"])
    return "\n".join(lines)


def objects(path: str, schema: dict, *others: dict) -> list[str]:
    """The table of an object, then those of the objects in it. `others` have rules about it as well."""
    lines = [f"### {path}\n"]
    described = text(schema)
    if "." in path and described:
        lines.append(f"{described}\n")
    lines += ["| field | type | description |", "|---|---|---|"]
    inner: list[str] = []
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        must = " **Required.**" if name in required else ""
        lines.append(f"| `{name}` | {type_of(field)} | {cell(text(field))}{must} |")
        item, suffix = inside(field)
        if item.get("properties"):
            inner += objects(f"{path}.{name}{suffix}", item)
    lines.append("")
    lines += rules(schema, *others)
    return lines + inner


def inside(field: dict) -> tuple[dict, str]:
    """What a list or a map holds; else the field itself."""
    if field.get("type") == "array":
        return field["items"], "[]"
    if isinstance(field.get("additionalProperties"), dict):
        return field["additionalProperties"], "{}"
    return field, ""


def type_of(field: dict) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "enum" in field:
        return " \\| ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        keys = field.get("x-kubernetes-list-map-keys")
        merged = f", by `{'`, `'.join(keys)}`" if keys else ""
        return f"list of {type_of(field['items'])}{merged}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map of {type_of(field['additionalProperties'])}"
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None and high < 2**31 - 1:
        return f"{field['type']}, {low} to {high}"
    return field.get("type", "any")


def text(schema: dict) -> str:
    return " ".join((schema.get("description") or "").split())


def cell(words: str) -> str:
    return words.replace("|", "\\|")


def rules(schema: dict, *others: dict) -> list[str]:
    """The sentences with which an object is refused, those about its lists too."""
    lists = [field for field in schema["properties"].values() if field.get("type") == "array"]
    messages: list[str] = []
    for place in (schema, *others, *lists):
        for rule in place.get("x-kubernetes-validations", []):
            message = rule.get("message") or template(rule.get("messageExpression", ""))
            if message and message not in messages:
                messages.append(message)
    if not messages:
        return []
    return ["Refused otherwise:\n", *[f"- {cell(message)}" for message in messages], ""]


def template(expression: str) -> str:
    """The message that an expression builds, with … where a value goes; what it is now is left out."""
    parts = [literal(part) for part in summands(expression)]
    message = re.sub("…+", "…", "".join(part if part is not None else "…" for part in parts))
    return re.sub(r":? (it is|they are|see container|see|has|have) '?…'?$", "", message).rstrip(" :'…")


def summands(expression: str) -> list[str]:
    """What is added up at the top level of a CEL expression."""
    parts, depth, quote, start, position = [], 0, "", 0, 0
    while position < len(expression):
        letter = expression[position]
        if quote:
            if letter == "\\":
                position += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "+" and depth == 0:
            parts.append(expression[start:position])
            start = position + 1
        position += 1
    return [*parts, expression[start:]]


def literal(part: str) -> str | None:
    """The text of a string literal; None where it is anything else."""
    part = part.strip()
    if len(part) < 2 or part[0] not in "'\"" or part[-1] != part[0]:
        return None
    return re.sub(r"\\(.)", r"\1", part[1:-1])
