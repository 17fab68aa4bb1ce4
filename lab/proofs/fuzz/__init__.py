"""schemathesis against docs/openapi.json and the local stack."""
