"""The loops that join rules and store: read, decide, commit, try again."""
