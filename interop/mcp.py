# Asks Datasette's MCP server for the databases, the schema, a sum and a write. usage: mcp.py URL DATABASE EXPECTED_SUM
import json, sys, urllib.error, urllib.request

url, database, expected = sys.argv[1:]
session = {}


def call(method, params=None, number=None):
    """The result of a JSON-RPC request, or None for a notification (without a number)."""
    message = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    if number is not None:
        message["id"] = number
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **session}
    request = urllib.request.Request(url, json.dumps(message).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        if identifier := response.headers.get("Mcp-Session-Id"):
            session["Mcp-Session-Id"] = identifier
        body = response.read().decode()
    if number is None:
        return None
    # Streamable HTTP answers with JSON, or with the same JSON as an event.
    events = [line[len("data:"):] for line in body.splitlines() if line.startswith("data:")]
    answer = json.loads(events[-1] if events else body)
    assert "error" not in answer, answer
    return answer["result"]


def use(tool, arguments, number):
    return call("tools/call", {"name": tool, "arguments": arguments}, number)


client = {"name": "runledger-interop", "version": "1"}
call("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}, 1)
call("notifications/initialized")
tools = {tool["name"]: tool for tool in call("tools/list", {}, 2)["tools"]}
assert {"list_databases", "get_database_schema", "execute_sql"} <= tools.keys(), tools
argument = next(name for name in tools["execute_sql"]["inputSchema"]["properties"] if name.startswith("database"))

assert database in json.dumps(use("list_databases", {}, 3))
assert "run_snapshots" in json.dumps(use("get_database_schema", {argument: database}, 4))
sql = "SELECT sum(total_cost_nanos) AS nanos FROM runs"
answer = use("execute_sql", {argument: database, "sql": sql}, 5)
assert expected in json.dumps(answer), answer
refused = use("execute_sql", {argument: database, "sql": "DELETE FROM run_snapshots"}, 6)
assert refused.get("isError"), refused
print(f"Datasette's MCP server answers {expected} nano-dollars, and refuses to write")
