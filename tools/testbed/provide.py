"""`setup`: builds and installs, once, all that the test bed runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import layout
from children import end_groups, pre_exec
from layout import Failure

HEARTBEAT_SECONDS = 30
# What is installed for each emulator, and in how many seconds.
VENVS = {
    "ministack": ("installing MiniStack (the stand-in for Amazon ECS) and boto3", 15),
    "moto": ("installing moto (a second opinion on Amazon ECS)", 30),
}
NEITHER = (
    "The test bed needs a Kubernetes API server: either install Go 1.26 or newer, and it is built here, or let "
    f"{layout.ENVTEST_VARIABLE} name the folder that setup-envtest fills, and that one is used."
)


def say(text: str) -> None:
    print(text, flush=True)


def about(minutes: float) -> str:
    if minutes < 1:
        return f"about {round(minutes * 60)} seconds"
    return f"about {minutes:g} minute{'' if minutes == 1 else 's'}"


def run_with_heartbeat(what: str, commands: list[list[str]], folder: Path, environment: dict[str, str]) -> None:
    """Runs long commands one after the other, with a sign of life now and
    then; their output is shown only when one fails."""
    began = time.monotonic()
    for command in commands:
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=pre_exec,
            )
            try:
                while True:
                    try:
                        process.wait(HEARTBEAT_SECONDS)
                        break
                    except subprocess.TimeoutExpired:
                        say(f"  still {what} ({round(time.monotonic() - began)} s so far)")
            finally:
                end_groups([(process, 2)])
            if process.returncode != 0:
                output.seek(0)
                tail = output.read().decode(errors="replace").splitlines()[-20:]
                raise Failure("\n".join([*tail, f"Set-up stopped while {what}: {command[0]} failed (see above)."]))
    say(f"  done in {round(time.monotonic() - began)} s")


def missing_programs(only: str | None) -> list[layout.GoProgram]:
    """What has to be built of what is asked for."""
    wanted = {
        None: list(layout.go_programs()),
        "kubernetes": ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"],
        "cel-cost": ["cel-cost"],
        "ministack": [],
        "moto": [],
    }[only]
    return [program for name, program in layout.go_programs().items() if name in wanted and layout.program(name) is None]


def check_envtest() -> None:
    """A folder that is named but isn't right is a mistake to tell at once,
    not a reason to build for minutes."""
    folder = layout.envtest_folder()
    absent = [name for name in layout.ENVTEST_PROGRAMS if folder and layout.ready_made(name) is None]
    if absent:
        raise Failure(f"{layout.ENVTEST_VARIABLE} is {folder}, which has no {' and no '.join(absent)}: correct it, or unset it to build them.")


def build(program: layout.GoProgram) -> None:
    what = f"building {program.name} {program.version}".rstrip()
    say(f"{what} ({about(program.minutes)}, once)…")
    program.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = program.path.with_name(f"{program.name}.unfinished")
    # Flags and workspaces of the caller's own projects must not change these
    # builds; CGO_ENABLED=0: no C compiler needed.
    environment = {**os.environ, "GOFLAGS": "-trimpath", "GOWORK": "off", "CGO_ENABLED": "0"}
    command = ["go", "build", *program.flags(), "-o", str(unfinished), program.package]
    run_with_heartbeat(what, [command], program.folder, environment)
    unfinished.replace(program.path)


def missing_venvs(only: str | None) -> list[str]:
    """The emulators to be installed of those that are asked for."""
    return [name for name in VENVS if only in (None, name) and layout.venv_python(name) is None]


def make_venv(emulator: str) -> None:
    what, seconds = VENVS[emulator]
    if sys.version_info < (3, 10):
        raise Failure(f"MiniStack and moto need Python 3.10 or newer, and {sys.executable} is older: run this with a newer one.")
    folder = layout.venv_folder(emulator)
    shutil.rmtree(folder, ignore_errors=True)  # the rest of an interrupted run
    if subprocess.run([sys.executable, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Failure(
            f"The module venv of {sys.executable} is missing or incomplete: install it "
            "(on Debian and Ubuntu: apt-get install python3-venv) and run this again."
        )
    say(f"{what} ({about(seconds / 60)}, once)…")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    venv = [sys.executable, "-m", "venv", str(folder)]
    run_with_heartbeat(what, [venv, [*pip, "-r", str(layout.REQUIREMENTS[emulator])]], layout.ROOT, environment)
    # A virtual environment can't be renamed (its scripts hold its path), so a
    # file written last says that it is whole.
    (folder / "complete").touch()


@contextlib.contextmanager
def one_at_a_time():
    """Holds a lock that the system itself releases when this process ends,
    however it ends."""
    layout.CACHE.mkdir(exist_ok=True)
    with open(layout.CACHE / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another set-up of this checkout is running: waiting for it to end…")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def setup(only: str | None = None) -> None:
    """Provides whatever is missing, and says what it does."""
    check_envtest()
    if not missing_programs(only) and not missing_venvs(only):
        say("set-up: everything is there")
        return
    with one_at_a_time():
        missing = missing_programs(only)  # asked again: another set-up may have built them
        if missing and not shutil.which("go"):
            if layout.envtest_folder() is None and only != "cel-cost":
                raise Failure(NEITHER)
            for program in missing:
                say(f"Go is not installed, so {program.name} is not built: what needs it is left out")
            missing = []
        for program in missing:
            build(program)
        for emulator in missing_venvs(only):
            make_venv(emulator)
    say("set-up: done")
