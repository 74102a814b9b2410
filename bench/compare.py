#!/usr/bin/env python3
# Compares Latchkey with the peers found on this machine, one run after the other in turn (A B C A B C ...), and prints
# broker CPU per delivered message and rate as ratios. Absolute numbers move with the machine; ratios of one run hold.
# SPDX-License-Identifier: Apache-2.0
"""usage: bench/compare.py [--broker build/release/latchkey] [--rounds N] [--duration-ms N] [--only SCENARIO ...] [--json FILE]

Without --only: the first form, about five minutes; with BENCH=all in the environment every scenario.
Authorization is allow-all everywhere, everything is in memory, nothing may be lost: a lost message fails the run."""
import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Which shard a client lives on follows from this seed: fixed, or half the runs would put 12 of 20 clients on one shard.
PLACEMENT_SEED = "000102030405060708090a0b0c0d0e0f"
LATCHKEY_CONFIG = """
[broker]
data_dir = "data"
[limits]
receive_maximum = 65535
max_inflight = 65535
max_queued_messages = 1000000
[admin]
enabled = false
[[listeners]]
name = "bench"
kind = "tcp"
address = "127.0.0.1"
port = 0
[[pipelines]]
listener = "bench"
authenticate = "allow-all"
authorize = "allow-all"
"""
MOSQUITTO_CONFIG = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
log_dest none
"""


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    publishers: int
    subscribers: int
    qos: int
    window: int
    payload_bytes: int = 64
    rate: int = 0
    first_form: bool = False

    def flags(self):
        return [f"--publishers={self.publishers}", f"--subscribers={self.subscribers}", f"--qos={self.qos}",
                f"--window={self.window}", f"--payload-bytes={self.payload_bytes}", f"--rate={self.rate}"]


SCENARIOS = [
    Scenario("10:10 qos0", 10, 10, 0, 256, first_form=True),
    Scenario("10:10 qos1", 10, 10, 1, 256, first_form=True),
    Scenario("10:10 qos2", 10, 10, 2, 256, first_form=True),
    Scenario("1:1 qos0", 1, 1, 0, 1024),
    Scenario("fan-in 100:1 qos0", 100, 1, 0, 32),
    Scenario("fan-out 1:100 qos0", 1, 100, 0, 40, first_form=True),
    Scenario("fan-out 1:100 qos1", 1, 100, 1, 40, first_form=True),
    Scenario("fan-out 1:100 qos2", 1, 100, 2, 40, first_form=True),
    Scenario("10:10 qos0 16 KiB", 10, 10, 0, 16, payload_bytes=16384),
    Scenario("1:1 qos0 2000/s", 1, 1, 0, 1024, rate=2000),
]


class Broker:
    """A running broker: its name, process and port."""

    def __init__(self, name, process, port):
        self.name, self.process, self.port = name, process, port

    def cpu_us(self):
        """CPU of all threads since the start, user and system."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1_000_000 // os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_until(what, process, condition, log, patience_s=20.0):
    end = time.monotonic() + patience_s
    while not condition():
        if process.poll() is not None:
            raise SystemExit(f"{what} ended with status {process.returncode}\n{log.read_text(errors='replace')}")
        if time.monotonic() > end:
            process.kill()
            raise SystemExit(f"{what} was not ready in {patience_s:g} s\n{log.read_text(errors='replace')}")
        time.sleep(0.02)


def start_latchkey(binary, folder, shards):
    folder.mkdir()
    (folder / "data").mkdir(mode=0o700)
    identity = {"format": 1, "placement_seed": PLACEMENT_SEED, "partitions": 1024, "policy_version": 0, "process_epoch": 0}
    (folder / "data/identity").write_text(json.dumps(identity))
    (folder / "latchkey.toml").write_text(LATCHKEY_CONFIG)
    ready = folder / "ready.json"
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen([binary, "serve", "--config", folder / "latchkey.toml", "--shards", str(shards),
                                    "--ready-file", ready, "--log-level", "warn"], cwd=folder, stdout=output, stderr=output)
    wait_until("latchkey serve", process, ready.exists, log)
    port = json.loads(ready.read_text())["listeners"][0]["port"]
    return Broker(f"latchkey, {shards} shard{'s' if shards > 1 else ''}", process, port)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def start_mosquitto(binary, folder):
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(MOSQUITTO_CONFIG.format(port=port))
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen([binary, "-c", config], stdout=output, stderr=output)
    wait_until("mosquitto", process, lambda: answers(port), log)
    return Broker("mosquitto", process, port)


def find_mosquitto():
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def run_once(generator, broker, scenario, duration_ms):
    """One measurement: what the generator saw, and what the broker spent."""
    before = broker.cpu_us()
    done = subprocess.run([*generator, f"--port={broker.port}", f"--duration-ms={duration_ms}", *scenario.flags()],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120 + duration_ms / 1000)
    spent = broker.cpu_us() - before
    if done.returncode != 0:
        raise SystemExit(f"{scenario.name} on {broker.name}: {done.stderr.strip()}\n{done.stdout.strip()}")
    seen = json.loads(done.stdout)
    return {"cpu_us": spent / max(1, seen["delivered"]), "rate": seen["delivered_per_s"],
            "generator_us": seen["generator_cpu_us"] / max(1, seen["delivered"]),
            "p50_us": seen.get("latency_p50_ns", 0) / 1000, "p99_us": seen.get("latency_p99_ns", 0) / 1000}


def spread(values, form):
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def print_scenario(scenario, peer, runs):
    print(f"\n{scenario.name}, {scenario.payload_bytes} B, window {scenario.window}"
          + (f", {scenario.rate} messages/s" if scenario.rate else ""))
    heads = ["", "broker CPU us/msg", "ratio", "messages/s", "ratio", "load us/msg"]
    heads += ["p50 us", "p99 us"] if scenario.rate else []
    print("  {:<20} {:>22} {:>19} {:>12} {:>22} {:>11}".format(*heads[:6]) + "".join(f" {h:>9}" for h in heads[6:]))
    for name, mine in runs.items():
        ratio = lambda key: [a[key] / b[key] if b[key] else float("nan") for a, b in zip(mine, runs[peer])] if peer else [1.0]
        median = lambda key: statistics.median(run[key] for run in mine)
        line = "  {:<20} {:>22} {:>19} {:>12,.0f} {:>22} {:>11.2f}".format(
            name, spread([run["cpu_us"] for run in mine], ".2f"), spread(ratio("cpu_us"), ".3f"), median("rate"),
            spread(ratio("rate"), ".2f"), median("generator_us"))
        if scenario.rate:
            line += f" {median('p50_us'):>9.0f} {median('p99_us'):>9.0f}"
        print(line, flush=True)


def measure(generator, brokers, scenario, rounds, duration_ms):
    for broker in brokers:  # caches warm, connections opened once
        run_once(generator, broker, scenario, 200)
    runs = {broker.name: [] for broker in brokers}
    for _ in range(rounds):
        for broker in brokers:
            runs[broker.name].append(run_once(generator, broker, scenario, duration_ms))
    return runs


def chosen_scenarios(only):
    if only:
        unknown = set(only) - {scenario.name for scenario in SCENARIOS}
        if unknown:
            raise SystemExit("unknown scenario: " + ", ".join(sorted(unknown)) + "; there are: "
                             + ", ".join(scenario.name for scenario in SCENARIOS))
        return [scenario for scenario in SCENARIOS if scenario.name in only]
    return [scenario for scenario in SCENARIOS if scenario.first_form or os.environ.get("BENCH") == "all"]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--broker", default=ROOT / "build/release/latchkey", type=pathlib.Path)
    parser.add_argument("--generator", help="another program that takes the flags of `latchkey bench`")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--duration-ms", type=int, default=2000)
    parser.add_argument("--only", action="append", metavar="SCENARIO")
    parser.add_argument("--json", type=pathlib.Path, help="every single run, for later comparison")
    args = parser.parse_args()
    generator = [args.generator] if args.generator else [args.broker.resolve(), "bench"]
    scenarios = chosen_scenarios(args.only)
    mosquitto = find_mosquitto()
    results = {}
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder, contextlib.ExitStack() as running:
        folder = pathlib.Path(folder)
        brokers = []

        def keep(broker):
            running.callback(broker.stop)
            brokers.append(broker)

        for shards in (1, 2):
            keep(start_latchkey(args.broker.resolve(), folder / f"latchkey-{shards}", shards))
        if mosquitto:
            keep(start_mosquitto(mosquitto, folder / "mosquitto"))
        else:
            print("no mosquitto found: numbers of Latchkey alone, without ratios")
        print(f"{args.rounds} rounds of {args.duration_ms} ms; median (least-most); ratios are to mosquitto within a round")
        for scenario in scenarios:
            results[scenario.name] = measure(generator, brokers, scenario, args.rounds, args.duration_ms)
            print_scenario(scenario, "mosquitto" if mosquitto else None, results[scenario.name])
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
