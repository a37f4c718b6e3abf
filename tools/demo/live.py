"""ECS by way of boto3, AWS's own library: the operator has no part in it.

Runs in the environment that the test bed installs. A line of JSON in is a
call, a line of JSON out is its answer."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# No proxy of the caller's stands between us and this machine.
ecs = boto3.client("ecs", config=Config(proxies={}, retries={"total_max_attempts": 1}))

for line in sys.stdin:
    call = json.loads(line)
    try:
        answer = getattr(ecs, call["operation"])(**call["arguments"])
        answer.pop("ResponseMetadata", None)
        reply = {"answer": answer}
    except (BotoCoreError, ClientError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        reply = {"error": str(error), "code": code}
    print(json.dumps(reply, default=str), flush=True)
