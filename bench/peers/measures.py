"""The numbers behind the tables: medians, ratios of turns taken side by side, errors, rates against the machine's roof."""
import dataclasses
import math

import numpy as np

F32_LIMIT = 1e-3   # of the reference's largest value; f32 engines differ by the order of sums and by Winograd
ROOF_SLACK = 1.1   # boost clocks differ between the measurement of the roof and the run


@dataclasses.dataclass(frozen=True)
class Spread:
    """A median with its quartiles."""
    low: float
    median: float
    high: float

    @staticmethod
    def of(values):
        return Spread(*(float(x) for x in np.percentile(values, [25, 50, 75])))


def ratios(peer_rounds, our_rounds):
    """Peer's time / ours, round by round: what slows the machine for a while slows both. Above 1: we are faster."""
    return Spread.of([np.median(peer) / np.median(ours) for peer, ours in zip(peer_rounds, our_rounds, strict=True)])


def milliseconds(rounds):
    return Spread.of(np.concatenate(rounds))


def _aligned(array, shape):
    """The array in the reference's order of axes; None where its shape is another."""
    if array.shape == shape:
        return array
    if array.ndim == 4 and len(shape) == 4 and array.transpose(0, 3, 1, 2).shape == shape:
        return array.transpose(0, 3, 1, 2)
    return array.reshape(shape) if array.size == math.prod(shape) and array.ndim < 4 else None


def difference(outputs, reference):
    """The largest error of all outputs, each relative to the reference's largest value.

    Both: name -> array. Engines rename outputs; where a name is missing, the only array of that size is taken. Infinite for
    an output that is missing or not finite where the reference is.
    """
    worst = 0.0
    for name, want in reference.items():
        candidates = [outputs[name]] if name in outputs else [x for x in outputs.values() if x.size == want.size]
        got = _aligned(candidates[0], want.shape) if len(candidates) == 1 else None
        if got is None:
            return math.inf
        largest = max(float(np.abs(want).max()), 1e-30)
        error = float(np.abs(got.astype(np.float64) - want).max()) / largest
        worst = max(worst, error if math.isfinite(error) else math.inf)
    return worst


@dataclasses.dataclass(frozen=True)
class Rate:
    """effective: GFLOP/s counting a direct algorithm's work, which Winograd's may exceed the roof with.

    least: counting only the multiplies of the best algorithms known (models/net.py): no engine can exceed the roof with it.
    """
    effective: float
    least: float
    roof: float

    @property
    def is_possible(self):
        return self.least <= self.roof * ROOF_SLACK


def rate(model, ms, roof):
    """None where the model's multiplies have not been counted. roof: GFLOP/s of the threads in use at that precision."""
    if not model.macs:
        return None
    return Rate(2e-6 * model.macs / ms, 2e-6 * model.fewest_macs / ms, roof)
