"""The operator at work, on this machine: a real Kubernetes API server, a
simulator of Amazon ECS, and the folder examples/. `make demo` runs it.

It tells what it does and shows every command with its output. It ends by
itself, and with an error where anything is not as told: what Kubernetes says
and what ECS itself shows are both looked at in each step.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time

# Set before the other imports: they import from tools/testbed.
import place  # noqa: F401  isort:skip
import story
import world
from tell import NotAsTold, Teller


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 tools/demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave out the deletion, and leave everything running until Ctrl-C"
    )
    parser.add_argument(
        "--ecs",
        choices=[world.SIMULATOR, world.MINISTACK],
        default=world.SIMULATOR,
        help="what answers as Amazon ECS: the project's own simulator (default), or MiniStack, in which every deployment"
        " is over at once",
    )
    parser.add_argument("--operator", metavar="FILE", help="the program to show (default: the debug build)")
    return parser.parse_args()


def interrupt(*_) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # once is enough
    raise KeyboardInterrupt


def keep(teller: Teller, running: world.World) -> None:
    teller.step("Everything keeps running")
    teller.say("In another terminal:")
    teller.text(f"export KUBECONFIG={running.kubeconfig}\nexport PATH={running.bin}:$PATH")
    teller.text("kubectl get ecs")
    teller.say("ECS itself, with the AWS CLI:")
    for name, value in running.aws_environment().items():
        if not name.endswith("_FILE"):
            teller.text(f"export {name}={value}")
    teller.text("aws ecs list-services --cluster shop")
    if running.simulated:
        teller.say(
            f"ECS's clock runs {world.SPEED} times as fast as yours, so its times are ahead. An image named fail/oom, "
            "fail/pull, fail/secret, fail/healthcheck or fail/crash:3 fails in that way. What else the simulator can do:"
        )
        teller.text("curl $AWS_ENDPOINT_URL/_sim/")
    teller.say(f"The operator's log: {running.operator_log}")
    teller.say("Ctrl-C here ends all of it and leaves nothing behind.")
    while True:
        running.check()
        time.sleep(1)  # nothing is waited for but the signal


def main() -> int:
    arguments = read_arguments()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, interrupt)
    teller = Teller()
    began = time.monotonic()
    told_all = False
    with world.World(teller, arguments.operator, arguments.ecs) as running:
        try:
            story.tell(teller, running, delete=not arguments.keep)
            told_all = True
            teller.end(time.monotonic() - began)
            if arguments.keep:
                keep(teller, running)
        except NotAsTold as failure:
            teller.failed(str(failure), running.operator_log_tail())
            return 1
        except KeyboardInterrupt:
            print("\nEnded." if told_all else "\nInterrupted; everything is ended.")
            return 0 if told_all and arguments.keep else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
