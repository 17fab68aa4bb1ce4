"""SAM's own transform, offline: prints as JSON what a template becomes. Runs in SAM CLI's environment:

.venv-sam/bin/python tests/e2e/transform.py TEMPLATE NAME=VALUE ...
"""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]
from samtranslator.translator.transform import transform  # type: ignore[import-not-found]

NO_MANAGED_POLICIES = SimpleNamespace(load=dict)  # those that it cannot look up it names by their ARN
ELSEWHERE = "s3://bucket/key"  # the transform takes no local path; what is packaged has none left


def main(path: str, *overrides: str) -> None:
    """Transform the template at this path with these parameters."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    template = yaml_parse(Path(path).read_text())
    for resource in template["Resources"].values():
        for uri in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            if not str(resource["Properties"][uri]).startswith("s3://"):
                resource["Properties"][uri] = ELSEWHERE
    parameters = dict(pair.split("=", 1) for pair in overrides)
    json.dump(transform(template, parameters, NO_MANAGED_POLICIES), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
