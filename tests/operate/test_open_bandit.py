"""The estimators agree with obp's, on obp's own sample, where that lies beside the repository."""

from pathlib import Path

import numpy as np
import pytest

from operate.log import Floats, Ints
from operate.ope import estimators

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "open_bandit" / "men.npz"
pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason=f"no Open Bandit sample at {SAMPLE}")


@pytest.fixture(scope="module")
def sample() -> dict[str, Floats]:
    with np.load(SAMPLE) as arrays:
        return dict(arrays)


def weights(sample: dict[str, Floats]) -> Floats:
    target = sample["pi0"][:, sample["position"].astype(int)].T
    action: Ints = sample["action"].astype(np.int64)
    return estimators.importance_weights(target, action, sample["pscore"])


def test_every_estimator_agrees_with_obp(sample: dict[str, Floats]) -> None:
    w, r, under_target = weights(sample), sample["reward"], sample["dm_row"]
    assert estimators.ips(r, w) == pytest.approx(0.004533560000000009, abs=1e-9)
    assert estimators.snips(r, w) == pytest.approx(0.004604232164349611, abs=1e-9)
    assert estimators.direct_method(under_target) == pytest.approx(0.00415042829265198, abs=1e-9)
    assert estimators.doubly_robust(r, w, sample["q_logged"], under_target) == pytest.approx(
        0.0045687356924954846, abs=1e-9
    )


def test_sample_size_and_largest_weight_agree_with_obp(sample: dict[str, Floats]) -> None:
    assert estimators.effective_sample_size(weights(sample)) == pytest.approx(2467.4024180481547, abs=1e-9)
    assert weights(sample).max() == pytest.approx(10.688580000000018, abs=1e-9)
