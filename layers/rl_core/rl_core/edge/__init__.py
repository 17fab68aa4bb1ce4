"""Holds what the functions share at their edge: HTTP in `http`, languages, CloudWatch in `measures`."""

import warnings

# Many requests, and most runs of a job, have nothing to count; Powertools would warn at each of them.
warnings.filterwarnings("ignore", "No application metrics to publish", UserWarning)
