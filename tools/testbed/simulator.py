"""The project's own simulator of Amazon ECS, `ecs-sim`, as cargo builds it."""

from __future__ import annotations

from pathlib import Path

import layout
from children import Children


def start(folder: Path, children: Children, speed: float, seed: int) -> str:
    """Starts it on a port of its own and returns its address. It needs no
    credentials: an access key of 12 digits is the account. Its clock starts at
    the machine's time and runs `speed` times as fast; the seed decides all
    that is left to chance."""
    program = layout.simulator()

    def command(port: int) -> list[str]:
        return [str(program), f"--listen=127.0.0.1:{port}", f"--speed={speed}", f"--seed={seed}"]

    def ready(port: int) -> bool:
        # In its own log, so that it is surely ours.
        log = folder / "ecs-sim.log"
        return f"ecs-sim listens on http://127.0.0.1:{port}\n" in log.read_text(errors="replace")

    port = children.start("ecs-sim", command, ready)
    return f"http://127.0.0.1:{port}"
