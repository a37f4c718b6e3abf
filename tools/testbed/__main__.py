"""The test bed: a real Kubernetes API server and a stand-in for Amazon ECS.

python3 tools/testbed setup        provides the programs (once, some minutes)
python3 tools/testbed up           starts them, prints one line of JSON, and
                                   ends them when its standard input is closed
python3 tools/testbed where        prints where the programs are, as JSON
python3 tools/testbed cel-cost F…  judges the cost of the CEL rules of CRDs
"""

from __future__ import annotations

import argparse
import json
import os
import sys


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 tools/testbed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="build and install what is missing")
    setup.add_argument("--only", choices=["kubernetes", "ministack", "moto", "cel-cost"], help="that part alone")
    up = commands.add_parser("up", help="start the programs and wait")
    up.add_argument("--controller-manager", action="store_true", help="also namespace deletion and garbage collection")
    stand_in = up.add_mutually_exclusive_group()
    stand_in.add_argument("--ecs-sim", action="store_true", help="also the project's own simulator of Amazon ECS")
    stand_in.add_argument("--ministack", action="store_true", help="also MiniStack, a stand-in for Amazon ECS")
    up.add_argument("--only", choices=["kubernetes", "ecs-sim", "ministack", "moto"], help="one of them alone")
    up.add_argument(
        "--speed", type=float, default=1.0, metavar="TIMES", help="how fast the simulator's clock runs (default: 1)"
    )
    up.add_argument("--seed", type=int, default=1, metavar="NUMBER", help="the simulator's chance (default: 1)")
    up.add_argument(
        "--ministack-env",
        type=setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of MiniStack's, as AUTH=true; may be repeated",
    )
    commands.add_parser("where", help="print where the programs are")
    cost = commands.add_parser("cel-cost", help="judge the cost of the CEL rules of CRDs")
    cost.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    if arguments.command == "up":
        check_up(parser, arguments)
    return arguments


def check_up(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    only = arguments.only
    asked = {
        "--ecs-sim": arguments.ecs_sim and only != "ecs-sim",
        "--ministack": arguments.ministack and only != "ministack",
        "--controller-manager": arguments.controller_manager and only != "kubernetes",
    }
    for flag, contradicts in asked.items():
        if only and contradicts:
            parser.error(f"--only {only} and {flag} contradict each other")


def where() -> None:
    import layout

    places = {name: layout.program(name) for name in layout.go_programs()}
    places["python"] = layout.venv_python()
    places["moto-python"] = layout.venv_python("moto")
    print(json.dumps({name: path and str(path) for name, path in places.items()}, indent=2))


def cel_cost(files: list[str]) -> int:
    import shutil

    import layout

    program = layout.program("cel-cost")
    if program is None and not shutil.which("go"):
        print("cel-cost is left out: it is built with Go, which is not installed")
        return 0
    os.execv(layout.needed("cel-cost"), ["cel-cost", *files])


def main() -> int:
    if sys.version_info < (3, 9):
        sys.exit("The test bed needs Python 3.9 or newer.")
    arguments = read_arguments()
    import layout

    try:
        if arguments.command == "setup":
            import provide

            provide.setup(arguments.only)
        elif arguments.command == "up":
            import up

            return up.up(arguments)
        elif arguments.command == "where":
            where()
        else:
            return cel_cost(arguments.files)
    except layout.Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
