# Compares the system calls of a sync with those that the systemd unit allows.
# usage: syscalls.py STRACE_OUTPUT UNIT
import re, subprocess, sys

trace, unit = sys.argv[1:]


def expand(names):
    """The system calls of a filter, whose groups (@name) systemd lists."""
    found = set()
    for name in names.split():
        if name.startswith("@"):
            shown = subprocess.run(
                ["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True
            )
            lines = [line.strip() for line in shown.stdout.splitlines()[1:]]
            found |= expand(" ".join(line for line in lines if line and not line.startswith("#")))
        else:
            found.add(name)
    return found


allowed = set()
for denies, names in re.findall(r"^SystemCallFilter=(~?)(.*)$", open(unit).read(), re.M):
    allowed = allowed - expand(names) if denies else allowed | expand(names)
# SQLite calls fchown only as root, to give its log to the owner of the archive. The unit never runs as root.
used = set(re.findall(r"^\d+ +(\w+)\(", open(trace).read(), re.M)) - {"fchown"}
assert len(used) > 30, f"strace saw only {sorted(used)}"
assert not used - allowed, f"a sync needs system calls that the unit denies: {sorted(used - allowed)}"
