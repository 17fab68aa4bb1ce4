"""Reads and writes the one table (docs/data-model.md). No other package knows keys, items, conditions or botocore."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)  # the face is __init__.pyi
