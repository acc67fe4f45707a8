# Compares a running Datasette with runledger: the answer to every question, and the descriptions of tables and columns.
# usage: datasette.py RUNLEDGER ARCHIVE METADATA URL   (URL serves ARCHIVE with METADATA; stdin has two dates: from, until)
import html, json, pathlib, subprocess, sys, urllib.parse, urllib.request
from datetime import date, timedelta
from decimal import Decimal

runledger, archive, metadata, url = sys.argv[1:]
name = pathlib.Path(archive).stem
database = json.load(open(metadata))["databases"][name]


def get(path, **fields):
    address = f"{url}/{name}{path}?{urllib.parse.urlencode(fields)}"
    with urllib.request.urlopen(address, timeout=60) as response:
        assert response.status == 200, address
        return response.read().decode()


def report(question, *arguments):
    command = [runledger, "--db", archive, "report", question, "--format", "json", "--zone", "UTC", *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def rows(text):
    # Datasette returns amounts as text, in the form that the question's SQL gives them.
    def comparable(value):
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return Decimal(value)
        try:
            return Decimal(value)
        except Exception:
            return value

    answer = json.loads(text, parse_float=Decimal)
    # runledger's JSON has the scope of the answer too.
    found = answer["rows"] if isinstance(answer, dict) else answer
    return [{key: comparable(value) for key, value in row.items()} for row in found]


answers = 0
month = dict(zip(("from", "until"), sys.stdin.read().split()))
for question, query in database["queries"].items():
    # Months in SQL are those of UTC. Query parameters and the options with the same meaning.
    variants = [({}, []), ({"from": "", "until": ""}, [])]
    if question == "change":
        # It compares whole periods. The demo has closed the month of that date, in another zone.
        first = (date.fromisoformat(month["from"]).replace(day=1) - timedelta(days=1)).replace(day=1)
        fields = {"from": first, "until": (first + timedelta(days=31)).replace(day=1)}
        variants.append((fields, ["--period", f"{first:%Y-%m}"]))
    else:
        variants.append((month, ["--from", month["from"], "--until", month["until"]]))
    if ":limit" in query["sql"]:
        variants.append(({"limit": "3"}, ["--limit", "3"]))
    for fields, arguments in variants:
        theirs, ours = rows(get(f"/{question}.json", _shape="array", **fields)), rows(report(question, *arguments))
        assert theirs == ours, f"{question} {fields}: Datasette: {theirs[:2]}…, runledger: {ours[:2]}…"
        answers += 1
    assert html.escape(query["title"], quote=False) in html.unescape(get(f"/{question}")), f"{question} has no title"

described = 0
for table, shown in database["tables"].items():
    page = html.unescape(get(f"/{table}"))
    assert shown["description"] in page, f"the page of {table} lacks its description"
    for column, words in shown["columns"].items():
        assert words in page, f"the page of {table} lacks the description of {column}"
        described += 1
assert "refinery_schema_history" not in get("").split("hidden")[0], "the migration history is not hidden"
print(f"Datasette answers {len(database['queries'])} questions as runledger does ({answers} variants) and describes {described} columns")
