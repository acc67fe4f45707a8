# This is the check that a real Datasette answers every question as runledger does, and shows the archive's words.
# usage: datasette.py RUNLEDGER ARCHIVE METADATA URL   (Datasette serves the archive at URL with the metadata)
import html, json, pathlib, subprocess, sys, urllib.parse, urllib.request
from decimal import Decimal

runledger, archive, metadata, url = sys.argv[1:]
name = pathlib.Path(archive).stem
database = json.load(open(metadata))["databases"][name]


def got(path, **fields):
    address = f"{url}/{name}{path}?{urllib.parse.urlencode(fields)}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.status == 200, address
        return answer.read().decode()


def told(question, *arguments):
    command = [runledger, "--db", archive, "report", question, "--format", "json", *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def rows(text):
    # Datasette gives an amount as the question's SQL makes it, as a text: what counts are its digits.
    def comparable(value):
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return Decimal(value)
        try:
            return Decimal(value)
        except Exception:
            return value

    return [{key: comparable(value) for key, value in row.items()} for row in json.loads(text, parse_float=Decimal)]


asked = 0
month = dict(zip(("from", "until"), sys.stdin.read().split()))
for question, query in database["queries"].items():
    ways = [({}, []), ({"from": "", "until": ""}, [])]
    ways.append((month, ["--from", month["from"], "--until", month["until"]]))
    if ":limit" in query["sql"]:
        ways.append(({"limit": "3"}, ["--limit", "3"]))
    for fields, arguments in ways:
        theirs, ours = rows(got(f"/{question}.json", _shape="array", **fields)), rows(told(question, *arguments))
        assert theirs == ours, f"{question} {fields}: Datasette says {theirs[:2]}…, runledger says {ours[:2]}…"
        asked += 1
    assert html.escape(query["title"], quote=False) in html.unescape(got(f"/{question}")), f"{question} has no title"

described = 0
for table, shown in database["tables"].items():
    page = html.unescape(got(f"/{table}"))
    assert shown["description"] in page, f"the page of {table} does not describe it"
    for column, words in shown["columns"].items():
        assert words in page, f"the page of {table} does not describe {column}"
        described += 1
listed = got("")
assert "refinery_schema_history" not in listed.split("hidden")[0], "the history of migrations is hidden"
print(f"Datasette answers {len(database['queries'])} questions as runledger does ({asked} ways), and describes {described} columns")
