"""Message Flows: a GraphQL-first server that keeps and changes the configuration of SMS and email agents."""

__version__ = "0.1.0"
