"""The story that the demo tells. Each step looks at both sides: at what the
objects say of themselves, and at ECS."""

from __future__ import annotations

import re
import time
from typing import Sequence

import rollouts
from compare import differences
from tell import Teller, expect
from world import REGION, SPEED, World

SERVICES = ("web", "web-spot", "worker")
IMAGE = "shop/web"
RUNS = "-o custom-columns=SERVICE:.metadata.name,RUNS:.status.taskDefinition,ROLLOUT:.status.deployment.rolloutState"


def tell(teller: Teller, world: World, delete: bool) -> None:
    story = Story(teller, world)
    story.start()
    story.apply()
    story.apply_again()
    story.change_the_image()
    story.change_ecs()
    story.refuse()
    story.describe()
    if world.simulated:
        rollouts.bad_image(story)
        rollouts.correct_the_image(story)
        rollouts.canary(story)
    else:
        story.say(
            """(On the simulator, which is the default, two more steps follow here: an image that ECS rolls back, and a
            canary. In MiniStack, every deployment is over at once and well.)"""
        )
    if delete:
        story.delete()


class Story:
    def __init__(self, teller: Teller, world: World) -> None:
        self.teller = teller
        self.world = world
        self.step, self.say, self.run = teller.step, teller.say, world.run

    # === ECS, read by boto3 ===

    def services(self, names: Sequence[str] = SERVICES) -> dict[str, dict]:
        found = self.world.boto3("describe_services", cluster="shop", services=list(names), include=["TAGS"])
        return {service["serviceName"]: service for service in found["services"]}

    def counts(self) -> dict[str, int]:
        return {name: service["desiredCount"] for name, service in self.services().items()}

    def primaries(self) -> dict[str, dict]:
        return {
            name: next(one for one in service["deployments"] if one["status"] == "PRIMARY")
            for name, service in self.services().items()
        }

    def newest_deployment(self, name: str) -> dict:
        """Of a service, as a service deployment."""
        found = self.world.boto3("list_service_deployments", cluster="shop", service=name)["serviceDeployments"]
        arn = max(found, key=lambda one: one["createdAt"])["serviceDeploymentArn"]
        return self.world.boto3("describe_service_deployments", serviceDeploymentArns=[arn])["serviceDeployments"][0]

    def revisions(self, family: str) -> list[str]:
        found = self.world.boto3("list_task_definitions", familyPrefix=family, status="ACTIVE")
        return [arn.rsplit("/")[-1] for arn in found["taskDefinitionArns"]]

    def cluster(self) -> dict:
        include = ["SETTINGS", "CONFIGURATIONS", "TAGS"]
        found = self.world.boto3("describe_clusters", clusters=["shop"], include=include)["clusters"]
        expect(len(found) == 1, "ECS has no cluster shop.")
        return found[0]

    def task_definition(self, revision: str) -> dict:
        found = self.world.boto3("describe_task_definition", taskDefinition=revision, include=["TAGS"])
        return {**found["taskDefinition"], "tags": found.get("tags", [])}

    def show_ecs(self) -> None:
        """One line for each thing in ECS."""
        cluster = self.cluster()
        providers = ", ".join(sorted(cluster["capacityProviders"]))
        lines = [f"cluster  {cluster['clusterName']:<9} {cluster['status']}, {providers}"]
        for name, service in self.services().items():
            runs = service["taskDefinition"].rsplit("/")[-1]
            counts = f"{service['runningCount']} of {service['desiredCount']} tasks run {runs}"
            lines.append(f"service  {name:<9} {service['status']}, {counts}")
        self.say("The same in ECS, read with boto3:")
        self.teller.text("\n".join(lines))

    def expect_equal(self, what: str, live: dict) -> None:
        """Live ECS is as the spec of an object asks."""
        spec = self.world.ask(f"kubectl get {what} -o json")["spec"]
        differing = differences(spec, live)
        expect(not differing, f"{what} differs from live ECS: {'; '.join(differing)}.")

    def expect_ecs_as_asked(self, revision_of_web: str) -> None:
        self.expect_equal("ecscl/shop", self.cluster())
        self.expect_equal("ecstd/web", self.task_definition(revision_of_web))
        self.expect_equal("ecstd/worker", self.task_definition("worker:1"))
        for name, service in self.services().items():
            self.expect_equal(f"ecssvc/{name}", service)
            expect(service["status"] == "ACTIVE", f"in ECS, service {name} is {service['status']}.")
            running, desired = service["runningCount"], service["desiredCount"]
            expect(running == desired, f"in ECS, {running} of {desired} tasks of service {name} run.")

    # === The steps ===

    def start(self) -> None:
        self.say(
            """This is ecs-operator at work. Every command is run as you see it, and after each step the demo looks
            whether Kubernetes and ECS are as it says."""
        )
        self.step("A place to play")
        if self.world.simulated:
            self.say(
                f"""A Kubernetes API server starts, and the project's own simulator of Amazon ECS. Its clock starts at this
                machine's time and runs {SPEED} times as fast: what takes ECS minutes takes seconds here."""
            )
        else:
            self.say("A Kubernetes API server starts, and a stand-in for Amazon ECS (MiniStack).")
        self.world.start_bed()
        self.say("The operator brings the definitions of its three kinds. Once they are installed, it can run.")
        self.run("ecs-operator crds | kubectl apply -f -")
        self.world.quietly("kubectl wait crd --all --for=condition=Established --timeout=30s")
        arguments = ("run", "--region", REGION, "--sweep-seconds", "2", "--rolling-sweep-seconds", "0.25")
        self.teller.command(f"ecs-operator {' '.join(arguments)} &")
        self.world.start_operator(*arguments)
        self.say(
            """The operator now looks at all of ECS that it manages every two seconds, and at what is rolling out four
            times a second; as a rule, a minute and five seconds are enough. AWS_ENDPOINT_URL leads it to
            what answers as ECS here."""
        )

    def apply(self) -> None:
        self.step("A folder of manifests, in the wrong order")
        self.say(
            """A shop: services, then the task definitions that they run, then the cluster that they run in. What comes
            too early waits, and says so:"""
        )
        self.run("ls examples")
        self.run("kubectl apply -f examples/1-services.yaml")
        reason = """jsonpath='{.status.conditions[?(@.type=="Ready")].reason}'"""
        self.world.quietly(f"kubectl wait ecssvc --all --for={reason}=RefNotReady --timeout=30s")
        self.run("kubectl get ecssvc")
        self.say("Now all of it:")
        began = time.monotonic()
        self.run("kubectl apply -f examples/")
        self.run("kubectl wait ecscl,ecstd,ecssvc --all --for=condition=Ready --timeout=60s")
        self.say(f"That took {time.monotonic() - began:.1f} seconds. Ready means that ECS has finished deploying it.")
        self.run("kubectl get ecs")
        self.show_ecs()
        self.expect_ecs_as_asked("web:1")
        expect(self.counts() == {"web": 2, "web-spot": 1, "worker": 1}, f"the counts in ECS are {self.counts()}.")

    def apply_again(self) -> None:
        self.step("Your manifests stay yours")
        self.say("The operator writes no defaults into them, so there is nothing to differ:")
        before = self.primaries()
        expect(self.run("kubectl diff -f examples/") == "", "kubectl diff shows a difference.")
        output = self.run("kubectl apply -f examples/")
        lines = output.strip().splitlines()
        expect(all(line.endswith(" unchanged") for line in lines), "a second apply changed something.")
        expect(self.primaries() == before, "a second apply made a deployment in ECS.")

    def apply_image(self, version: str) -> None:
        self.run(f"sed 's|{IMAGE}:1.0.0|{IMAGE}:{version}|' examples/2-task-definitions.yaml | kubectl apply -f -")

    def change_the_image(self) -> None:
        self.step("A new version of the web shop")
        self.say("A new image is a new revision of the task definition. Both services that refer to it roll to it.")
        if self.world.simulated:
            self.say("(The simulator is told that one of web's new tasks needs a minute more to start than usual.)")
            self.world.control("launches", cluster="shop", service="web", count=1, **{"as": "slow/60"})
        before = self.primaries()
        began = time.monotonic()
        with self.world.watch(rollouts.watching("web", "rollout")) as until:
            until(lambda line: "web:1 is deployed" in line)
            self.apply_image("1.1.0")
            lines = until(lambda line: "web:2 is deployed" in line)
        if self.world.simulated:
            rollouts.expect_moving(lines)
        self.world.quietly("kubectl wait ecssvc/web-spot --for=jsonpath='{.status.taskDefinition}'=web:2 --timeout=30s")
        self.run("kubectl wait ecssvc --all --for=condition=Ready --timeout=60s")
        self.say(f"That took {time.monotonic() - began:.1f} seconds.")
        self.run(f"kubectl get ecssvc {RUNS}")
        self.expect_ecs_as_asked("web:2")
        expect(self.revisions("web") == ["web:1", "web:2"], f"ECS has the revisions {self.revisions('web')}.")
        after = self.primaries()
        for name in ("web", "web-spot"):
            expect(after[name]["id"] != before[name]["id"], f"service {name} made no deployment.")
            expect(after[name]["taskDefinition"].endswith("/web:2"), f"service {name} does not run web:2 in ECS.")
        expect(after["worker"]["id"] == before["worker"]["id"], "service worker was deployed, too.")
        containers = self.task_definition("web:2")["containerDefinitions"]
        image = next(one["image"] for one in containers if one["name"] == "app")
        expect(image.endswith(f"{IMAGE}:1.1.0"), f"web:2 has the image {image}.")
        self.say("ECS has one more revision, web:2. The worker, which does not refer to it, was not touched.")

    def change_ecs(self) -> None:
        self.step("Somebody changes ECS behind the operator's back")
        self.say("With boto3, as a script or the console would:")
        arn = self.cluster()["clusterArn"]
        self.world.boto3("update_service", show=True, cluster="shop", service="web-spot", desiredCount=4)
        self.world.boto3("update_service", show=True, cluster="shop", service="web", desiredCount=9)
        self.world.boto3("untag_resource", show=True, resourceArn=arn, tagKeys=["Team"])
        began = time.monotonic()
        self.world.until("service web is not back at 2 tasks", self.counts, lambda counts: counts["web"] == 2)
        self.say(f"{time.monotonic() - began:.1f} seconds later, service web is back at the 2 tasks of its manifest.")

        def tags() -> dict[str, str]:
            return {tag["key"]: tag["value"] for tag in self.cluster()["tags"]}

        self.world.until("the cluster's tag is not back", tags, lambda seen: seen.get("Team") == "platform")
        self.say(f"{time.monotonic() - began:.1f} seconds later, the cluster has its tag again.")
        self.world.quietly("kubectl wait ecscl,ecstd,ecssvc --all --for=condition=Ready --timeout=30s")
        self.world.quietly("kubectl wait ecssvc/web-spot --for=jsonpath='{.status.desiredCount}'=4 --timeout=30s")
        self.run("kubectl get ecssvc")
        expect(self.counts()["web-spot"] == 4, "service web-spot lost its 4 tasks.")
        self.say("web-spot keeps its 4: its manifest has no desiredCount, and what is absent is not managed.")

    def refuse(self) -> None:
        self.step("Mistakes are refused when they are applied")
        before = self.revisions("too-small"), sorted(self.counts())
        output = self.run("kubectl apply -f tools/demo/wrong.yaml", refused=True)
        for word in ("desiredCuont", "memory", "networkConfiguration"):
            expect(word in output, f"the refusal says nothing of {word}.")
        output = self.run(
            """kubectl patch ecssvc web --type=merge -p '{"spec": {"serviceName": "storefront"}}'""", refused=True
        )
        expect("is immutable" in output, "the refusal doesn't say that the name is immutable.")
        names = {item["metadata"]["name"] for item in self.world.ask("kubectl get ecssvc,ecstd -o json")["items"]}
        expect(names == {"web", "web-spot", "worker"}, f"Kubernetes has {sorted(names)}.")
        expect((self.revisions("too-small"), sorted(self.counts())) == before, "something reached ECS.")

    def describe(self) -> None:
        self.step("What happened to service web")
        output = self.run("kubectl describe ecssvc web | sed -n '/^Events:/,$p'")
        for word in ("Created", "Updated", "web:2 is deployed", "desiredCount"):
            expect(word in output, f"the events say nothing of {word}.")

    def delete(self) -> None:
        self.step("Everything goes, in the order that ECS wants")
        files, services = "-f examples/", len(SERVICES)
        if self.world.simulated:
            files, services = f"{files} -f {rollouts.CHECKOUT}", services + 1
        self.run(f"kubectl delete {files} --timeout=60s")
        output = self.run(
            "kubectl get events --sort-by=.eventTime -o custom-columns=EVENT:.reason,MESSAGE:.message"
            " | grep -E '^(Deleting +Deleting|Deregistered) '"
        )
        lines = output.strip().splitlines()
        of_services = [number for number, line in enumerate(lines) if " service " in line]
        expect(len(of_services) == services, f"{len(of_services)} events tell of a deleted service.")
        of_cluster = [number for number, line in enumerate(lines) if re.search("cluster shop$", line)]
        expect(of_cluster[-1:] > of_services[-1:], "the cluster was not deleted after its services.")
        self.run("kubectl get ecs")
        items = self.world.ask("kubectl get ecscl,ecstd,ecssvc -o json")["items"]
        expect(not items, "Kubernetes still has objects of ours.")
        clusters = self.world.boto3("list_clusters")["clusterArns"]
        expect(not clusters, f"ECS still has {clusters}.")
        gone = "ClusterNotFoundException"
        found = self.world.boto3("describe_services", absent=gone, cluster="shop", services=list(SERVICES))
        active = [one["serviceName"] for one in found.get("services", []) if one["status"] != "INACTIVE"]
        expect(not active, f"ECS still has the services {active}.")
        revisions = self.world.boto3("list_task_definitions", status="ACTIVE")["taskDefinitionArns"]
        expect(not revisions, f"ECS still has {revisions}.")
        self.say("In ECS, read with boto3: no cluster, no service, no active task definition.")
