"""Loads the run list into SQLite by sqlite-utils: sqlite_utils_insert.py ADDRESS FOLDER"""

import sys

import orjson
import sqlite_utils

from pages import pages

address, folder = sys.argv[1:]
database = sqlite_utils.Database(f"{folder}/runs.db")
database.enable_wal()
database["runs"].insert_all(
    (run for page in pages(address) for run in orjson.loads(page)["results"]), pk="id", batch_size=1000
)
