"""The programs that the test bed starts: each has its log, none outlives us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

from layout import Failure

START_TRIES = 5
READY_SECONDS = 90
# What the Kubernetes programs hold is thrown away anyway, and an API server
# with an open watch would take a minute to end.
END_SECONDS = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None
_PR_SET_PDEATHSIG = 1


_US = os.getpid()


def pre_exec() -> None:
    """Runs in a child just before its program: asks Linux to kill it when
    this process dies, even by SIGKILL. Elsewhere only the orderly ends work."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != _US:  # too late: we are gone already
            os._exit(1)


def end_groups(processes: list[tuple[subprocess.Popen, float]]) -> None:
    """Ends children that each lead a session, and what they started: asks all
    of them first, so that they end side by side, and insists after the seconds
    given for each."""
    alive = [(process, seconds) for process, seconds in processes if process.poll() is None]
    for process, _ in alive:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    asked = time.monotonic()
    for process, seconds in alive:
        try:
            process.wait(max(0.01, asked + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def bare_environment(_port: int, home: Path | None = None) -> dict[str, str]:
    """An environment without anything of the caller's that could steer a
    child: proxies, ETCD_*, AWS_*, PYTHON*…"""
    place = str(home or tempfile.gettempdir())
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": place, "TMPDIR": place}


def free_port() -> int:
    """A port of 127.0.0.1 that is free now. It is drawn from below the range
    that systems take for outgoing connections, so that none of those can come
    between; another process still can, hence `Children.start` tries again."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


class Child:
    def __init__(self, name: str, command: list[str], log: Path, environment: dict[str, str]):
        self.name = name
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                command,
                env=environment,
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us only, and we end them in order
                preexec_fn=pre_exec,
            )

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def died(self) -> Failure:
        code = self.process.poll()
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        return Failure(f"--- the last lines of {self.name}'s log:\n{self.tail()}\n---\n{self.name} {how} too early.")

    def port_was_taken(self) -> bool:
        return "already in use" in self.log.read_text(errors="replace").lower()


class Children:
    """All children of one run, ended in the reverse order of their start."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.running: list[Child] = []
        self.end_seconds: dict[str, float] = {}

    def start(
        self,
        name: str,
        command_for: Callable[[int], list[str]],
        ready: Callable[[int], bool],
        environment_for: Callable[[int], dict[str, str]] = bare_environment,
    ) -> int:
        """Starts a program on a free port, waits until `ready` says so, and
        returns the port. Another port is tried when somebody was faster."""
        for _ in range(START_TRIES):
            port = free_port()
            child = Child(name, command_for(port), self.folder / f"{name}.log", environment_for(port))
            self.running.append(child)
            give_up = time.monotonic() + READY_SECONDS
            while child.process.poll() is None:
                if ready(port) and child.process.poll() is None:
                    return port
                if time.monotonic() > give_up:
                    raise Failure(f"--- the last lines of {name}'s log:\n{child.tail()}\n---\n{name} was not ready after {READY_SECONDS} seconds.")
                time.sleep(0.05)
            if not child.port_was_taken():
                raise child.died()
            self.running.remove(child)
        raise Failure(f"{name} found each of {START_TRIES} ports taken by other processes.")

    def check(self) -> None:
        """Raises when a child has ended by itself."""
        for child in self.running:
            if child.process.poll() is not None:
                raise child.died()

    def pids(self) -> dict[str, int]:
        return {child.name: child.process.pid for child in self.running}

    def end(self) -> None:
        end_groups([(child.process, self.end_seconds.get(child.name, END_SECONDS)) for child in reversed(self.running)])
