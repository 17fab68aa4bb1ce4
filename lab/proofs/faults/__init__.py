"""Makes every DynamoDB call of every operation and job fail once in every way, and checks the table afterwards."""
