"""Every committed change to whoever watches, in order, once: one reader a process, and only while somebody watches."""

from graphql_api.feed.reader import Feed
from graphql_api.feed.watcher import WAITING, Watcher
from graphql_api.storage.changes import Change

__all__ = ["WAITING", "Change", "Feed", "Watcher"]
