"""Loads the run list into SQLite by Python's standard library and orjson: python_sqlite.py ADDRESS FOLDER

Two indexes, no history: the least that someone would write to query costs by pipeline and month.
"""

import sqlite3
import sys

import orjson

from pages import pages

COLUMNS = (
    "id", "number", "created_at", "updated_at", "started_at", "ended_at", "status", "credit_charge_status",
    "el_cost_usd", "transformation_cost_usd", "source", "destination", "transformation",
)

address, folder = sys.argv[1:]
database = sqlite3.connect(f"{folder}/runs.db")
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = NORMAL")
database.execute(f"CREATE TABLE runs ({', '.join(COLUMNS)}, document TEXT, PRIMARY KEY (id))")
insert = f"INSERT INTO runs VALUES ({', '.join('?' * (len(COLUMNS) + 1))})"
for page in pages(address):
    runs = orjson.loads(page)["results"]
    with database:
        database.executemany(
            insert, ([*(run[name] for name in COLUMNS), orjson.dumps(run).decode()] for run in runs)
        )
database.execute("CREATE INDEX runs_started_at ON runs (started_at)")
