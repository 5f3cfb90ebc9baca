"""Flows in and out of the server as files, in the documented REST shape."""

from graphql_api.domain.document import document
from graphql_api.transfer.documents import read, sent
from graphql_api.transfer.incoming import Brought, ImportOptions, Listener, bring, check_workspace
from graphql_api.transfer.outgoing import send

__all__ = ["Brought", "ImportOptions", "Listener", "bring", "check_workspace", "document", "read", "send", "sent"]
