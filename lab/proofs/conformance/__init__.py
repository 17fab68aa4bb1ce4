"""Compares two implementations of DynamoDB by running the integration tests and the faults on both."""
