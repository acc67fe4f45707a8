# This is a plugin for Datasette (--plugins-dir): it shows hashes in hexadecimal, as sha256sum prints them. Without it
# Datasette cannot show a view that has bytes in a column, such as `runs`: it looks for the row to download them from.
from datasette import hookimpl


@hookimpl
def render_cell(value):
    return value.hex() if isinstance(value, bytes) else None
