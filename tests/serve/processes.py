"""What /proc says of processes: a test waits for facts, since on a busy machine no number of seconds is enough."""
import contextlib
import os
import pathlib
import signal
import subprocess

from served import wait_until


@contextlib.contextmanager
def started(command, **options):
    """with started([program, ...]) as process: as Popen, but one that still runs where the test leaves is killed, not waited for."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def children(pid):
    found = []
    for tasks in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, tasks.read_text().split())
    return found


def fields(pid):
    """Of /proc/PID/stat, from its state on; empty: there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def is_alive(pid):
    return bool(said := fields(pid)) and said[0] not in "ZX"


def processor_seconds(pid):
    """Of a process and its children."""
    ticks = sum(int(count) for each in (pid, *children(pid)) for count in fields(each)[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def gets_to_work(pid):
    """with gets_to_work(pid): whatever starts long work. Leaves when a process or its children have it in hand."""
    before = processor_seconds(pid)
    yield
    wait_until(lambda: processor_seconds(pid) > before + 0.2, "it works")


def has_begun(pid):
    """Whether a server loads its models, or one of its workers does: it has threads then, and hears signals."""
    return any(len(list(pathlib.Path(f"/proc/{each}/task").glob("*"))) > 1 for each in (pid, *children(pid)))


def open_files(pid):
    """Where they are by now, for one that was moved; of a process and its children."""
    found = set()
    for link in (link for each in (pid, *children(pid)) for link in pathlib.Path(f"/proc/{each}/fd").glob("*")):
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(pathlib.Path(os.readlink(link)))
    return found


def servers_of(argument):
    """Those that are anybody's, by what they were told to serve."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument in path.read_bytes().decode(errors="replace").split("\0") and is_alive(path.parent.name):
                found.append(int(path.parent.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


def end_servers_of(argument):
    """Successors are nobody's children."""
    for pid in servers_of(argument):
        with contextlib.suppress(ProcessLookupError):  # a worker, whose supervisor has told it
            os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not servers_of(argument), "successors have ended")
