"""Measures how long a sandbox takes until a request handler is ready, compared with a bare DynamoDB client."""
