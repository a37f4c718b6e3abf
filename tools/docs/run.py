"""Runs the README's blocks."""

from __future__ import annotations

import shutil
import time

import place
from blocks import blocks
from tell import NotAsTold, expect
from world import MINISTACK, REGION, World

SECONDS = 60
INSTALL = "ecs-operator crds | kubectl apply -f -"
LEGACY = "kubectl apply -f legacy.json"


class Quiet:
    """A teller that tells nothing."""

    def __getattr__(self, _name):
        return lambda *_, **__: None


def run(readme: str) -> int:
    """How many blocks were run; raises at the first that fails."""
    marked = blocks(readme)
    files = {block.name: block.text for block in marked if block.mark == "file"}
    commands = [block.text for block in marked if block.mark == "run"]
    if not shutil.which("jq"):
        print("documents: jq is not installed, so the README's commands with jq are left out")
        commands = [text for text in commands if "| jq " not in text]
    expect(any(INSTALL in text for text in commands), f"README.md does not install the CRDs with `{INSTALL}`.")
    with World(Quiet(), None, MINISTACK) as world:
        try:
            return play(world, files, commands)
        except NotAsTold as failure:
            raise NotAsTold(f"{failure}\n{world.operator_log_tail()}".strip()) from None


def play(world: World, files: dict[str, str], commands: list[str]) -> int:
    world.start_bed()
    folder = world.folder / "readme"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    stand_in_for_the_aws_cli(world)
    # Installed first, whatever the order in which the README tells it.
    world.quietly(INSTALL)
    world.quietly(f"kubectl apply -f {folder / 'rbac.yaml'}")
    world.quietly("kubectl wait crd --all --for=condition=Established --timeout=30s")
    before = world.boto3(
        "register_task_definition",
        family="legacy",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "app", "image": "nginx", "portMappings": [{"containerPort": 80}]}],
        tags=[{"key": "Team", "value": "legacy"}],
    )["taskDefinition"]["taskDefinitionArn"]
    world.start_operator("run", "--region", REGION, kubeconfig=world.told["service_account_kubeconfig"])
    for text in commands:
        shell(world, folder, text)
    if any(LEGACY in text for text in commands):
        adopted(world, before)
    return len(commands)


def shell(world: World, folder, text: str) -> None:
    began = time.monotonic()
    environment = {**world.environment(), **world.aws_environment()}
    # What the README lets people wait for minutes takes seconds here.
    output, code = world.shell(text.replace("--timeout=10m", f"--timeout={SECONDS}s"), folder, environment)
    if code != 0:
        objects = world.quietly("kubectl get ecs -o wide --all-namespaces")
        after = f"after {time.monotonic() - began:.0f} seconds"
        raise NotAsTold(f"a block of README.md failed {after}:\n{text}It says:\n{output}\n{objects}")


def adopted(world: World, before: str) -> None:
    """As the README says: the revision is taken over, and none is registered."""
    world.quietly("kubectl wait ecstd/legacy --for=condition=Ready --timeout=30s")
    status = world.ask("kubectl get ecstd legacy -o json")["status"]
    bound = status["taskDefinitionArn"]
    expect(bound == before, f"the adopted revision is {bound}, not {before}.")
    revisions = world.boto3("list_task_definitions", familyPrefix="legacy")["taskDefinitionArns"]
    expect(revisions == [before], f"adopting left the revisions {revisions}.")


def stand_in_for_the_aws_cli(world: World) -> None:
    program = world.bin / "aws"
    program.write_text(f'#!/bin/sh\nexec {world.told["python"]} {place.ROOT / "tools" / "docs" / "aws.py"} "$@"\n')
    program.chmod(0o755)
