"""A Kubernetes API server without nodes: etcd, kube-apiserver and, where it
is wanted, the controllers that delete namespaces and collect garbage."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import layout
from children import Children, free_port

# Who may log in: user name and groups. The operator under test has a user of
# its own, so the audit log tells its writes from those of the test, but may do
# everything; the service account may do what RBAC objects grant it.
OPERATOR_ACCOUNT = "system:serviceaccount:ecs-operator:ecs-operator"
USERS = {
    "admin": ["system:masters"],
    "ecs-operator": ["system:masters"],
    OPERATOR_ACCOUNT: ["system:serviceaccounts", "system:serviceaccounts:ecs-operator"],
    "controller-manager": ["system:masters"],
}

# One line of the log for each write to an object of ours and for each event.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Metadata",
            "verbs": ["create", "update", "patch", "delete", "deletecollection"],
            "resources": [
                {"group": "ecs-operator.dev"},
                {"group": "events.k8s.io"},
                {"group": "", "resources": ["events"]},
            ],
        },
        {"level": "None"},
    ],
}

CONTROLLERS = "namespace,garbagecollector,serviceaccount-token,serviceaccount"
_direct = urllib.request.ProxyHandler({})  # never through a proxy of the caller's


def answers(request: str | urllib.request.Request, context: ssl.SSLContext | None = None) -> bytes | None:
    """The body that a server on this machine answers with, None while it
    doesn't or says no."""
    opener = urllib.request.build_opener(_direct, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=5) as response:
            return response.read()
    except (OSError, urllib.error.URLError):
        return None


def signing_key() -> str:
    """A new key (on the curve P-256) that service account tokens are signed
    with. Python's own library makes none, but its encoding is fixed but for
    the 32 secret bytes; the public half is computed by whoever reads it."""
    secret = b"\x00" + secrets.token_bytes(31)  # surely below the curve's order
    der = b"\x30\x31\x02\x01\x01\x04\x20" + secret + b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    return f"-----BEGIN EC PRIVATE KEY-----\n{base64.b64encode(der).decode()}\n-----END EC PRIVATE KEY-----\n"


class Cluster:
    def __init__(self, folder: Path, children: Children):
        self.folder = folder
        self.children = children
        self.tokens = {user: secrets.token_hex(16) for user in USERS}
        self.certificates = folder / "certificates"
        self.ca = self.certificates / "apiserver.crt"
        self.key = folder / "service-accounts.key"
        self.audit_log = folder / "audit.log"
        self.server = ""

    def start(self, controller_manager: bool) -> None:
        self._write_inputs()
        etcd_port = self._start_etcd()
        self._start_apiserver(etcd_port)
        if controller_manager:
            self._start_controller_manager()

    def _write_inputs(self) -> None:
        rows = [f'{self.tokens[user]},{user},{user},"{",".join(groups)}"\n' for user, groups in USERS.items()]
        self._write("tokens.csv", "".join(rows))
        self._write("audit-policy.json", json.dumps(AUDIT_POLICY))
        self._write(self.key.name, signing_key())
        self.audit_log.touch()

    def _write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content)
        return path

    def _start_etcd(self) -> int:
        name = secrets.token_hex(8)

        def command(port: int) -> list[str]:
            client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"
            return [
                str(layout.needed("etcd")),
                f"--name={name}",
                f"--data-dir={self.folder / 'etcd'}-{port}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster={name}={peer}",
                "--unsafe-no-fsync",  # nothing here has to survive a power cut
                "--log-level=warn",
            ]

        def ready(port: int) -> bool:
            # Asks for the member's name, to be sure that it is ours.
            request = urllib.request.Request(f"http://127.0.0.1:{port}/v3/cluster/member/list", data=b"{}", method="POST")
            return name.encode() in (answers(request) or b"")

        return self.children.start("etcd", command, ready)

    def _start_apiserver(self, etcd_port: int) -> None:
        def command(port: int) -> list[str]:
            return [
                str(layout.needed("kube-apiserver")),
                f"--etcd-servers=http://127.0.0.1:{etcd_port}",
                f"--secure-port={port}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",  # Endpoints refuse a loopback address
                f"--cert-dir={self.certificates}",
                "--service-cluster-ip-range=10.0.0.0/24",
                "--authorization-mode=RBAC",
                f"--token-auth-file={self.folder / 'tokens.csv'}",
                "--allow-privileged=true",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={self.key}",
                f"--service-account-signing-key-file={self.key}",
                "--disable-admission-plugins=ServiceAccount",
                f"--audit-policy-file={self.folder / 'audit-policy.json'}",
                f"--audit-log-path={self.audit_log}",
            ]

        def ready(port: int) -> bool:
            with contextlib.suppress(OSError, ssl.SSLError):  # no certificate yet
                context = ssl.create_default_context(cafile=str(self.ca))
                return all(self._get(port, path, context) for path in ("/readyz", "/api/v1/namespaces/default"))
            return False

        port = self.children.start("kube-apiserver", command, ready)
        self.server = f"https://127.0.0.1:{port}"

    def _get(self, port: int, path: str, context: ssl.SSLContext) -> bytes | None:
        request = urllib.request.Request(f"https://127.0.0.1:{port}{path}")
        request.add_header("Authorization", f"Bearer {self.tokens['admin']}")
        return answers(request, context)

    def _start_controller_manager(self) -> None:
        command = [
            str(layout.needed("kube-controller-manager")),
            f"--kubeconfig={self.kubeconfig('controller-manager')}",
            f"--service-account-private-key-file={self.key}",
            "--leader-elect=false",
            "--secure-port=0",
            f"--controllers={CONTROLLERS}",
        ]
        # It serves nothing to ask: that it still runs is checked later.
        self.children.start("kube-controller-manager", lambda _: command, lambda _: True)

    def kubeconfig(self, user: str) -> Path:
        """Writes a kubeconfig (JSON is YAML) with which one is that user."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "testbed",
                    "cluster": {
                        "server": self.server,
                        "certificate-authority-data": base64.b64encode(self.ca.read_bytes()).decode(),
                    },
                }
            ],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": user, "namespace": "default"}}],
            "current-context": "testbed",
        }
        name = "service-account" if user == OPERATOR_ACCOUNT else user
        return self._write(f"{name}.kubeconfig", json.dumps(content, indent=2))
