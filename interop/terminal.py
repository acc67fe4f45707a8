# Checks reports on a pseudo-terminal: bars only where there is room, no line wider than the terminal.
# usage: terminal.py RUNLEDGER ARCHIVE
import fcntl, os, pty, struct, subprocess, sys, termios, unicodedata

runledger, archive = sys.argv[1:]
BARS = set("▏▎▍▌▋▊▉█▁▂▃▄▅▆▇")


def on_terminal(width, *arguments, **variables):
    """What `runledger report` prints on a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    command = subprocess.Popen([runledger, "--db", archive, "report", *arguments], stdout=theirs, env=environment)
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # EIO: on Linux the end of a pseudo-terminal's output.
            part = b""
        if not part:
            break
        text += part
    assert command.wait() == 0, arguments
    return text.decode().replace("\r\n", "\n")


def columns(line):
    wide = {"W": 2, "F": 2}
    return sum(wide.get(unicodedata.east_asian_width(char), not unicodedata.combining(char)) for char in line)


piped = subprocess.run([runledger, "--db", archive, "report", "cost"], capture_output=True, text=True, check=True).stdout
assert not BARS & set(piped), "a pipe gets bars"
plain = max(map(len, piped.splitlines()))
for width in (plain - 10, plain, plain + 7):
    assert on_terminal(width, "cost") == piped, f"{width} columns have no room for bars, but the table changes"
assert on_terminal(plain + 50, "cost", TERM="dumb") == piped, "TERM=dumb gets bars"
drawn = 0
for arguments in (["cost"], ["cost", "--by", "kind"], ["cost", "--by", "trigger"], ["duration", "--by", "week"], ["credits"]):
    for width in (plain + 8, plain + 20, 140, 160, 200):
        narrow = on_terminal(20, *arguments)
        text = on_terminal(width, *arguments)
        longest = max(map(columns, text.splitlines()))
        assert longest <= max(width, max(map(columns, narrow.splitlines()))), f"{arguments} at {width}: {longest}"
        drawn += bool(BARS & set(text))
assert BARS & set(on_terminal(plain + 8, "cost")) and drawn >= 15, drawn
assert "by month" in on_terminal(200, "cost", "--by", "kind")
print(f"a terminal with room gets bars ({drawn} of 25 tables), a pipe never does")
