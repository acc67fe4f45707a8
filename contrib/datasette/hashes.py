# Datasette plugin (--plugins-dir) that shows hashes in hexadecimal, as sha256sum prints them. Without it Datasette
# fails on views with a column of bytes, such as `runs`: it needs a row id to offer the bytes as a download.
from datasette import hookimpl


@hookimpl
def render_cell(value):
    return value.hex() if isinstance(value, bytes) else None
