"""What the machine is: facts that belong beside every figure."""
import json
import os
import pathlib
import platform
import subprocess

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


def facts(turns_program):
    """turns_program: the built slipway_turns, which measures the roofs."""
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
        "load": os.getloadavg()[0],
        "peak": {"f32": peak["f32_gflops"], "bf16": peak["f32_gflops"] * factor},
    }
