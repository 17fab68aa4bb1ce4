"""What has to be done to a table that was restored from a backup, before the service works on it."""
