"""Runs schemathesis with docs/openapi.json against the local stack."""
