// Small things every test needs: a folder that vanishes, a deadline instead of a sleep, a process that is stopped by its pid.
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// Sanitizers cost up to ten times; deadlines stretch, measured claims ("within a second") say so themselves.
export const SLOW = ['asan', 'tsan'].includes(process.env.LATCHKEY_PRESET) ? 5 : 1;

/** A folder of this test's own; `t` (a test context or { after }) removes it. */
export function tempFolder(t, name = 'e2e') {
  const folder = mkdtempSync(join(tmpdir(), `latchkey-${name}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Polls `probe` until it gives something truthy (returned), or throws what it last said after `seconds`. */
export async function eventually(seconds, probe, what = 'the condition') {
  const deadline = performance.now() + seconds * 1000 * SLOW;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what} did not come about within ${seconds * SLOW} s${last ? `: ${last.message}` : ''}`, { cause: last });
    }
    await delay(20);
  }
}

/** A port that was free a moment ago; for servers that cannot say which one they took. */
export async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Every file below `folder` with its text. */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ path, text: readFileSync(path, 'latin1') }));
}

/** A child whose output is kept. `run` waits for its end; `Process` lives until stop(). */
export class Process {
  constructor(command, args, options = {}) {
    this.stdout = '';
    this.stderr = '';
    this.command = [command, ...args].join(' ');
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    this.child.stdin.on('error', () => {});
    this.child.stdin.end(options.input ?? '');
    this.child.stdout.on('data', (data) => { this.stdout += data; });
    this.child.stderr.on('data', (data) => { this.stderr += data; });
    this.code = undefined;
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => { this.stderr += error.message; this.code = 127; resolve(127); });
      this.child.on('close', (code, signal) => { this.code = code ?? signal; resolve(this.code); });
    });
  }

  get running() { return this.code === undefined; }

  /** Asks it to end, and insists after `seconds`; returns its exit code. */
  async stop(signal = 'SIGTERM', seconds = 20) {
    if (this.running) this.child.kill(signal);
    const late = delay(seconds * 1000 * SLOW, 'late', { ref: false });
    if (await Promise.race([this.ended, late]) === 'late') {
      this.child.kill('SIGKILL');
      await this.ended;
      return 'killed';
    }
    return this.code;
  }
}

export async function run(command, args, { seconds = 30, ...options } = {}) {
  const child = new Process(command, args, options);
  const timer = setTimeout(() => child.child.kill('SIGKILL'), seconds * 1000 * SLOW);
  await child.ended;
  clearTimeout(timer);
  return { code: child.code, stdout: child.stdout, stderr: child.stderr, command: child.command };
}
