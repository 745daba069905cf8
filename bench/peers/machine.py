"""What the machine is: facts that belong beside every figure."""
import json
import os
import pathlib
import platform
import subprocess
import time

CPUFREQ = pathlib.Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
# bf16 products to each f32 one at the instructions' peak: pairs in vectors; tiles of AMX.
BF16_FACTORS = {"amx_bf16": 32, "avx512_bf16": 2}


def _cpuinfo(field):
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return ""


def _caches():
    """Name -> size of the first core's caches, "L2" -> "1024K"."""
    caches = {}
    for folder in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            caches[f"L{level}"] = size
    return caches


def _busy_share(seconds=1.0):
    """The share of all cores' time that others used just now, 0 to 1: the load average would still tell of what ended before."""
    def ticks():
        numbers = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]  # all, idle

    total, idle = ticks()
    time.sleep(seconds)
    total_after, idle_after = ticks()
    return 1 - (idle_after - idle) / max(total_after - total, 1)


def wake_cores(turns_program, threads, seconds):
    """Keeps so many cores busy for a while."""
    end = time.monotonic() + seconds
    while threads > 1 and time.monotonic() < end:
        subprocess.run([turns_program, "--peak", str(threads)], capture_output=True, check=True)


def round_trip(turns_program, threads):
    """Nanoseconds from core to core and back just now, in a list; an empty one for one thread."""
    if threads < 2:
        return []
    return [json.loads(subprocess.run([turns_program, "--round-trip"], capture_output=True, text=True, check=True).stdout)["ns"]]


def facts(turns_program):
    """turns_program: the built slipway_turns, which measures the roofs."""
    busy = _busy_share()
    peak = json.loads(subprocess.run([turns_program, "--peak"], capture_output=True, text=True, check=True).stdout)
    flags = _cpuinfo("flags").split()
    factor = next((factor for flag, factor in BF16_FACTORS.items() if flag in flags), 1)
    return {
        "cpu": _cpuinfo("model name") or platform.machine(),
        "family": f"{_cpuinfo('cpu family')}.{_cpuinfo('model')}",
        "cores": len(os.sched_getaffinity(0)),
        "caches": _caches(),
        "instructions": [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if flag in flags],
        "governor": CPUFREQ.read_text().strip() if CPUFREQ.exists() else "not visible",
        "kernel": platform.release(),
        "busy": busy,
        "peak": {"f32": peak["f32_gflops"], "bf16": peak["f32_gflops"] * factor},
    }
