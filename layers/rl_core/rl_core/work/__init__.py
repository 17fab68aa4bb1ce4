"""Runs the loops that join rules and store: read, decide, commit, try again."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)  # the face is __init__.pyi
