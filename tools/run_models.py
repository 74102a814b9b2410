#!/usr/bin/env python3
# Model-checks the protocols of the data path with spin: each run of tests/models/runs.toml must have the outcome stated there, the rule
# as it stands without an error and each seeded fault found. The last line is `N passed, N failed`.
# SPDX-License-Identifier: Apache-2.0
"""usage: tools/run_models.py [--jobs N] [--trace] [MODEL...]      --trace prints the steps to a fault"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

MODELS = pathlib.Path(__file__).resolve().parent.parent / "tests/models"


def explore(model, flags, trace, limit_s):
    """Returns (outcome, detail): holds, breaks, or unfinished with the reason."""
    live = model.get("mode") == "live"
    source = MODELS / f"{model['file']}.pml"
    with tempfile.TemporaryDirectory() as folder:
        def call(*command, timeout=limit_s):
            return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=timeout, check=False)
        shutil.copy(source, folder)
        made = call("spin", *flags.split(), "-a", source.name)
        if made.returncode != 0 or not (pathlib.Path(folder) / "pan.c").exists():
            return "unfinished", made.stdout + made.stderr
        kind = ["-DNFAIR=4"] if live else ["-DSAFETY", "-DNOCLAIM"]
        built = call("gcc", "-O1", "-w", "-DCOLLAPSE", "-DVECTORSZ=4096", "-DMEMLIM=8000", *kind, "-o", "pan", "pan.c")
        if built.returncode != 0:
            return "unfinished", built.stderr
        options = ["-a", "-f", "-N", "live"] if live else ([] if model.get("end_states", True) else ["-E"])
        try:
            done = call("./pan", "-m1000000", *options)
        except subprocess.TimeoutExpired:
            return "unfinished", f"more than {limit_s} s"
        found = re.search(r"errors: (\d+)", done.stdout)
        states = (re.search(r"(\S+) states, stored", done.stdout) or [None, "?"])[1]
        said = re.search(r"^pan:\d+: (.*?)(?: \(at depth.*)?$", done.stdout, re.MULTILINE)
        detail = f"{states} states" + (f"; {said.group(1)}" if said else "")
        if found is None or "max search depth too small" in done.stdout or "out of memory" in done.stdout:
            return "unfinished", detail + done.stdout[-2000:]
        if found.group(1) != "0" and trace:
            detail += "\n" + call("spin", *flags.split(), "-t", "-p", "-g", source.name).stdout
        return ("holds" if found.group(1) == "0" else "breaks"), detail


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--limit", type=int, default=600, help="seconds for one run")
    options = parser.parse_args()
    table = tomllib.loads((MODELS / "runs.toml").read_text())["model"]
    runs = [(model, flags, want) for model in table if not options.models or model["file"] in options.models
            for want in ("holds", "breaks") for flags in model.get(want, [])]
    unnamed = {path.stem for path in MODELS.glob("*.pml")} - {model["file"] for model in table}
    passed, failures = 0, [f"{name}.pml has no run in runs.toml" for name in sorted(unnamed)]

    def one(run):
        model, flags, want = run
        started = time.monotonic()
        got, detail = explore(model, flags, options.trace, options.limit)
        return run, got, detail, time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for (model, flags, want), got, detail, seconds in pool.map(one, runs):
            name = f"{model['file']}{' (live)' if model.get('mode') == 'live' else ''} {flags or '(the rule)'}"
            good = got == want
            passed += good
            if not good:
                failures.append(f"{name}: {got}, should be {want}")
            print(f"{'ok    ' if good else 'FAILED'}  {name:<44} {got:<10} {seconds:5.1f} s  {detail}", flush=True)
    for failure in failures:
        print(f"FAILED  {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
