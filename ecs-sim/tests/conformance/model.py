"""Judges calls and answers by botocore's model of Amazon ECS.

Reads JSON, one call a line: operation, input, and answer or error. Prints a
line for each member that the model does not know or that has another type or
value, each input that an SDK would not send, and each exception that the
operation does not have.
"""

from __future__ import annotations

import json
import sys

import botocore.session
from botocore.validate import ParamValidator

TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "structure": dict,
    "map": dict,
    "list": list,
}
# Documented in the developer guide, and missing in the model.
DOCUMENTED = {"PRE_PRODUCTION_TRAFFIC_SHIFT"}
# What any operation may answer.
COMMON = {"AccessDeniedException", "ThrottlingException", "SerializationException"}


def differences(shape, value, at: str):
    if value is None or getattr(shape, "is_document_type", False):
        return
    wanted = TYPES[shape.type_name]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{at} is {value!r}, and should be of the type {shape.type_name}"
    elif shape.type_name == "structure":
        for name, member in value.items():
            if name in shape.members:
                yield from differences(shape.members[name], member, f"{at}.{name}")
            else:
                yield f"{at}.{name} is not in the model"
    elif shape.type_name == "list":
        for member in value:
            yield from differences(shape.member, member, f"{at}[]")
    elif shape.type_name == "map":
        for member in value.values():
            yield from differences(shape.value, member, f"{at}{{}}")
    elif getattr(shape, "enum", None) and value not in {*shape.enum, *DOCUMENTED}:
        yield f"{at} is {value!r}, which is none of {', '.join(shape.enum)}"


def judged(model, call: dict):
    operation = model.operation_model(call["operation"])
    if call["error"]:
        known = {error.name for error in operation.error_shapes} | COMMON
        if call["error"] not in known:
            yield f"{operation.name} has no {call['error']}"
        return
    report = ParamValidator().validate(call["input"], operation.input_shape)
    if report.has_errors():
        yield f"{operation.name}: {report.generate_report()}"
    yield from differences(operation.output_shape, call["answer"], operation.name)


def main() -> None:
    model = botocore.session.get_session().get_service_model("ecs")
    found: dict[str, int] = {}
    for line in sys.stdin:
        for words in judged(model, json.loads(line)):
            found[words] = found.get(words, 0) + 1
    for words, times in sorted(found.items()):
        print(f"{words} ({times} times)")


if __name__ == "__main__":
    main()
