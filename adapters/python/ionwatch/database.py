# SPDX-License-Identifier: BSD-3-Clause
"""The records of finished runs, from the database, read only.

    db = ionwatch.database.Database("sqlite:///home/me/ions.db")
    db.runs()
    wide = db.descriptors(group="mobile")      # a row for each run, a column for each descriptor
    db.record("lgps-600K").plot("vdos")
    db.sql("SELECT material, E_a_eV FROM materials WHERE \\"group\\" = 'mobile'")

The tables are described in ionwatch(1); they are read with Python's own sqlite3, so that a copy of
the file is all that is needed.
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


def default_uri() -> str:
    """$IONWATCH_DB, else that of this user's daemon."""
    named = os.environ.get("IONWATCH_DB")
    if named:
        return named
    state = os.environ.get("XDG_STATE_HOME") or str(pathlib.Path.home() / ".local" / "state")
    return f"sqlite://{state}/ionwatch/ionwatch.db"


def path_of(uri: str) -> str:
    """Of "sqlite:///path", "sqlite:relative" or a plain path."""
    scheme, colon, rest = uri.partition(":")
    if not colon or "/" in scheme:
        return uri
    if scheme != "sqlite":
        raise IonwatchError(
            Status.UNSUPPORTED, f"{uri}: unknown kind of database {scheme!r}; known: sqlite:///path"
        )
    return re.sub("^/+", "/", rest[2:]) if rest.startswith("//") else rest


class Database:
    """A database of ionwatch; uri as `ionwatch db` takes it, None: the daemon's."""

    def __init__(self, uri: Optional[str] = None):
        self.path = path_of(uri or default_uri())
        place = urllib.parse.quote(os.path.abspath(self.path))
        try:
            self._connection = sqlite3.connect(f"file:{place}?mode=ro", uri=True)
            self._connection.row_factory = sqlite3.Row
            ours = self._connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
        except sqlite3.Error as error:
            raise IonwatchError(Status.NOT_FOUND, f"{self.path}: {error}") from error
        if not ours:
            self._connection.close()
            raise IonwatchError(Status.INVALID, f"{self.path} is not a database of ionwatch")

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise IonwatchError(Status.IO, f"{self.path}: {error}") from error

    def sql(self, query: str, values: Sequence[Any] = ()) -> Any:
        """DataFrame of a SELECT; `values` stand for the question marks in it."""
        try:
            cursor = self._connection.execute(query, values)
            rows = [tuple(row) for row in cursor]
        except sqlite3.Error as error:
            raise IonwatchError(Status.INVALID, f"{self.path}: {error}") from error
        names = [column[0] for column in cursor.description or ()]
        return pandas().DataFrame.from_records(rows, columns=names)

    def runs(self) -> Any:
        """DataFrame: a row for each run, latest last."""
        return self.sql(
            "SELECT id, name, state, material, code, frames, atoms, dt_fs, time_ps, temperature_K, "
            "mobile, filed_at FROM runs ORDER BY filed_at, run"
        )

    def descriptors(self, group: Optional[str] = "mobile", run: Optional[str] = None) -> Any:
        """DataFrame: a row for each run and group, a column for each descriptor, units in the names
        (the view descriptors_wide); group None: all groups."""
        where, values = [], []
        if group is not None:
            where.append('"group" = ?')
            values.append(group)
        if run is not None:
            where.append("run = ?")
            values.append(self._find(run))
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        return self.sql(f"SELECT * FROM descriptors_wide{condition}", values)

    def materials(self) -> Any:
        """DataFrame: activation energies and D at 300 K, for each material and group."""
        return self.sql("SELECT * FROM materials")

    def _find(self, run: str) -> str:
        """Id of the run with this name, id, or beginning of an id; of a name, the latest."""
        rows = self._rows(
            "SELECT id FROM runs WHERE id = ?1 OR name = ?1 "
            "OR (length(?1) >= 4 AND substr(id, 1, length(?1)) = ?1) "
            "ORDER BY id = ?1 DESC, name = ?1 DESC, filed_at DESC, run DESC LIMIT 1",
            (run,),
        )
        if not rows:
            raise IonwatchError(Status.NOT_FOUND, f"there is no run {run!r} in {self.path}")
        return rows[0]["id"]

    def record(self, run: str) -> Record:
        """The record of a run, with its series at full length."""
        row = self._rows("SELECT run, record FROM runs WHERE id = ?", (self._find(run),))[0]
        record = Record(json.loads(row["record"]))
        for one in self._rows(
            'SELECT "group", series, "column", data FROM series WHERE run = ? ORDER BY ordinal',
            (row["run"],),
        ):
            *above, name = one["series"].split(".")  # "msd", "paper.vdos", "history.health"
            if name == "charge_msd":
                place = record.setdefault("transport", {})
            elif above == ["history"]:
                place = record.setdefault("history", {})
            else:
                place = record["groups"].setdefault(one["group"], {})
                for key in above:
                    place = place.setdefault(key, {})
            place = place.setdefault(name, {})
            # What is not known is stored as NaN.
            place[one["column"]] = np.frombuffer(one["data"], dtype="<f8").tolist()
        return record

    def __getitem__(self, run: str) -> Record:
        return self.record(run)

    def __len__(self) -> int:
        return self._rows("SELECT count(*) FROM runs")[0][0]

    def __repr__(self) -> str:
        return f"<ionwatch.database.Database {self.path}: {len(self)} runs>"

    def _repr_html_(self) -> str:
        rows = self._rows(
            "SELECT name, state, material, temperature_K, time_ps, D_cm2_s FROM descriptors_wide "
            "WHERE \"group\" = 'mobile' LIMIT 100"
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
        return f"<p>{html.escape(self.path)}, {len(self)} runs</p><table><tr>{head}</tr>{body}</table>"
