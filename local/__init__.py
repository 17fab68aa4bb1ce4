"""Serves infra/template.yaml on a laptop, without a cloud account: the local stack.

`Stack` is its interface; `python -m local` runs it. Nothing here is deployed, and no deployed code imports it.
"""
