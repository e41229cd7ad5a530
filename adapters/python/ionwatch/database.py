# SPDX-License-Identifier: BSD-3-Clause
"""The records of finished runs, from the database, read only.

    db = ionwatch.database.Database("sqlite:///home/me/ions.db")   # or postgresql://me@head/ions
    db.runs()
    wide = db.descriptors(group="mobile")      # a row for each run, a column for each descriptor
    db.record("lgps-600K").plot("vdos")
    db.sql('SELECT material, "E_a_eV" FROM materials WHERE "group" = ?', ["mobile"])

The tables are described in docs/database.md.  A file is read with Python's own sqlite3, so that a
copy of it is all that is needed; a server with psycopg2 (Debian: python3-psycopg2).
"""
from __future__ import annotations

import html
import json
import os
import pathlib
import re
import sqlite3
import urllib.parse
from typing import Any, Optional, Sequence

import numpy as np

from .errors import IonwatchError, Status
from .record import Record, _number, pandas

APPLICATION = 0x69776462  # PRAGMA application_id, "iwdb"
SERVERS = ("postgresql", "postgres")
SCHEMA = 4  # that this package reads


def default_uri() -> str:
    """$IONWATCH_DB, else that of this user's daemon."""
    named = os.environ.get("IONWATCH_DB")
    if named:
        return named
    state = os.environ.get("XDG_STATE_HOME") or str(pathlib.Path.home() / ".local" / "state")
    return f"sqlite://{state}/ionwatch/ionwatch.db"


def scheme_of(uri: str) -> str:
    """"sqlite", also of a plain path, or "postgresql"."""
    scheme, colon, _ = uri.partition(":")
    if not colon or "/" in scheme or scheme == "sqlite":
        return "sqlite"
    if scheme in SERVERS:
        return "postgresql"
    raise IonwatchError(
        Status.UNSUPPORTED,
        f"{label_of(uri)}: unknown kind of database {scheme!r}; known: sqlite:///path, "
        "postgresql://user@host/name",
    )


def path_of(uri: str) -> str:
    """Of "sqlite:///path", "sqlite:relative" or a plain path."""
    scheme_of(uri)
    if not uri.startswith("sqlite:"):
        return uri
    rest = uri[len("sqlite:") :]
    return re.sub("^/+", "/", rest[2:]) if rest.startswith("//") else rest


def label_of(uri: str) -> str:
    """The URI without a password."""
    uri = re.sub(r"^(\w+://[^:@/?]*):[^/?]*@", r"\1@", uri)
    return re.sub(r"(?<=[?&])(ssl)?password=[^&]*&?", "", uri)


def _question_marks(query: str) -> str:
    """The same query with %s for each ?, as psycopg2 takes it; what is in quotes stays."""
    parts = re.split(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")""", query)
    parts[0::2] = [part.replace("%", "%%").replace("?", "%s") for part in parts[0::2]]
    parts[1::2] = [part.replace("%", "%%") for part in parts[1::2]]
    return "".join(parts)


class _File:
    """A connection to SQLite."""

    version = "PRAGMA user_version"

    def __init__(self, uri: str):
        self.label = path_of(uri)
        try:
            try:
                ours = self._open("mode=ro")
            except sqlite3.OperationalError:
                # A file in WAL mode that nobody has open, in a folder that this user may not write.
                if not os.path.exists(self.label) or any(os.path.exists(self.label + part)
                                                         for part in ("-wal", "-journal")):
                    raise
                ours = self._open("immutable=1")
            self._connection.execute("PRAGMA case_sensitive_like = ON")  # as on a server
        except sqlite3.Error as error:
            raise IonwatchError(Status.NOT_FOUND, f"{self.label}: {error}") from error
        if not ours:
            self._connection.close()
            raise IonwatchError(Status.INVALID, f"{self.label} is not a database of ionwatch")

    def _open(self, how: str) -> bool:
        place = urllib.parse.quote(os.path.abspath(self.label))
        self._connection = sqlite3.connect(f"file:{place}?{how}", uri=True)
        return self._connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION

    def rows(self, query: str, values: Sequence[Any]) -> tuple[list[str], list[tuple]]:
        try:
            cursor = self._connection.execute(query, values)
            rows = cursor.fetchall()
        except sqlite3.Error as error:
            raise IonwatchError(Status.INVALID, f"{self.label}: {error}") from error
        return [column[0] for column in cursor.description or ()], rows

    def close(self) -> None:
        self._connection.close()


class _Server:
    """A connection to PostgreSQL; it reads only, each statement by itself."""

    version = "SELECT value FROM ionwatch_schema WHERE key = 'version'"

    def __init__(self, uri: str):
        try:
            import psycopg2
            import psycopg2.extensions as extensions
        except ImportError as error:
            raise IonwatchError(
                Status.NOT_FOUND,
                "databases on a server need psycopg2 (Debian: python3-psycopg2; pip: psycopg2-binary)",
            ) from error
        self.label = label_of(uri)
        self._error = psycopg2.Error
        limit = {} if "connect_timeout" in uri else {"connect_timeout": 10}
        try:
            self._connection = psycopg2.connect(uri, client_encoding="UTF8", **limit)
            self._connection.set_session(readonly=True, autocommit=True)
        except psycopg2.Error as error:
            status = Status.INVALID if isinstance(error, psycopg2.ProgrammingError) else Status.CLOSED
            text = " ".join(str(error).split())
            raise IonwatchError(status, f"{self.label}: {text}") from error
        # As from a file: the text of JSON, and numbers that are numbers.
        as_text = extensions.new_type((114, 3802), "TEXT", lambda value, cursor: value)
        as_number = extensions.new_type(
            (1700,), "NUMBER", lambda value, cursor: None if value is None else float(value)
        )
        for kind in (as_text, as_number):
            extensions.register_type(kind, self._connection)
        _, found = self.rows("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = "
                             "c.relnamespace WHERE n.nspname = ANY (current_schemas(false)) AND "
                             "c.relname = 'ionwatch_schema'", ())
        if not found[0][0]:
            self.close()
            raise IonwatchError(Status.INVALID, f"{self.label} is not a database of ionwatch")

    def rows(self, query: str, values: Sequence[Any]) -> tuple[list[str], list[tuple]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_question_marks(query), tuple(values))
                rows = cursor.fetchall() if cursor.description else []
                names = [column.name for column in cursor.description or ()]
        except self._error as error:
            status = Status.CLOSED if self._connection.closed else Status.INVALID
            text = str(error).splitlines()[0] if str(error) else "the connection broke"
            raise IonwatchError(status, f"{self.label}: {text}") from error
        return names, [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows]

    def close(self) -> None:
        self._connection.close()


class Database:
    """A database of ionwatch; uri as `ionwatch db` takes it, None: the daemon's."""

    def __init__(self, uri: Optional[str] = None):
        uri = uri or default_uri()
        self._connection = _File(uri) if scheme_of(uri) == "sqlite" else _Server(uri)
        self.label = self._connection.label
        version = int(self._rows(self._connection.version)[0][0])
        if version != SCHEMA:
            self.close()
            advice = ("use a newer ionwatch" if version > SCHEMA
                      else "`ionwatch db migrate` brings it up to date")
            raise IonwatchError(Status.UNSUPPORTED,
                                f"{self.label} has schema version {version}, this package reads {SCHEMA}: {advice}")

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple]:
        return self._connection.rows(query, values)[1]

    def sql(self, query: str, values: Sequence[Any] = ()) -> Any:
        """DataFrame of a SELECT; `values` stand for the question marks in it."""
        names, rows = self._connection.rows(query, values)
        return pandas().DataFrame.from_records(rows, columns=names)

    def runs(self) -> Any:
        """DataFrame: a row for each run, latest last."""
        return self.sql(
            "SELECT id, name, state, material, code, frames, atoms, dt_fs, time_ps, "
            "\"temperature_K\", mobile, filed_at FROM runs ORDER BY filed_at, run"
        )

    def conventions(self) -> Any:
        """DataFrame: how the numbers of each run were made, and the health of the run."""
        return self.sql(
            "SELECT id, health, velocity_source, drift, taper, vacf_window_ps, \"cutoff_meV\", "
            "paper_spacing_fs FROM runs ORDER BY filed_at, run"
        )

    def columns(self) -> list[str]:
        """Those of descriptors()."""
        return list(self.sql("SELECT * FROM descriptors_wide LIMIT 0").columns)

    def descriptors(self, group: Optional[str] = "mobile", run: Optional[str] = None,
                    columns: Optional[Sequence[str]] = None) -> Any:  # fmt: skip
        """DataFrame: a row for each run and group, a column for each descriptor, units in the names
        (the view descriptors_wide); group None: all groups.  Time goes with the number of columns:
        with `columns` there are these only, after "run"."""
        chosen = "*" if columns is None else ", ".join(f'"{name}"' for name in ("run", *columns))
        where, values = [], []
        if group is not None:
            where.append('"group" = ?')
            values.append(group)
        if run is not None:
            where.append("run = ?")
            values.append(self._find(run))
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        return self.sql(f"SELECT {chosen} FROM descriptors_wide{condition}", values)

    def materials(self) -> Any:
        """DataFrame: activation energies and D at 300 K, for each material and group."""
        return self.sql("SELECT * FROM materials ORDER BY material, \"group\"")

    def _find(self, run: str) -> str:
        """Id of the run with this name, id, or beginning of an id; of a name, the latest."""
        rows = self._rows(
            "SELECT id FROM runs WHERE id = ? OR name = ? "
            "OR (length(?) >= 4 AND substr(id, 1, length(?)) = ?) "
            "ORDER BY CASE WHEN id = ? THEN 0 WHEN name = ? THEN 1 ELSE 2 END, filed_at DESC, run "
            "DESC LIMIT 1",
            [run] * 7,
        )
        if not rows:
            raise IonwatchError(Status.NOT_FOUND, f"there is no run {run!r} in {self.label}")
        return rows[0][0]

    def record(self, run: str) -> Record:
        """The record of a run, with its series at full length."""
        number, text = self._rows("SELECT run, record FROM runs WHERE id = ?", (self._find(run),))[0]
        record = Record(json.loads(text))
        for group, series, column, data in self._rows(
            'SELECT "group", series, "column", data FROM series WHERE run = ? ORDER BY ordinal',
            (number,),
        ):
            *above, name = series.split(".")  # "msd", "paper.vdos", "history.health"
            if name == "charge_msd":
                place = record.setdefault("transport", {})
            elif above == ["history"]:
                place = record.setdefault("history", {})
            else:
                place = record["groups"].setdefault(group, {})
                for key in above:
                    place = place.setdefault(key, {})
            place = place.setdefault(name, {})
            # What is not known is stored as NaN.
            place[column] = np.frombuffer(data, dtype="<f8").tolist()
        return record

    def __getitem__(self, run: str) -> Record:
        return self.record(run)

    def __len__(self) -> int:
        return self._rows("SELECT count(*) FROM runs")[0][0]

    def __repr__(self) -> str:
        return f"<ionwatch.database.Database {self.label}: {len(self)} runs>"

    def _repr_html_(self) -> str:
        rows = self._rows(
            "SELECT name, state, material, \"temperature_K\", time_ps, \"D_cm2_s\" FROM "
            "descriptors_wide WHERE \"group\" = 'mobile' LIMIT 100"
        )
        head = "".join(
            f"<th>{word}</th>" for word in ("run", "state", "material", "K", "ps", "D (cm²/s)")
        )
        body = "".join(
            "<tr>"
            + "".join(
                f"<td>{html.escape(cell) if isinstance(cell, str) else _number(cell)}</td>"
                for cell in row
            )
            + "</tr>"
            for row in rows
        )
        return f"<p>{html.escape(self.label)}, {len(self)} runs</p><table><tr>{head}</tr>{body}</table>"
