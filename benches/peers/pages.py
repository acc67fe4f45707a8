"""The pages of the run list over one connection: shared by the peers that have no client of their own."""

import http.client
import json
import os
import urllib.parse


def pages(address):
    """The bytes of each page, in the order of the list."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc)
    headers = {"x-api-key": os.environ["NEKT_API_KEY"]}
    path = "/api/v1/runs/?page_size=500"
    while path:
        connection.request("GET", path, headers=headers)
        page = connection.getresponse().read()
        yield page
        # The address of the next page comes before the runs.
        beginning = page[: page.index(b'"results"')].rstrip(b", ") + b"}"
        following = json.loads(beginning)["next"]
        path = following and "{0.path}?{0.query}".format(urllib.parse.urlsplit(following))
