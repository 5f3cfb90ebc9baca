"""What the errors of asyncpg mean: a race, a refusal, a connection that is lost, with or without a change behind it."""

import asyncpg

from graphql_api.storage.engine import NoTables, Raced, of_unknown_outcome, unavailable

AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""The database cannot be reached now, and may be a moment later."""

RACES = (
    Raced,
    asyncpg.UniqueViolationError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    # The tables were changed since the statement was prepared; within a transaction asyncpg leaves it to us.
    asyncpg.InvalidCachedStatementError,
)

SILENT = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError)
"""The database did not answer: what was sent may have been carried out. Any other error is its answer: it was not."""

ENDING = (
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
)
"""PostgreSQL said that it ends this connection, which takes back what it was doing; another one may be had.

It ends one only while a statement runs or between two, never between the commit of a statement and its answer.
"""

WRONG = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.QueryCanceledError)
"""What is refused, or was stopped, may be one statement of a batch."""


class Lost(Exception):
    """The connection was lost before anything was sent that could have changed something."""


def meaning(error: BaseException, timeout: float) -> Exception | None:
    """What the database says instead of carrying out a statement is a refusal: nothing was written.

    `timeout`: seconds that statements have. None where it is nothing that may be, but a fault of ours.
    """
    if isinstance(error, (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)):
        return NoTables()
    if isinstance(error, asyncpg.QueryCanceledError):
        return too_slow(timeout)
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return unavailable("its role may not do this")
    if isinstance(error, (asyncpg.ReadOnlySQLTransactionError, asyncpg.PostgresSystemError)):
        return unavailable("it takes no changes now")
    if isinstance(error, (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)):
        return unavailable("a pooler before it gives one connection to several clients; let it pool sessions")
    if isinstance(error, ENDING):
        return Lost()
    if isinstance(error, (asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError)):
        return unavailable("it is stopping or short of resources")
    return None


def too_slow(timeout: float) -> Exception:
    return unavailable(f"the statement took longer than {timeout:g} s (statement_timeout), or was stopped")


def lost(error: Exception, may_have_written: bool) -> Exception:
    """What asyncpg finds wrong with the values of a statement is no lost connection but a fault of ours."""
    if isinstance(error, ValueError):
        return error
    if may_have_written and not isinstance(error.__cause__, ENDING):
        return of_unknown_outcome("the connection was lost")
    return Lost()


def reason(error: BaseException) -> str:
    """Why there is no connection."""
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return "it has too many connections"
    return "it cannot be reached"
