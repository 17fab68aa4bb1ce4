"""Computes the figures of a user's day and of a segment's day. Pure: values in, values out."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)  # the face is __init__.pyi
