"""The steps that only the simulator can show: deployments that take their time,
fail, are rolled back by ECS, and shift traffic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tell import expect
from world import SPEED, TIME_LAPSE

if TYPE_CHECKING:
    from story import Story

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
REASON = """jsonpath='{.status.conditions[?(@.type=="Ready")].reason}'"""
COMPLETED = "jsonpath='{.status.deployment.rolloutState}'=COMPLETED"
MESSAGE = """jsonpath='{.status.conditions[?(@.type=="Ready")].message}{"\\n"}'"""
CHECKOUT = "tools/demo/checkout.yaml"


def watching(name: str, columns: str) -> str:
    return f"kubectl get ecssvc {name} --watch -o custom-columns-file=tools/demo/columns/{columns}"


def expect_moving(lines: list[str]) -> None:
    """The rollout was seen, and Ready was True at its end only."""
    expect(len(lines) > 1, "nothing was seen of the rollout until its end.")
    early = [line for line in lines[:-1] if re.search(r"\bTrue\b", line)]
    expect(not early, f"Ready was True while it was rolling out: {early}.")


def bad_image(story: Story) -> None:
    story.step("A version that never starts")
    story.say(
        f"""Nobody has pushed 1.2.0: the simulator is told that the registry does not have it. ECS tries to pull such an
        image for minutes, and then again, until the circuit breaker that the manifest asks for has counted enough
        failures. So the simulator's clock runs {TIME_LAPSE} times as fast from here."""
    )
    before = story.primaries()
    story.world.control("image", image=f"{REGISTRY}/shop/web:1.2.0", **{"as": "fail/pull"})
    story.world.control("clock", speed=TIME_LAPSE)
    with story.world.watch(watching("web", "breaker")) as until:
        until(lambda line: "Deployed" in line)
        story.apply_image("1.2.0")
        expect_moving(until(lambda line: "RolledBack" in line))
    both = "ecssvc/web ecssvc/web-spot"
    story.world.quietly(f"kubectl wait {both} --for={REASON}=RolledBack --timeout=60s")
    story.world.quietly(f"kubectl wait {both} --for={COMPLETED} --timeout=60s")
    story.say(
        """ECS has gone back to web:2 and calls that deployment COMPLETED. A rollback is a failure all the same, and it
        is told once: from what to what, why, and what to do."""
    )
    story.run("kubectl get ecssvc")
    output = story.run("kubectl events --for ecssvc/web --types=Warning")
    for words in ("ImageNotFound in container app", "correct `image`", "from web:3", "to web:2"):
        expect(words in output, f"the events don't say: {words}.")
    for name in ("web", "web-spot"):
        expect_rolled_back(story, name, before[name])


def expect_rolled_back(story: Story, name: str, before: dict) -> None:
    status = story.world.ask(f"kubectl get ecssvc {name} -o json")["status"]
    ready = next(one for one in status["conditions"] if one["type"] == "Ready")
    told = ready["status"], ready["reason"], status["deployments"][0]["outcome"]
    expect(told == ("False", "RolledBack", "RolledBack"), f"the status of {name} says {told}.")
    expect("ECS rolled back from web:3" in ready["message"], f"{name} says: {ready['message']}")
    causes = [failure["cause"] for failure in status["taskFailures"]]
    expect(causes == ["ImageNotFound"], f"the causes that {name} tells are {causes}.")
    events = story.world.ask(f"kubectl get events --field-selector=involvedObject.name={name} -o json")["items"]
    told = [event for event in events if event["reason"] == "RolledBack"]
    expect(len(told) == 1, f"{len(told)} events tell that {name} was rolled back.")
    primary = story.primaries()[name]
    expect(primary["id"] == before["id"], f"ECS did not take {name} back to {before['id']}.")
    newest = story.newest_deployment(name)["status"]
    expect(newest == "ROLLBACK_SUCCESSFUL", f"ECS shows the deployment of {name} as {newest}.")


def correct_the_image(story: Story) -> None:
    story.step("The correction")
    with story.world.watch("kubectl get ecssvc web --watch") as until:
        until(lambda line: "RolledBack" in line)
        story.apply_image("1.2.1")
        expect_moving(until(lambda line: "Deployed" in line))
    story.world.quietly("kubectl wait ecssvc/web-spot --for=jsonpath='{.status.taskDefinition}'=web:4 --timeout=30s")
    story.run("kubectl wait ecssvc --all --for=condition=Ready --timeout=60s")
    story.expect_ecs_as_asked("web:4")


def canary(story: Story) -> None:
    story.step("A canary")
    story.say(
        """A service behind a load balancer. Its manifest asks that new versions get 20 % of the traffic first; its very
        first version has nobody to share it with:"""
    )
    story.run(f"sed -n '/deploymentConfiguration:/,/bake/p' {CHECKOUT}")
    story.run(f"kubectl apply -f {CHECKOUT}")
    story.run("kubectl wait ecssvc/checkout --for=condition=Ready --timeout=60s")
    story.world.control("clock", speed=SPEED)
    story.say(
        f"""From now on, a new version shall wait for somebody who has tried it with the test traffic. (And the clock runs
        {SPEED} times as fast again.)"""
    )
    story.run("cat tools/demo/pause.yaml")
    story.run("kubectl patch ecssvc checkout --type=merge --patch-file=tools/demo/pause.yaml")
    story.world.quietly(
        "kubectl wait ecssvc/checkout --for=jsonpath='{.status.observedGeneration}'=2 --timeout=30s"
    )
    with story.world.watch(watching("checkout", "canary")) as until:
        until(lambda line: "Deployed" in line)
        story.run(f"sed 's|shop/checkout:1.0.0|shop/checkout:1.1.0|' {CHECKOUT} | kubectl apply -f -")
        lines = until(lambda line: "AwaitingHook" in line)
        story.run(f"kubectl get ecssvc checkout -o {MESSAGE}")
        expect_waiting(story)
        hook = story.world.ask("kubectl get ecssvc checkout -o json")["status"]["deployment"]["hook"]["id"]
        story.say("It works, so it may go on: a fifth of the traffic, then all of it, then a while to prove itself.")
        story.run(f"kubectl annotate ecssvc checkout ecs-operator.dev/continueHook={hook}")
        lines += until(lambda line: "Deployed" in line)
    expect_moving(lines)
    shares = [int(found[1]) for found in (re.search(r"checkout:2 +(\d+) ", line) for line in lines) if found]
    expect(shares == sorted(shares) and {0, 20, 100} <= set(shares), f"the shares of the traffic were {shares}.")
    newest = story.newest_deployment("checkout")
    expect(newest["status"] == "SUCCESSFUL", f"ECS shows the deployment of checkout as {newest['status']}.")
    live = story.services(["checkout"])["checkout"]
    story.expect_equal("ecssvc/checkout", live)
    expect(live["taskDefinition"].endswith("/checkout:2"), f"ECS runs {live['taskDefinition']}.")
    share = newest["targetServiceRevision"]["requestedProductionTrafficWeight"]
    expect(share == 100, f"in ECS, checkout:2 has {share} % of the traffic.")


def expect_waiting(story: Story) -> None:
    """In ECS, the new revision has the test traffic, the old one the rest, and nothing goes on."""
    newest = story.newest_deployment("checkout")
    target = newest["targetServiceRevision"]
    shown = newest["lifecycleStage"], target["requestedTestTrafficWeight"], target["requestedProductionTrafficWeight"]
    expect(shown == ("POST_TEST_TRAFFIC_SHIFT", 100, 0), f"in ECS, the deployment of checkout is at {shown}.")
