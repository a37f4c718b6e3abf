"""MiniStack and moto, which answer as Amazon ECS (and other services of AWS) does."""

from __future__ import annotations

import secrets
from pathlib import Path

import layout
from children import Children, bare_environment
from cluster import answers


def start(folder: Path, children: Children, settings: dict[str, str]) -> str:
    """Starts it on a port of its own and returns its address. It needs no
    credentials: any access key will do, one of 12 digits picks an account."""
    name = secrets.token_hex(8)
    state = folder / "ministack"
    state.mkdir()

    def environment(port: int) -> dict[str, str]:
        # Nothing of the caller's: proxies, AWS_* and DOCKER_HOST would change
        # what it does.
        return {
            **bare_environment(port, state),
            "BIND_HOST": "127.0.0.1",  # the default would be every address
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_EDITION": name,  # its health page repeats it: that one is ours
            "S3_DATA_DIR": str(state / "s3"),
            "STATE_DIR": str(state / "state"),
            "IOT_MTLS_ENABLED": "0",  # these two would open fixed ports
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            **settings,
        }

    def ready(port: int) -> bool:
        return name.encode() in (answers(f"http://127.0.0.1:{port}/_ministack/health") or b"")

    python = layout.venv_python()
    if python is None:
        raise layout.Failure("MiniStack is not installed: run `make setup` first.")
    children.end_seconds["ministack"] = 10  # it may be asked to save its state (PERSIST_STATE=1)
    port = children.start("ministack", lambda _: [str(python), "-m", "ministack"], ready, environment)
    return f"http://127.0.0.1:{port}"


def start_moto(folder: Path, children: Children) -> str:
    """Starts moto on a port of its own and returns its address. Its account
    is 123456789012 whatever the access key, or the one that a call's header
    x-moto-account-id names."""
    state = folder / "moto"
    state.mkdir()
    python = layout.venv_python("moto")
    if python is None:
        raise layout.Failure("moto is not installed: run `make setup` first.")

    def command(port: int) -> list[str]:
        return [str(python), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]

    def ready(port: int) -> bool:
        return answers(f"http://127.0.0.1:{port}/moto-api/data.json") is not None

    def environment(port: int) -> dict[str, str]:
        # Images of machines take a while to load in each account, for nothing.
        return {**bare_environment(port, state), "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}

    port = children.start("moto", command, ready, environment)
    return f"http://127.0.0.1:{port}"
