"""Checks that each metric in the expressions of the alert rules and of the dashboard has a sample in a metrics file.

Writes the expressions of the dashboard as rules, in which promtool finds errors of syntax.
Usage: monitoring.py METRICS DASHBOARD_RULES
"""

import json
import re
import sys

RULES = "contrib/prometheus/runledger.rules.yml"
DASHBOARD = "contrib/grafana/runledger-prometheus.json"


def expressions_of_rules():
    # The value of each `expr:`, on its line or on the more indented lines below it.
    with open(RULES) as file:
        return [found[2] for found in re.finditer(r"^( *)expr: (.*\n(?:\1  .*\n)*)", file.read(), re.M)]


def expressions_of_dashboard():
    with open(DASHBOARD) as file:
        panels = json.load(file)["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def main(metrics, dashboard_rules):
    with open(metrics) as file:
        exported = set(re.findall(r"^(runledger_\w+)", file.read(), re.M))
    of_dashboard = expressions_of_dashboard()
    for place, expressions in [(RULES, expressions_of_rules()), (DASHBOARD, of_dashboard)]:
        named = set(re.findall(r"\brunledger_\w+", " ".join(expressions)))
        if len(expressions) < 15 or not named:
            sys.exit(f"{place}: only {len(expressions)} expressions are found")
        if named - exported:
            sys.exit(f"{place} names metrics without a sample: {sorted(named - exported)}")
    rules = [
        {"record": f"dashboard:{number}", "expr": expression.replace("$workspace", ".*")}
        for number, expression in enumerate(of_dashboard)
    ]
    # JSON is YAML too.
    with open(dashboard_rules, "w") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)


main(*sys.argv[1:])
