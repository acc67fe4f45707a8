# Checks reports on a pseudo-terminal: bars only where there is room, no line wider than the terminal.
# usage: terminal.py RUNLEDGER ARCHIVE
import fcntl, os, pty, struct, subprocess, sys, termios, unicodedata

runledger, archive = sys.argv[1:]
BARS = set("▏▎▍▌▋▊▉█▁▂▃▄▅▆▇")
# With CI set, even a dumb terminal gets colors.
DECIDES = {"CI", "COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in DECIDES}


def on_terminal(width, *arguments, **variables):
    """What `runledger report` prints on a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    command = [runledger, "--db", archive, "report", *arguments]
    command = subprocess.Popen(command, stdout=theirs, env={**ENVIRONMENT, "TERM": "xterm-256color", **variables})
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


def piped(*arguments, **variables):
    command = [runledger, "--db", archive, "report", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**ENVIRONMENT, **variables}).stdout


drawn = 0
for arguments in (["cost"], ["cost", "--by", "kind"], ["cost", "--by", "trigger"], ["duration", "--by", "week"], ["credits"]):
    for width in (40, 60, 80, 100, 120, 160, 200):
        text = on_terminal(width, *arguments, NO_COLOR="1")
        longest = max(map(columns, text.splitlines()))
        assert longest <= width, f"{arguments} at {width}: {longest}"
        drawn += bool(BARS & set(text))
    # A pipe gets the table of a terminal with 80 columns, without colors.
    assert piped(*arguments) == on_terminal(80, *arguments, NO_COLOR="1"), arguments
    assert piped(*arguments, COLUMNS="60") == on_terminal(60, *arguments, NO_COLOR="1"), arguments
assert drawn >= 20, drawn

colored = on_terminal(80, "cost")
assert "\x1b[1m" in colored and "\x1b[2m" in colored, "a terminal gets no colors"
assert "\x1b" not in piped("cost") + on_terminal(80, "cost", TERM="dumb"), "a pipe or a dumb terminal gets colors"
assert "\x1b[1m" in piped("cost", "--color", "always"), "--color always gives a pipe no colors"
assert "By month" in on_terminal(200, "cost", "--by", "kind", NO_COLOR="1")
print(f"tables fit every terminal, {drawn} of 35 have bars; colors only on a terminal")
