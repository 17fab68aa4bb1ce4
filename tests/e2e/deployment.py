"""The template as `sam build` makes it, deployed to MiniStack with role policies enforced, and changed there."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import jwt

from local import ministack
from local.clock import Clock, RealClock
from local.intrinsics import REGION
from local.stack import UNCAPPED
from local.template import TEMPLATE
from tests.e2e.emulator import SAM
from tests.e2e.shim import for_ministack

ROOT = TEMPLATE.parents[1]
STACK, BUCKET = "fettle-e2e", "fettle-e2e-code"
PASSWORD = "Correct-horse-7"
ORIGIN = "https://app.example"
KEY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # MiniStack's root
# The Python that runs MiniStack runs the functions too, so it should be Lambda's; `make venv` looks for one.
PYTHON = ROOT / ".venv-lambda" / "bin" / "python"
PARAMETERS = {
    "Architecture": {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()],
    "Canary": "false",  # MiniStack has no CodeDeploy for Lambda
    "CorsOrigins": ORIGIN,
    "ProtectData": "false",
    **UNCAPPED,
}
TRANSFORM = Path(__file__).with_name("transform.py")


class DeploymentError(Exception):
    """A tool failed; its output says why."""


@dataclass(slots=True)
class Deployment:
    """One stack on one MiniStack. `source` is a copy of what is built, so that a test may change it."""

    endpoint: str
    source: Path
    overrides: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=RealClock)

    def client(self, service: str) -> Any:
        """A client of MiniStack, as its root."""
        if service not in self.clients:
            session: Any = boto3.Session("test", "test", region_name=REGION)
            self.clients[service] = session.client(service, endpoint_url=self.endpoint)
        return self.clients[service]

    @property
    def build(self) -> Path:
        """What `sam build` made."""
        return self.source / ".aws-sam" / "build"

    def deploy(self, **overrides: str) -> None:
        """`sam build`, `sam package`, SAM's transform, the shim, `sam deploy`."""
        self.overrides |= overrides
        self.sam("build", "--template", "infra/template.yaml", "--parameter-overrides", *self._pairs())
        packaged = self.source / "packaged.yaml"
        self.sam("package", "--s3-bucket", BUCKET, "--output-template-file", str(packaged))
        transformed = json.loads(_run([SAM / "bin" / "python", TRANSFORM, packaged, *self._pairs()], self))
        template, self.left_out = for_ministack(transformed)
        deployed = self.source / "deployed.json"
        deployed.write_text(json.dumps(template))
        self.sam("deploy", "--template-file", str(deployed), *_DEPLOY, "--parameter-overrides", *self._pairs())
        self._execute()
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
        self.stop_schedules()

    def sam(self, *arguments: str) -> str:
        """One command of SAM CLI, in the copied source."""
        return _run([SAM / "bin" / "sam", *arguments], self)

    def resources(self, kind: str) -> dict[str, str]:
        """Physical ids of the stack's resources of this type, by logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        found = [it for page in pages for it in page["StackResourceSummaries"] if it["ResourceType"] == kind]
        return {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in found}

    @property
    def url(self) -> str:
        """Where the API is, with `hosts` in the header: its host's name says which API is meant, as on AWS."""
        return self.endpoint

    @property
    def hosts(self) -> dict[str, str]:
        """The header that names the API."""
        return {"host": httpx.URL(self.outputs["ApiUrl"]).host}

    @property
    def table_name(self) -> str:
        """The stack's table."""
        return self.outputs["TableName"]

    @property
    def erasures_name(self) -> str:
        """The stack's table of whom was erased."""
        return self.outputs["ErasuresTableName"]

    @property
    def dynamodb(self) -> Any:
        """A client of the data, as MiniStack's root."""
        return self.client("dynamodb")

    def sign_up(self, name: str) -> str:
        """The subject of a new user of the stack's pool."""
        token = self._sign_up(f"{name}@example.org")["IdToken"]
        subject = str(jwt.decode(token, options={"verify_signature": False})["sub"])
        self.tokens[subject] = token
        return subject

    def token(self, user: str) -> str:
        """An id token of the stack's user pool: by subject, or by name, and then the user is made on first use."""
        if user not in self.tokens:
            self.tokens[user] = self.tokens[self.sign_up(user)]
        return self.tokens[user]

    def stop_schedules(self) -> None:
        """MiniStack fires them, but hands on their placeholder for the time as it stands: a test fires each instead."""
        scheduler = self.client("scheduler")
        for name in self.resources("AWS::Scheduler::Schedule").values():
            found = scheduler.get_schedule(Name=name)
            kept = {key: found[key] for key in ("Target", "FlexibleTimeWindow", "ScheduleExpression")}
            scheduler.update_schedule(Name=name, State="DISABLED", **kept)

    def _execute(self) -> None:
        """Carry out the changes that `sam deploy` prepared; it would look every 30 seconds whether they are done."""
        formation = self.client("cloudformation")
        (stack,) = formation.describe_stacks(StackName=STACK)["Stacks"]
        done = "create" if stack["StackStatus"] == "REVIEW_IN_PROGRESS" else "update"
        latest = max(formation.list_change_sets(StackName=STACK)["Summaries"], key=lambda it: it["CreationTime"])
        formation.execute_change_set(StackName=STACK, ChangeSetName=latest["ChangeSetId"])
        waiter = formation.get_waiter(f"stack_{done}_complete")
        waiter.wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120})

    def _sign_up(self, email: str) -> dict[str, str]:
        cognito, pool = self.client("cognito-idp"), self.outputs["UserPoolId"]
        cognito.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=PASSWORD, Permanent=True)
        return self.sign_in(email)

    def sign_in(self, email: str) -> dict[str, str]:
        """The tokens of a user of the stack's pool."""
        result = self.client("cognito-idp").admin_initiate_auth(
            UserPoolId=self.outputs["UserPoolId"],
            ClientId=self.outputs["UserPoolClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
        )
        tokens: dict[str, str] = result["AuthenticationResult"]
        return tokens

    def _pairs(self) -> list[str]:
        return [f"{name}={value}" for name, value in self.overrides.items()]


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """The stack, deployed from a copy of what is built, on a MiniStack that is gone afterwards."""
    source = folder / "source"
    for name in ("infra", "functions", "layers"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    with ministack.running(folder / "stack", PYTHON, {**KEY, "AUTH": "true"}) as endpoint:
        deployment = Deployment(endpoint, source)
        deployment.client("s3").create_bucket(Bucket=BUCKET)
        deployment.deploy(**PARAMETERS)
        yield deployment


_DEPLOY = (
    *("--stack-name", STACK, "--s3-bucket", BUCKET, "--capabilities", "CAPABILITY_IAM"),
    *("--no-execute-changeset", "--no-progressbar"),
)


def version_of_lambda() -> str:
    """The version of the Python that runs the functions here: Lambda's own, if this machine has it."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def _run(command: list[Any], deployment: Deployment) -> str:
    """What the command prints. Raises DeploymentError with all of its output."""
    done = subprocess.run(
        command, cwd=deployment.source, env=_environment(deployment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DeploymentError(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _environment(deployment: Deployment) -> Mapping[str, str]:
    """This machine's, without its AWS settings; AWS ends at MiniStack."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        **KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": deployment.endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHON": sys.executable,
        "SAM_CLI_POLL_DELAY": "0.5",
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(deployment.source.parent),
        "TARGET_PYTHON": version_of_lambda(),
    }
