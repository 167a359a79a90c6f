"""
The tables of the store, and how events become rows and rows events.

Knows no rule about runs: those are in `runs`.
"""

import json
from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from compress_core.events import EpochEnd, Finished, Improved, Started, StepEnd

StoredEvent = Started | StepEnd | EpochEnd | Improved[Any] | Finished[Any]
EVENT_KINDS: dict[str, type[Any]] = {
    "started": Started,
    "step": StepEnd,
    "epoch": EpochEnd,
    "improved": Improved,
    "finished": Finished,
}
"""All that may be built from a stored event."""

metadata = sa.MetaData()
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("scenario", sa.Text, nullable=False),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("recipe", sa.Text, nullable=False),
    sa.Column("task", sa.String(16), nullable=False, server_default="recipe"),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("reason", sa.Text),
    sa.Column("trace", sa.Text),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("steps", sa.Integer, nullable=False),
    sa.Column("seconds_left", sa.Double),
    sa.Column("heartbeat", sa.Double),
    sa.Column("owner", sa.Text),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("checkpoint", sa.String(64), index=True),
    sa.Column("outcome", sa.Text),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)


def connect(url: str) -> sa.Engine:
    """Open a database and make sure that the tables are there."""
    if not url.startswith("sqlite"):
        database = sa.create_engine(url, pool_pre_ping=True)
    else:
        database = sa.create_engine(url, connect_args={"timeout": 30})
        sa.event.listen(database, "connect", _prepare_sqlite)
    with database.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))
        _add_new_columns(connection)
    return database


def _add_new_columns(connection: sa.Connection) -> None:
    """Bring a store up to date that an earlier version of the app made."""
    known = {column["name"] for column in sa.inspect(connection).get_columns(runs.name)}
    for column in runs.columns:
        if column.name not in known:
            definition = CreateColumn(column).compile(connection)
            connection.execute(sa.text(f"ALTER TABLE {runs.name} ADD COLUMN {definition}"))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # WAL: pages read while the worker writes. NORMAL: safe against crashes, no wait at each write.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def plain(event: StoredEvent) -> dict[str, Any]:
    """Return what an event says as plain values; its kind and its result stay behind."""
    names = (field.name for field in fields(event))
    return {name: getattr(event, name) for name in names if name not in ("kind", "result")}


def event_of(row: Any) -> StoredEvent:
    """Return the event in a row; it carries no result."""
    cls = EVENT_KINDS[row.kind]
    without = {"result": None} if "result" in (field.name for field in fields(cls)) else {}
    event: StoredEvent = cls(**json.loads(row.payload), **without)
    return event
