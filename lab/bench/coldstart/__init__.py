"""How long a sandbox takes until a request handler is ready, beside a bare DynamoDB client."""
