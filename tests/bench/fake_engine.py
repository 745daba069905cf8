"""Speaks the protocol of bench/peers/engines/worker.py with invented numbers: run N takes N, N+1, ... ms.

usage: fake_engine.py [fails|dies]
"""
import json
import sys


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    manner = sys.argv[1] if len(sys.argv) > 1 else ""
    if manner == "fails":
        say({"error": "no such model"})
        return 1
    if manner == "dies":
        return 3
    say({"version": "1.0", "load_ms": 5.0, "first_ms": 10.0, "peak_mb": 100.0, "model_mb": 20.0})
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "run":
            count = int(arguments[0])
            say({"ms": [float(count + i) for i in range(count)]})
        else:
            say({"peak_mb": 120.0, "model_mb": 40.0})
    return 0


if __name__ == "__main__":
    sys.exit(main())
