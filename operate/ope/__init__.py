"""Off-policy evaluation: estimates what another policy would have earned, from decisions logged with propensities."""
