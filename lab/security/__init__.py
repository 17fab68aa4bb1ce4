"""The template, the pinned packages, the code and the repository's files, each looked at by a scanner."""
