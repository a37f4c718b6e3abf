"""Stands in for the AWS CLI where the README is tested: `aws ecs OPERATION
--option VALUE…`, by way of the library that the CLI itself is made of."""

import json
import re
import sys

import boto3
from botocore.config import Config

service, operation, *words = sys.argv[1:]
client = boto3.client(service, config=Config(proxies={}))
called = re.sub("(^|-)(.)", lambda found: found[2].upper(), operation)
shape = client.meta.service_model.operation_model(called).input_shape
arguments: dict = {}
name = ""
for word in words:
    if word.startswith("--"):
        name = re.sub("-(.)", lambda found: found[1].upper(), word[2:])
    elif shape.members[name].type_name == "list":
        arguments.setdefault(name, []).append(word)
    else:
        arguments[name] = word
answer = getattr(client, operation.replace("-", "_"))(**arguments)
answer.pop("ResponseMetadata")
json.dump(answer, sys.stdout, default=str, indent=4)
