"""Writes the store's endpoints.json: botocore's own, without the services that are not DynamoDB.

`python -m local.endpoints` writes it; a test says when botocore's has changed. A region that is younger than the file
is found by its partition's pattern, as with botocore's own file.
"""

import json
import sys
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

ENDPOINTS = Path(__file__).parents[1] / "layers" / "rl_core" / "rl_core" / "store" / "botocore" / "endpoints.json"


def generate() -> str:
    """Returns the content of the file."""
    document: Any = Loader().load_data("endpoints")
    for partition in document["partitions"]:
        partition["services"] = {"dynamodb": partition["services"]["dynamodb"]}
    return json.dumps(document, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    sys.exit(ENDPOINTS.write_text(generate()) == 0)
