# Datasette plugin (--plugins-dir) that shows the hashes in tables in hexadecimal, as sha256sum prints them. Without it
# Datasette offers their bytes as a download.
from datasette import hookimpl


@hookimpl
def render_cell(value):
    return value.hex() if isinstance(value, bytes) else None
