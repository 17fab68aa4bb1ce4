"""People who act on the deployed stack under its own managed policies, as the IAM of MiniStack judges them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from local.intrinsics import REGION
from tests.e2e.deployment import Deployment

ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command came to."""

    code: int
    told: str
    error: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a terminal, with the credentials of a role to which one policy is attached, and no others."""

    deployment: Deployment
    role: str
    variables: Mapping[str, str]

    @classmethod
    def under(cls, policy: str, deployment: Deployment) -> "Person":
        """Attaches the stack's managed policy to a new role, and has somebody take the role on."""
        iam, role = deployment.client("iam"), f"someone-with-{policy}"
        arn = deployment.resources("AWS::IAM::ManagedPolicy")[policy]
        trust = {"Version": "2012-10-17", "Statement": [ANYBODY]}
        made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        its = deployment.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="jo")["Credentials"]
        return cls(
            deployment,
            role,
            {
                "AWS_ACCESS_KEY_ID": its["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": its["SecretAccessKey"],
                "AWS_SESSION_TOKEN": its["SessionToken"],
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL": _from_afar(deployment.endpoint),
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            },
        )

    @property
    def arn(self) -> str:
        """Returns by which name STS knows them."""
        return f"arn:aws:sts::000000000000:assumed-role/{self.role}/jo"

    def types(self, *words: str) -> Typed:
        """Runs a command of `python -m operate` on the stack's table, in a process of its own."""
        command = [sys.executable, "-m", "operate", "--table", self.deployment.table_name, *words]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(command, env=kept | dict(self.variables), capture_output=True, text=True, check=False)
        return Typed(done.returncode, done.stdout, done.stderr)


def _from_afar(endpoint: str) -> str:
    """Spells this machine's address as the command does not know it, so that it asks STS who acts, as on AWS."""
    return f"http://127.1:{urlsplit(endpoint).port}"
