"""Servers under measurement: each is a session of processes of its own, held on the same cores, stopped when not its turn."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

PSS_PERIOD_SECONDS = 0.25
READY_SECONDS = 60
END_SECONDS = 10


class Failed(Exception):
    """A server that does not start, or a load that cannot be measured."""


def _session_of(process):
    """The session that a process belongs to; None where it is gone."""
    try:
        # Fields follow the name, which may hold blanks and brackets itself.
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    except (OSError, IndexError, ValueError):
        return None


def _pss_kb(pid):
    """Proportional set size: pages that processes share count once in their sum. 0 where it is gone."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def free_port():
    """A port that nobody listens on, so that no stranger is measured."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """name, settings: for the tables. url: what a load asks. peak_mb: most memory that its turns saw."""

    def __init__(self, name, settings, command, *, url, ready_url, cores, log, environment=None):
        self.name, self.settings, self.url, self.peak_mb = name, settings, url, 0.0
        self._log = pathlib.Path(log)
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                env={**os.environ, **(environment or {})}, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        try:
            self._wait_until_ready(ready_url)
        except BaseException:
            self.close()
            raise

    def _wait_until_ready(self, url):
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.1)
        said = self._log.read_text(errors="replace")[-2000:]
        raise Failed(f"{self.name} does not answer at '{url}'; it said:\n{said}")

    def _pids(self):
        return [int(folder.name) for folder in pathlib.Path("/proc").iterdir()
                if folder.name.isdigit() and _session_of(folder) == self._process.pid]

    def _signal(self, number):
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _watch_memory(self, is_over):
        while True:
            self.peak_mb = max(self.peak_mb, sum(map(_pss_kb, self._pids())) / 1024)
            if is_over.wait(PSS_PERIOD_SECONDS):
                return

    @contextlib.contextmanager
    def turn(self):
        """Runs meanwhile, and is watched; stopped before and after."""
        is_over = threading.Event()
        watcher = threading.Thread(target=self._watch_memory, args=(is_over,))
        self._signal(signal.SIGCONT)
        watcher.start()
        try:
            yield self
        finally:
            is_over.set()
            watcher.join()
            self.pause()

    def pause(self):
        self._signal(signal.SIGSTOP)

    def close(self):
        self._signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def ask(self, body):
        """The answer's bytes. body: of a JPEG."""
        request = urllib.request.Request(self.url, body, {"Content-Type": "image/jpeg"})
        try:
            with urllib.request.urlopen(request, timeout=READY_SECONDS) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Failed(f"{self.name} answers {error.code} at '{self.url}': {error.read()[:500]!r}") from error
