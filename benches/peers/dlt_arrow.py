"""Loads the run list into DuckDB by dlt from Arrow tables: dlt_arrow.py ADDRESS FOLDER"""

import os
import sys

import dlt
import orjson
import pyarrow

from pages import pages

address, folder = sys.argv[1:]


def column(values):
    # Arrow needs one type for each column. Nested JSON stays text, as its fields differ from run to run.
    nested = any(isinstance(value, dict) for value in values)
    return pyarrow.array([orjson.dumps(value).decode() for value in values] if nested else values)


@dlt.resource(name="runs", write_disposition="append")
def runs():
    for page in pages(address):
        results = orjson.loads(page)["results"]
        yield pyarrow.table({name: column([run[name] for run in results]) for name in results[0]})


dlt.pipeline(
    "first_load",
    pipelines_dir=folder,
    destination=dlt.destinations.duckdb(os.path.join(folder, "runs.duckdb")),
    dataset_name="nekt",
).run(runs())
