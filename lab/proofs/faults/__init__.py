"""Every DynamoDB call of every operation and job fails once in every way; the table must come out right."""
