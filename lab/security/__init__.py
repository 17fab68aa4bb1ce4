"""Scans the template, the pinned packages, the code and the repository's files."""
