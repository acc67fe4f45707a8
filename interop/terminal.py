# This is the check that a terminal, and nothing else, gets bars, and that no line is longer than it.
# usage: terminal.py RUNLEDGER ARCHIVE
import fcntl, os, pty, struct, subprocess, sys, termios, unicodedata

runledger, archive = sys.argv[1:]
PICTURES = set("▏▎▍▌▋▊▉█▁▂▃▄▅▆▇")


def shown(width, *arguments, **variables):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    command = subprocess.Popen([runledger, "--db", archive, "report", *arguments], stdout=theirs, env=environment)
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so at the end.
            part = b""
        if not part:
            break
        text += part
    assert command.wait() == 0, arguments
    return text.decode().replace("\r\n", "\n")


def letters(line):
    wide = {"W": 2, "F": 2}
    return sum(wide.get(unicodedata.east_asian_width(letter), not unicodedata.combining(letter)) for letter in line)


piped = subprocess.run([runledger, "--db", archive, "report", "cost"], capture_output=True, text=True, check=True).stdout
assert not PICTURES & set(piped), "a pipe gets bars"
plain = max(map(len, piped.splitlines()))
for width in (plain - 10, plain, plain + 7):
    assert shown(width, "cost") == piped, f"at {width} letters there is no room, and the table is another"
assert shown(plain + 50, "cost", TERM="dumb") == piped, "TERM=dumb gets bars"
drawn = 0
for arguments in (["cost"], ["cost", "--by", "kind"], ["cost", "--by", "trigger"], ["duration", "--by", "week"], ["credits"]):
    for width in (plain + 8, plain + 20, 140, 160, 200):
        narrow = shown(20, *arguments)
        text = shown(width, *arguments)
        longest = max(map(letters, text.splitlines()))
        assert longest <= max(width, max(map(letters, narrow.splitlines()))), f"{arguments} at {width}: {longest}"
        drawn += bool(PICTURES & set(text))
assert PICTURES & set(shown(plain + 8, "cost")) and drawn >= 15, drawn
assert "by month" in shown(200, "cost", "--by", "kind")
print(f"a terminal gets bars where it has room ({drawn} of 25 tables), and a pipe never")
