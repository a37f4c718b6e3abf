"""Where everything is: the pins, the cache and the programs in it.

A folder of the cache carries a hash of what its content was made from, so a
changed pin is built anew, an unchanged one costs nothing, and two branches
with different pins don't disturb each other. `make clean` removes them all.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
from pathlib import Path

TESTBED = Path(__file__).resolve().parent
TOOLS = TESTBED.parent
ROOT = TOOLS.parent
CACHE = ROOT / ".cache"
# What each emulator's Python environment holds.
REQUIREMENTS = {"ministack": TESTBED / "requirements.txt", "moto": TESTBED / "requirements-moto.txt"}

# The programs that the folder named by this variable holds (setup-envtest).
ENVTEST_PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
ENVTEST_VARIABLE = "KUBEBUILDER_ASSETS"


class Failure(Exception):
    """Something that the caller of the test bed is told in one sentence."""


def key(*parts: str | bytes | Path) -> str:
    """A short hash of the texts and files given and of this kind of machine."""
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
    for part in parts:
        if isinstance(part, Path):
            part = part.read_bytes()
        elif isinstance(part, str):
            part = part.encode()
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:12]


class GoProgram:
    """A program built from one of the Go modules under tools/."""

    def __init__(self, name: str, module: str, package: str, minutes: float):
        self.name = name
        self.package = package
        self.minutes = minutes  # of a first build on two cores
        self.folder = TOOLS / module
        # The version of the module that the package is in, as go.mod pins it.
        pins = (self.folder / "go.mod").read_text()
        found = re.search(r"^(?:require |\t)(k8s\.io/kubernetes|go\.etcd\.io/etcd/server/v3) (v\S+)", pins, re.M)
        self.version = found.group(2) if found and package != "." else ""
        sources = sorted(self.folder.glob("*.go"))
        made_from = [self.folder / "go.mod", self.folder / "go.sum", *sources]
        self.path = CACHE / f"{module}-{key(' '.join(self.flags()), *made_from)}" / name

    def flags(self) -> list[str]:
        """The flags of `go build`. Without the version, a Kubernetes program
        calls itself v0.0.0 and clients refuse it or warn."""
        link = "-s -w"
        if self.package.startswith("k8s.io/"):
            major, minor, _ = self.version.lstrip("v").split(".", 2)
            into = "k8s.io/component-base/version"
            link += f" -X {into}.gitVersion={self.version} -X {into}.gitMajor={major} -X {into}.gitMinor={minor}"
        return ["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", link]


def go_programs() -> dict[str, GoProgram]:
    return {
        program.name: program
        for program in (
            GoProgram("etcd", "etcd", "go.etcd.io/etcd/server/v3", 0.5),
            GoProgram("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 4),
            GoProgram("kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", 1),
            GoProgram("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", 0.5),
            GoProgram("cel-cost", "cel-cost", ".", 0.5),
        )
    }


def envtest_folder() -> Path | None:
    """The folder of ready-made programs that KUBEBUILDER_ASSETS names."""
    value = os.environ.get(ENVTEST_VARIABLE, "").strip()
    return Path(value) if value else None


def ready_made(name: str) -> Path | None:
    """Where a program is that nobody has to build: in the folder that
    KUBEBUILDER_ASSETS names, and kubectl also on the PATH."""
    folder = envtest_folder()
    if folder and name in ENVTEST_PROGRAMS and (folder / name).is_file():
        return folder / name
    if name == "kubectl":
        found = shutil.which("kubectl")
        return Path(found) if found else None
    return None


def program(name: str) -> Path | None:
    """Where a program is, or None when set-up has not provided it."""
    found = ready_made(name)
    if found:
        return found
    built = go_programs()[name].path
    return built if built.is_file() else None


def needed(name: str) -> Path:
    """Where a program is that has to be there."""
    found = program(name)
    if found is None:
        raise Failure(f"{name} is not there: run `make setup` (or `python3 tools/testbed setup`) first.")
    return found


def venv_folder(emulator: str = "ministack") -> Path:
    """The virtual environment with MiniStack and boto3, or with moto."""
    return CACHE / f"{emulator}-{key(REQUIREMENTS[emulator], '%d.%d' % sys.version_info[:2])}"


def venv_python(emulator: str = "ministack") -> Path | None:
    """The Python of that environment, or None when it is not complete."""
    folder = venv_folder(emulator)
    python = folder / "bin" / "python"
    return python if (folder / "complete").is_file() and python.exists() else None


def simulator() -> Path:
    """The debug build of `ecs-sim`, where cargo puts it."""
    built = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug" / "ecs-sim"
    if not built.is_file():
        raise Failure(f"{built} is not there: `cargo build --workspace` makes it.")
    return built
