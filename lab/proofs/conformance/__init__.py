"""Two implementations of DynamoDB, held against each other by the integration tests and the faults."""
