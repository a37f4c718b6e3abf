"""`up`: starts the programs, tells where they are, ends them with itself.

It prints one line of JSON, when all is ready. What was not asked for is null.

kubeconfig                  of a user who may do everything ("admin")
operator_kubeconfig         the same rights, but of the user "ecs-operator", so
                            that the audit log tells its writes from a test's
service_account_kubeconfig  of the operator's service account (namespace and
                            name ecs-operator): it may do what RBAC grants it
server, token, ca           the API server's address, the admin's token, the
                            file with the certificate to trust
audit_log                   one line of JSON for each write to an object of the
                            group ecs-operator.dev and for each event
ecs                         the address of what answers as Amazon ECS: of the
                            simulator, MiniStack or moto
python                      a Python that has boto3
kubectl                     a kubectl
dir                         where the logs (NAME.log) are, until the end
pids                        the process of each program; null where Go was not
                            there to build kube-controller-manager

To end it, close its standard input or send SIGTERM. A caller that dies closes
it too, so nothing is left running whatever happens to the caller.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import emulator
import layout
import simulator
from children import Children
from cluster import OPERATOR_ACCOUNT, Cluster

PREFIX = "ecs-operator-testbed-"
CHECK_SECONDS = 0.5


class Stopped(Exception):
    """A signal asked us to end."""


def _on_signal(number, _frame) -> None:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # we are ending: once is enough
    raise Stopped


@contextlib.contextmanager
def work_folder():
    """A temporary folder, removed at the end. Its lock is held as long as this
    process lives, so a later run can remove what a killed one left behind."""
    base = Path(tempfile.gettempdir())
    for old in base.glob(PREFIX + "*"):
        with contextlib.suppress(OSError), open(old / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
    making = Path(tempfile.mkdtemp(prefix="making-" + PREFIX))
    with open(making / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Takes its name only now that it is locked: no other run removes it.
        folder = making.rename(base / making.name[len("making-") :])
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def wait_for_the_end(children: Children) -> None:
    """Returns when standard input is closed, which also happens when the
    process that started us dies; raises when a child ends by itself."""
    while True:
        readable, _, _ = select.select([0], [], [], CHECK_SECONDS)
        if readable and not os.read(0, 65536):
            return
        children.check()


def start(arguments: argparse.Namespace, folder: Path, children: Children) -> dict:
    """Starts what is asked for and returns what a test has to know."""
    python, kubectl = layout.venv_python(), layout.program("kubectl")
    told = {
        "kubeconfig": None,
        "operator_kubeconfig": None,
        "service_account_kubeconfig": None,
        "server": None,
        "token": None,
        "ca": None,
        "audit_log": None,
        "ecs": None,
        "python": python and str(python),
        "kubectl": kubectl and str(kubectl),
        "dir": str(folder),
        "pids": {},
    }
    if arguments.ecs_sim or arguments.only == "ecs-sim":
        told["ecs"] = simulator.start(folder, children, arguments.speed, arguments.seed)
    elif arguments.ministack or arguments.only == "ministack":
        told["ecs"] = emulator.start(folder, children, dict(arguments.ministack_env))
    elif arguments.only == "moto":
        told["ecs"] = emulator.start_moto(folder, children)
    no_controllers = False
    if arguments.only in (None, "kubernetes"):
        no_controllers = arguments.controller_manager and layout.program("kube-controller-manager") is None
        if no_controllers:
            print("kube-controller-manager is not there (it is built where Go is): started without it", file=sys.stderr)
        cluster = Cluster(folder, children)
        cluster.start(arguments.controller_manager and not no_controllers)
        told.update(
            kubeconfig=str(cluster.kubeconfig("admin")),
            operator_kubeconfig=str(cluster.kubeconfig("ecs-operator")),
            service_account_kubeconfig=str(cluster.kubeconfig(OPERATOR_ACCOUNT)),
            server=cluster.server,
            token=cluster.tokens["admin"],
            ca=str(cluster.ca),
            audit_log=str(cluster.audit_log),
        )
    told["pids"] = children.pids()
    if no_controllers:
        told["pids"]["kube-controller-manager"] = None
    return told


def up(arguments: argparse.Namespace) -> int:
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, _on_signal)
    try:
        with work_folder() as folder:
            children = Children(folder)
            try:
                told = start(arguments, folder, children)
                print(json.dumps(told), flush=True)
                wait_for_the_end(children)
            finally:
                children.end()
    except Stopped:
        pass
    return 0
