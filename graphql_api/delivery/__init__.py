"""Delivering webhooks: one process a database sends, to each endpoint by itself, of each flow in its order."""
