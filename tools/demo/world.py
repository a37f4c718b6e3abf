"""What the demo plays in: the test bed, the operator, and a shell that reaches
both. All of it ends with the demo, whatever happens to it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Callable, Iterator, TypeVar

import place
from children import bare_environment, end_groups, pre_exec  # of tools/testbed
from cluster import answers
from tell import NotAsTold, Teller

ACCOUNT = "123456789012"
REGION = "eu-west-1"
LOG_LINES = 30
END_SECONDS = 10

# What answers as Amazon ECS.
SIMULATOR = "simulator"
MINISTACK = "ministack"
# How many times as fast as the machine's the simulator's clock runs, and where there is nothing to see meanwhile.
SPEED = 25
TIME_LAPSE = 60
SEED = 1

T = TypeVar("T")


class World:
    def __init__(self, teller: Teller, operator: str | None, ecs: str = SIMULATOR) -> None:
        self.teller = teller
        self.simulated = ecs == SIMULATOR
        self.program = Path(operator).resolve() if operator else place.operator()
        self.bed: subprocess.Popen | None = None
        self.operator: subprocess.Popen | None = None
        self.reader: subprocess.Popen | None = None
        self.told: dict = {}

    # === Start and end ===

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_) -> None:
        end_groups([(child, END_SECONDS) for child in (self.operator, self.reader) if child])
        if self.bed:
            self.bed.stdin.close()
            self.bed.wait()

    def start_bed(self) -> None:
        if not self.program.is_file():
            raise NotAsTold(f"{self.program} is not there; `make demo` builds it, and so does `cargo build`.")
        simulator = ["--ecs-sim", f"--speed={SPEED}", f"--seed={SEED}"]
        ecs = simulator if self.simulated else ["--ministack"]
        self.bed = subprocess.Popen(
            [sys.executable, str(place.TESTBED), "up", "--controller-manager", *ecs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches us only, and we end things in order
        )
        line = self.bed.stdout.readline()
        if not line:
            raise NotAsTold("the test bed didn't start; what it says is above. `make setup` provides its programs.")
        self.told = json.loads(line)
        # Commands are shown as they are run: `kubectl` and `ecs-operator`.
        for name, program in (("kubectl", self.told["kubectl"]), ("ecs-operator", self.program)):
            self.bin.mkdir(exist_ok=True)
            (self.bin / name).symlink_to(program)
        self.reader = self._child(
            [self.told["python"], str(place.HERE / "live.py")],
            {**self.environment(), **self.aws_environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start_operator(self, *arguments: str, kubeconfig: str | None = None) -> None:
        with open(self.operator_log, "wb") as log:
            environment = {**self.environment(), **self.aws_environment()}
            environment["KUBECONFIG"] = kubeconfig or self.told["operator_kubeconfig"]
            self.operator = self._child([str(self.program), *arguments], environment, stdout=log, stderr=log)

    def _child(self, command: list[str], environment: dict[str, str], **pipes) -> subprocess.Popen:
        return subprocess.Popen(
            command, env=environment, cwd=place.ROOT, start_new_session=True, preexec_fn=pre_exec, **pipes
        )

    # === Where things are ===

    @property
    def folder(self) -> Path:
        return Path(self.told["dir"])

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def kubeconfig(self) -> str:
        return self.told["kubeconfig"]

    @property
    def operator_log(self) -> Path:
        return self.folder / "ecs-operator.log"

    def environment(self) -> dict[str, str]:
        """Nothing of the caller's but the PATH: proxies and AWS_* would lead elsewhere."""
        bare = bare_environment(0, self.folder)
        return {**bare, "PATH": f"{self.bin}:{bare['PATH']}", "KUBECONFIG": self.kubeconfig}

    def aws_environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.told["ecs"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,  # boto3 knows the variable by this name only
            "AWS_ACCESS_KEY_ID": ACCOUNT,  # the stand-in takes it for the account's number
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def operator_log_tail(self) -> str:
        if not self.told or not self.operator_log.is_file():
            return ""
        return "\n".join(self.operator_log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    # === What the story does ===

    def check(self) -> None:
        """The operator and the bed must be running."""
        for name, child in (("the operator", self.operator), ("the test bed", self.bed)):
            if child and child.poll() is not None:
                raise NotAsTold(f"{name} ended by itself with exit code {child.returncode}.")

    def run(self, command: str, refused: bool = False) -> str:
        """Shows a command of the shell, runs it, shows what it prints. It must
        succeed, or be refused where that is expected."""
        self.teller.command(command)
        output, code = self._shell(command)
        if output.strip():
            self.teller.text(output)
        self.check()
        if refused and code == 0:
            raise NotAsTold(f"`{command}` should have been refused.")
        if not refused and code != 0:
            raise NotAsTold(f"`{command}` ended with exit code {code}.")
        return output

    def quietly(self, command: str) -> str:
        """What a command prints. Nothing is shown; it must succeed."""
        output, code = self._shell(command)
        if code != 0:
            raise NotAsTold(f"`{command}` ended with exit code {code}: {output.strip()}")
        return output

    def ask(self, command: str):
        """What a command prints, as JSON. It is not shown."""
        return json.loads(self.quietly(command))

    def _shell(self, command: str) -> tuple[str, int]:
        return self.shell(command, place.ROOT, self.environment())

    def shell(self, command: str, folder: Path, environment: dict[str, str]) -> tuple[str, int]:
        """What a command prints, and its exit code. It is ended when the operator or the bed end."""
        child = self._bash(command, folder, environment)
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    output, _ = child.communicate(timeout=0.5)
                    return output.decode(errors="replace"), child.returncode
                self.check()
        finally:
            end_groups([(child, 1)])

    def _bash(self, command: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen:
        return subprocess.Popen(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=pre_exec,
        )

    @contextlib.contextmanager
    def watch(self, command: str):
        """Shows a command that goes on and on in the background. What is given shows its lines as they come until one
        is right, and may be asked again; a line that says the same as the one before is shown once."""
        self.teller.command(f"{command} &")
        child = self._bash(command, place.ROOT, self.environment())
        read = self._lines(child)
        last = ""

        def until(right: Callable[[str], bool], seconds: float = 60) -> list[str]:
            nonlocal last
            give_up = time.monotonic() + seconds
            lines: list[str] = []
            for line in read:
                if line and line.split() != last.split():
                    last = line
                    lines.append(line)
                    self.teller.text(line)
                    if right(line):
                        return lines
                if time.monotonic() > give_up:
                    raise NotAsTold(f"`{command}` doesn't show in time what it should. Its last line is: {last}")
            raise NotAsTold(f"`{command}` ended by itself. Its last line is: {last}")

        try:
            yield until
        finally:
            end_groups([(child, 1)])

    def _lines(self, child: subprocess.Popen) -> Iterator[str]:
        """What a command prints; now and then an empty line where it prints nothing."""
        rest = b""
        while True:
            self.check()
            if not select.select([child.stdout], [], [], 0.2)[0]:
                yield ""
                continue
            read = os.read(child.stdout.fileno(), 65536)
            if not read:
                return
            *whole, rest = (rest + read).split(b"\n")
            yield from (line.decode(errors="replace").rstrip() for line in whole)

    def control(self, what: str, **body) -> None:
        """Tells the simulator something. `GET /_sim/` of its address lists what there is to tell."""
        body = {"account": ACCOUNT, "region": REGION, **body}
        request = urllib.request.Request(f"{self.told['ecs']}/_sim/{what}", json.dumps(body).encode(), method="POST")
        if answers(request) is None:
            raise NotAsTold(f"the simulator does not take {what} {body}.")

    def boto3(self, operation: str, show: bool = False, absent: str = "", **arguments) -> dict:
        """A call to ECS that the operator has no part in. An error whose code is `absent` is an empty answer."""
        if show:
            text = ", ".join(f"{name}={json.dumps(value)}" for name, value in arguments.items())
            self.teller.command(f"ecs.{operation}({text})", prompt=">>>")
        line = ""
        with contextlib.suppress(BrokenPipeError):
            self.reader.stdin.write(json.dumps({"operation": operation, "arguments": arguments}) + "\n")
            self.reader.stdin.flush()
            line = self.reader.stdout.readline()
        if not line:
            raise NotAsTold("the client that reads ECS ended; what it says is above.")
        answer = json.loads(line)
        if absent and answer.get("code") == absent:
            return {}
        if "error" in answer:
            raise NotAsTold(f"boto3's {operation} failed: {answer['error']}")
        return answer["answer"]

    def until(self, what: str, look: Callable[[], T], right: Callable[[T], bool], seconds: float = 20) -> T:
        """Looks until what is seen is right."""
        give_up = time.monotonic() + seconds
        while True:
            seen = look()
            if right(seen):
                return seen
            self.check()
            if time.monotonic() > give_up:
                raise NotAsTold(f"after {seconds:.0f} seconds {what}. It is: {seen}")
            time.sleep(0.1)
