"""Whole processes under measurement, and the sandbox that they read: shared by the benchmarks in Python."""

import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = TARGET / "release" / "runledger"


class Measurement:
    """Time, memory and output of one process."""

    def __init__(self, wall, usage, kibibytes, output):
        self.wall = wall
        self.cpu = usage.ru_utime + usage.ru_stime
        self.megabytes = kibibytes * 1024 / 1e6
        self.output = output


def measure(*command, stdin=None, keep=False, **variables):
    """Runs a command. Its output is discarded unless `keep` is set."""
    environment = dict(os.environ, **variables)
    with (
        tempfile.TemporaryFile() as output,
        tempfile.NamedTemporaryFile() as peak,
        open(stdin or os.devnull) as source,
    ):
        # The peak of a child includes its parent's memory before exec, and GNU time is smaller than Python.
        began = time.monotonic()
        process = subprocess.Popen(
            ["/usr/bin/time", "-f", "%M", "-o", peak.name, *map(str, command)],
            stdin=source,
            stdout=output if keep else subprocess.DEVNULL,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))} exited with {process.returncode}")
        output.seek(0)
        return Measurement(wall, usage, int(peak.read()), output.read().decode() if keep else "")


def median(measurements, field):
    return statistics.median(getattr(one, field) for one in measurements)


class Sandbox:
    """The sandbox API in its own process."""

    def __init__(self, runs, port):
        self.address = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [PROGRAM, "sandbox", "--port", str(port), "--runs", str(runs), "--max-page-size", "500"],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(1200):
            try:
                urllib.request.urlopen(self.address)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("the sandbox did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def sync(self, archive, *arguments):
        measurement = measure(
            PROGRAM, "--db", archive, "sync", "--json", *arguments, keep=True,
            NEKT_API_KEY="sandbox-key", RUNLEDGER_API_URL=self.address,
        )
        measurement.summary = json.loads(measurement.output)
        return measurement


def remove(archive):
    for end in ("", "-wal", "-shm", ".lock"):
        pathlib.Path(f"{archive}{end}").unlink(missing_ok=True)
