"""A process that runs one engine, told what to do over pipes (engines/worker.py says the protocol) and stopped between its turns."""
import json
import os
import signal
import subprocess


# Caches fill, and a host gives processors that were idle cores of their own again: two threads of a guest that has just woken run up
# to a third slower for some tenths of a second.
WARM_UP_MS = 200


class EngineError(Exception):
    """The engine cannot load or run this model; the text is its own."""


class Player:
    """Owns the process, in a session of its own so that signals reach every thread and child. Use as a context."""

    def __init__(self, command, log, environment=None):
        """Starts it and waits until it is loaded; `facts` is what it says of itself. log: path for its stderr."""
        self.log = log
        with open(log, "w") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                                            env={**os.environ, **(environment or {})}, start_new_session=True)
        try:
            self.facts = self.answer()
        except EngineError:
            self.close()
            raise
        self.sleep()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise EngineError(f"it ended without an answer (exit status {self.process.wait()}, see {self.log})")
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def sleep(self):
        """Returns when all of it has stopped, or ended."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        state = os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if state.si_code == os.CLD_STOPPED:
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def wake(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def run(self, times):
        """Milliseconds of each of the runs. It must be awake."""
        return self.ask(f"run {times}")["ms"]

    def turn(self, times):
        """Wakes it, lets it run for WARM_UP_MS without counting that, and gives the times of the runs behind it."""
        self.wake()
        try:
            first = self.run(1)[0]
            left = int((WARM_UP_MS - first) / first)
            if left > 0:
                self.run(left)
            return self.run(times)
        finally:
            self.sleep()

    def memory(self):
        self.wake()
        try:
            return self.ask("memory")
        finally:
            self.sleep()

    def close(self):
        """Ends it, asleep or not; what it was doing is lost."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def runs_for(milliseconds, seconds, least=3):
    """How many runs of that length fill so many seconds."""
    return max(least, round(seconds * 1e3 / max(milliseconds, 1e-3)))


def take_turns(players, rounds, seconds):
    """Every player's times: a list of rounds, each a list of milliseconds. seconds: of one player, over all rounds.

    Each round begins with another player, so that none always follows the same.
    """
    times = [[] for _ in players]
    counts = [runs_for(player.facts["first_ms"], seconds / rounds) for player in players]
    for number in range(rounds):
        for i in range(len(players)):
            which = (i + number) % len(players)
            turn = players[which].turn(counts[which])
            times[which].append(turn)
            counts[which] = runs_for(min(turn), seconds / rounds)
    return times
