"""The local stack: infra/template.yaml served on a laptop, without a cloud account.

`Stack` is the public face; `python -m local` runs it. Nothing here is deployed, and nothing that is
deployed imports it.
"""
