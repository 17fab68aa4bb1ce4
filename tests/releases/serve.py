"""One release as a process: reads calls of its functions as lines of JSON, and answers each with a line."""

import json
import sys

import rl_core
from local.functions import Functions
from local.template import load
from local.tokens import PARAMETERS


def main() -> None:
    """Says where its layer lies, then serves until its input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # the functions log to what stdout then is
    functions = Functions(load(PARAMETERS), fresh=False)
    print(json.dumps(rl_core.__file__), file=answers, flush=True)
    for line in sys.stdin:
        function, event = json.loads(line)
        try:
            said = {"answer": functions.invoke(function, event)}
        except Exception as error:
            said = {"raised": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main()
