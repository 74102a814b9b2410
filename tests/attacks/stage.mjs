// One attack against a broker of its own, and what those beside it notice: a client that publishes and receives QoS 1 all the
// while, a new client every 100 ms, and what the broker says of its turns, its memory and its processor time.
// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import { setTimeout as delay } from 'node:timers/promises';
import { Broker } from '../e2e/support/broker.mjs';
import { Authority } from '../e2e/support/tls.mjs';
import { tempFolder } from '../e2e/support/work.mjs';
import * as wire from './wire.mjs';

const NEWCOMER_PATIENCE_MS = 5000;

export async function startBroker(t) {
  const folder = tempFolder(t, 'attacks');
  const { certFile, keyFile } = new Authority(folder).issue('broker');
  const rules = Array.from({ length: 1000 }, (_, n) => `{ topic = "plant/${n}/+/state", activity = "all" }`).join(', ');
  const toml = `
[broker]
shards = 2
[admin]
port = 0
[[listeners]]
name = "tcp"
kind = "tcp"
port = 0
[[listeners]]
name = "tls"
kind = "tls"
port = 0
certificate = "${certFile}"
key = "${keyFile}"
[[listeners]]
name = "ws"
kind = "ws"
port = 0
[[listeners]]
name = "strict"
kind = "tcp"
port = 0
[realms.people]
kind = "file"
[[realms.people.users]]
name = "mallory"
password = "mallory"
permissions = [${rules}]
[[pipelines]]
listener = "ALL"
authenticate = "allow-all"
authorize = "allow-all"
[[pipelines]]
listener = "strict"
authenticate = ["people"]
authorize = ["people"]
`;
  return Broker.start(t, { folder, files: { 'conf/latchkey.toml': toml }, config: 'conf/latchkey.toml', listeners: [] });
}

const status = async (broker) => (await fetch(`${broker.admin}/status`)).json();
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

/** Publishes to itself at QoS 1 every 20 ms; latencies from write to arrival. */
async function neighbour(port, id) {
  const sent = new Map();
  const latencies = [];
  let next = 0;
  const socket = await wire.login(port, id, {}, (head, body, from) => {
    if (head >> 4 !== 3) return;
    const topic = body.readUInt16BE(0);
    from.write(wire.puback(body.readUInt16BE(2 + topic)));
    const number = Number(body.subarray(2 + topic + 3).toString());
    if (sent.has(number)) latencies.push(performance.now() - sent.get(number));
    sent.delete(number);
  });
  if (!socket) throw new Error('the neighbour was not let in');
  socket.write(wire.subscribe(1, [`neighbour/${id}`], 1));
  const timer = setInterval(() => {
    if (sent.size > 500) return;
    sent.set(++next, performance.now());
    socket.write(wire.publish(`neighbour/${id}`, String(next), { qos: 1, id: 2 + next % 60_000 }));
  }, 20);
  return {
    alive: () => !socket.destroyed,
    async stop() {
      clearInterval(timer);
      for (let i = 0; i < 50 && sent.size > 0; ++i) await delay(20);
      const alive = !socket.destroyed;
      socket.destroy();
      latencies.sort((a, b) => a - b);
      return { alive, missing: sent.size, count: latencies.length, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
    },
  };
}

function newcomers(port) {
  const waits = [];
  let refused = 0;
  let number = 0;
  const under = new Set();
  const timer = setInterval(() => {
    const begun = performance.now();
    const late = delay(NEWCOMER_PATIENCE_MS, null, { ref: false });
    const one = Promise.race([wire.login(port, `new-${++number}`), late]).then((socket) => {
      under.delete(one);
      if (!socket) { ++refused; return; }
      waits.push(performance.now() - begun);
      socket.destroy();
    });
    under.add(one);
  }, 100);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(under);
      waits.sort((a, b) => a - b);
      return { in: waits.length, refused, longest: waits.at(-1) ?? NaN };
    },
  };
}

/** @returns everything the table shows of one attack */
export async function attack(broker, name, { seconds, share }) {
  const ports = { tcp: broker.port('tcp'), tls: broker.port('tls'), ws: broker.port('ws'), strict: broker.port('strict') };
  const beside = await neighbour(ports.tcp, 'neighbour');
  const others = newcomers(ports.tcp);
  await delay(300);
  const before = await status(broker);
  const turns = { wall: 0, cpu: 0, over: 0 };
  let peak = before.process.rss_bytes;
  let last = before;
  const look = async () => {
    last = await status(broker);
    turns.wall = Math.max(turns.wall, last.turns.longest_us);
    turns.cpu = Math.max(turns.cpu, last.turns.longest_cpu_us);
    turns.over += last.turns.over_20_ms;
    peak = Math.max(peak, last.process.rss_bytes);
  };
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { name, seconds, share, ports } });
  let running = true;
  const done = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  }).finally(() => { running = false; });
  const watch = (async () => { while (running) { await look(); await delay(250); } })();
  const did = await done;
  await watch;
  await look();
  const result = {
    name, did, turns, cpu: (last.process.cpu_us - before.process.cpu_us) / 1e6, before: before.process.rss_bytes, peak,
    neighbour: await beside.stop(), newcomers: await others.stop(), since: last.since_start,
  };
  await worker.terminate();
  return result;
}

const mb = (bytes) => (bytes / 1048576).toFixed(0);
export const HEADER = ['attack', 'turn CPU ms', 'turn wall ms', 'broker CPU s', 'RSS MB', 'peak MB', 'p50 ms', 'p99 ms', 'new in', 'refused',
  'longest ms', 'did'];
export function row(r) {
  return [r.name, (r.turns.cpu / 1000).toFixed(1), (r.turns.wall / 1000).toFixed(1), r.cpu.toFixed(2), mb(r.before), mb(r.peak),
    r.neighbour.p50.toFixed(1), r.neighbour.p99.toFixed(1), String(r.newcomers.in), String(r.newcomers.refused),
    r.newcomers.longest.toFixed(0), r.did];
}

export function table(rows) {
  const all = [HEADER, ...rows];
  const widths = HEADER.map((_, i) => Math.max(...all.map((cells) => cells[i].length)));
  const line = (cells) => cells.map((cell, i) => (i === 0 || i === cells.length - 1 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd();
  return all.map(line).join('\n');
}
