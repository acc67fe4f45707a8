"""Downloads the pages of the run list and loads them by DuckDB's `read_json`: duckdb_read_json.py ADDRESS FOLDER"""

import pathlib
import sys

import duckdb

from pages import pages

address, folder = sys.argv[1:]
for number, page in enumerate(pages(address)):
    pathlib.Path(folder, f"{number:06}.json").write_bytes(page)
duckdb.connect(f"{folder}/runs.duckdb").execute(
    f"CREATE TABLE runs AS SELECT unnest(run) FROM (SELECT unnest(results) AS run FROM read_json('{folder}/*.json'))"
)
