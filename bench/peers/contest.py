"""One model at one number of threads: load every engine, hold the answers against each other, take turns, measure."""
import dataclasses
import sys

import numpy as np

from . import machine, measures
from .engines import ENTRANTS
from .players import EngineError, Player, take_turns

REFERENCES = ("onnxruntime", "litert")  # whose f32 answer is the right one; the first that runs the model


class Mismatch(Exception):
    """An engine's answer is not the reference's, or a time is not possible: the run fails."""


@dataclasses.dataclass
class Row:
    """An entrant's figures. rounds: milliseconds of every run, round by round."""
    entrant: object
    facts: dict
    difference: float
    rounds: list
    rate: object = None

    @property
    def ms(self):
        return measures.milliseconds(self.rounds)


@dataclasses.dataclass
class Contest:
    """model, threads; rows of those who took part; why others did not, in a line each.

    round_trips: nanoseconds from core to core and back, before and after; empty of one thread.
    """
    model: object
    threads: int
    rows: list
    absent: list
    round_trips: list = dataclasses.field(default_factory=list)

    def ours(self, precision):
        return next((row for row in self.rows if (row.entrant.engine, row.entrant.precision) == ("slipway", precision)), None)

    def peers(self, precision):
        """The fastest first."""
        rows = [row for row in self.rows if row.entrant.engine != "slipway" and row.entrant.precision == precision]
        return sorted(rows, key=lambda row: row.ms.median)

    def ratio(self, row):
        """Of a peer's row; None where we have no row of that precision."""
        ours = self.ours(row.entrant.precision)
        return measures.ratios(row.rounds, ours.rounds) if ours else None


@dataclasses.dataclass(frozen=True)
class Settings:
    """engines: names of those that take part. turns_program: the built slipway_turns. folder: for files of the run."""
    engines: tuple
    turns_program: str
    folder: object
    seconds: float
    rounds: int
    peak: dict  # precision -> GFLOP/s of one core


def _command(entrant, path, threads, inputs, outputs, settings):
    arguments = [str(path), str(threads), entrant.precision, str(inputs), str(outputs)]
    if entrant.engine == "slipway":
        return [settings.turns_program, *arguments]
    return [sys.executable, "-m", "peers.engines.worker", entrant.engine, *arguments]


def _start(model, threads, settings, players):
    """Fills players, entrant -> Player, with those that can run the model; gives the lines on those that cannot."""
    absent = []
    inputs = settings.folder / f"{model.name}.in.npz"
    np.savez(inputs, **model.inputs)
    for entrant in ENTRANTS:
        if entrant.engine not in settings.engines:
            continue
        path = next((model.files[suffix] for suffix in entrant.suffixes if suffix in model.files), None)
        if path is None:
            absent.append(f"{entrant.label}: no {' or '.join(entrant.suffixes)} of this model")
            continue
        if entrant.engine in model.known_wrong:
            absent.append(f"{entrant.label}: {model.known_wrong[entrant.engine]}")
            continue
        outputs = _outputs_path(model, entrant, settings)
        try:
            players[entrant] = Player(_command(entrant, path, threads, inputs, outputs, settings), outputs.with_suffix(".log"))
        except EngineError as error:
            if entrant.engine == "slipway" and entrant.precision == "f32":
                raise Mismatch(f"{model.name}: Slipway cannot run it: {error}") from error
            absent.append(f"{entrant.label}: {str(error).splitlines()[0]}")
    return absent


def _outputs_path(model, entrant, settings):
    return settings.folder / f"{model.name}.{entrant.engine}.{entrant.precision}.npz"


def _differences(model, players, settings, absent):
    """entrant -> error against the reference. An f32 answer of ours beyond the limit fails; a peer's leaves it out, with a line."""
    outputs = {entrant: dict(np.load(_outputs_path(model, entrant, settings))) for entrant in players}
    reference = next((answer for name in REFERENCES for entrant, answer in outputs.items()
                      if (entrant.engine, entrant.precision) == (name, "f32")), None)
    if reference is None:
        raise Mismatch(f"{model.name}: none of {', '.join(REFERENCES)} ran it: nothing to hold answers against")
    errors = {entrant: measures.difference(answer, reference) for entrant, answer in outputs.items()}
    wrong = {entrant: error for entrant, error in errors.items()
             if entrant.precision == "f32" and not error <= measures.F32_LIMIT}
    for entrant, error in wrong.items():
        line = (f"{entrant.label}: its answer differs from the reference's by {error:.2g} of the largest value, "
                f"more than {measures.F32_LIMIT:g}")
        if entrant.engine == "slipway":
            raise Mismatch(f"{model.name}: {line}")
        absent.append(line)
        players.pop(entrant).close()
    return errors


def _row(entrant, player, error, rounds, model, threads, settings):
    row = Row(entrant, {**player.facts, **player.memory()}, error, rounds)
    roof = settings.peak[entrant.precision] * threads
    row.rate = measures.rate(model, row.ms.median, roof)
    if row.rate and not row.rate.is_possible:
        raise Mismatch(f"{model.name}, {entrant.label}: {row.ms.median:.2f} ms would need {row.rate.least:.0f} GFLOP/s even "
                       f"with the fewest multiplies known; {threads} threads of this machine do {roof:.0f}")
    return row


def hold(model, threads, settings):
    """Raises Mismatch."""
    players = {}
    try:
        absent = _start(model, threads, settings, players)
        errors = _differences(model, players, settings, absent)
        round_trips = machine.round_trip(settings.turns_program, threads)
        times = take_turns(list(players.values()), settings.rounds, settings.seconds)
        round_trips += machine.round_trip(settings.turns_program, threads)
        rows = [_row(entrant, player, errors[entrant], rounds, model, threads, settings)
                for (entrant, player), rounds in zip(players.items(), times)]
        return Contest(model, threads, rows, absent, round_trips)
    finally:
        for player in players.values():
            player.close()
