"""Tries the test bed itself, as after a change of a pin or of this folder:

python3 tools/testbed/smoke.py     (after set-up; takes about 30 seconds)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

READ_ECS = """
import boto3, sys
ecs = boto3.client("ecs", endpoint_url=sys.argv[1], region_name="eu-west-1",
                   aws_access_key_id="000000000001", aws_secret_access_key="test")
ecs.create_cluster(clusterName="smoke")
print(ecs.describe_clusters(clusters=["smoke"])["clusters"][0]["clusterArn"])
"""


def start(*arguments: str) -> tuple[subprocess.Popen, dict]:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(HERE), "up", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    if not line:
        sys.exit(f"up {' '.join(arguments)} ended with exit code {process.wait()} and told nothing")
    print(f"up {' '.join(arguments)}: ready after {time.monotonic() - began:.1f} s")
    return process, json.loads(line)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def check(what: str, right: bool) -> None:
    print(f"{'ok' if right else 'FAILED'}: {what}")
    if not right:
        sys.exit(1)


def check_gone(told: dict, seconds: float, folder: bool) -> None:
    until = time.monotonic() + seconds
    while any(alive(pid) for pid in told["pids"].values() if pid) and time.monotonic() < until:
        time.sleep(0.05)
    check("every process is gone", not any(alive(pid) for pid in told["pids"].values() if pid))
    if folder:
        check("the folder is gone", not os.path.exists(told["dir"]))


def kubectl(told: dict, *arguments: str, user: str = "kubeconfig") -> str:
    command = [told["kubectl"], "--kubeconfig", told[user], *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    process, told = start("--ministack", "--controller-manager")
    check("the API server is ready", kubectl(told, "get", "--raw", "/readyz") == "ok")
    kubectl(told, "create", "namespace", "smoke")
    if told["pids"]["kube-controller-manager"]:
        began = time.monotonic()
        kubectl(told, "delete", "namespace", "smoke", "--timeout=60s")
        check(f"a namespace is deleted ({time.monotonic() - began:.1f} s)", True)
    who = kubectl(told, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", user="operator_kubeconfig")
    check("the operator has a user of its own", who == "ecs-operator")
    account = [told["kubectl"], "--kubeconfig", told["service_account_kubeconfig"]]
    refused = subprocess.run([*account, "auth", "can-i", "list", "secrets"], stdout=subprocess.PIPE, text=True)
    check("the service account may do nothing yet", refused.stdout.strip() == "no")

    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "smoke", "namespace": "default"},
        "involvedObject": {"kind": "Namespace", "name": "default", "namespace": "default"},
    }
    command = [told["kubectl"], "--kubeconfig", told["operator_kubeconfig"], "create", "-f", "-"]
    subprocess.run(command, input=json.dumps(event), text=True, check=True, stdout=subprocess.DEVNULL)
    lines = [json.loads(line) for line in Path(told["audit_log"]).read_text().splitlines()]
    writers = [line["user"]["username"] for line in lines if line["objectRef"].get("name") == "smoke"]
    check("the audit log tells who wrote", writers == ["ecs-operator"])

    arn = subprocess.run(
        [told["python"], "-c", READ_ECS, told["ecs"]], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    check("boto3 reads a cluster from MiniStack", arn == "arn:aws:ecs:eu-west-1:000000000001:cluster/smoke")

    began = time.monotonic()
    process.stdin.close()
    check("closing standard input ends it with exit code 0", process.wait(30) == 0)
    check_gone(told, 0, folder=True)
    print(f"   (it took {time.monotonic() - began:.1f} s)")

    process, told = start("--only", "ministack")
    process.send_signal(signal.SIGTERM)
    check("SIGTERM ends it with exit code 0", process.wait(30) == 0)
    check_gone(told, 0, folder=True)

    process, told = start("--only", "moto")
    arn = subprocess.run(
        [told["python"], "-c", READ_ECS, told["ecs"]], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    check("boto3 reads a cluster from moto", arn == "arn:aws:ecs:eu-west-1:123456789012:cluster/smoke")
    process.stdin.close()
    check("moto ends with exit code 0", process.wait(30) == 0)
    check_gone(told, 0, folder=True)

    process, told = start("--ministack")
    os.kill(told["pids"]["etcd"], signal.SIGKILL)
    check("a child that dies ends it with exit code 1", process.wait(30) == 1)
    check_gone(told, 0, folder=True)

    if sys.platform.startswith("linux"):
        process, killed = start("--ministack", "--controller-manager")
        process.kill()
        check_gone(killed, 5, folder=False)
        process, told = start("--only", "ministack")
        check("the next run removes the killed one's folder", not os.path.exists(killed["dir"]))
        process.stdin.close()
        process.wait(30)
    print("the test bed works")


if __name__ == "__main__":
    main()
