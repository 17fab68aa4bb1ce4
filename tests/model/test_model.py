"""Users and jobs at random against the reference model.

`make test` runs a few fixed examples; FETTLE_MODEL_EXAMPLES=n runs n new ones, of 100 steps each.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from lab.proofs.model.machine import Fettle

EXAMPLES = int(os.environ.get("FETTLE_MODEL_EXAMPLES", "0"))


@pytest.mark.usefixtures("endpoint")
def test_whatever_users_and_jobs_do_the_promises_hold() -> None:
    run_state_machine_as_test(
        Fettle,
        settings=settings(
            max_examples=EXAMPLES or 10,
            stateful_step_count=100 if EXAMPLES else 40,
            derandomize=not EXAMPLES,
            print_blob=bool(EXAMPLES),
            phases=[Phase.generate, *([Phase.shrink] if EXAMPLES else [])],  # a failure is told at once, or made small
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
