"""Loads the run list into DuckDB by dlt, written as in dlt's documentation: dlt_dictionaries.py ADDRESS FOLDER"""

import os
import sys

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import APIKeyAuth
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

address, folder = sys.argv[1:]
client = RESTClient(
    base_url=address,
    auth=APIKeyAuth(name="x-api-key", api_key=os.environ["NEKT_API_KEY"], location="header"),
    paginator=JSONLinkPaginator(next_url_path="next"),
    data_selector="results",
)


@dlt.resource(name="runs", primary_key="id", write_disposition="append", max_table_nesting=0)
def runs():
    yield from client.paginate("/api/v1/runs/", params={"page_size": 500})


dlt.pipeline(
    "first_load",
    pipelines_dir=folder,
    destination=dlt.destinations.duckdb(os.path.join(folder, "runs.duckdb")),
    dataset_name="nekt",
).run(runs())
