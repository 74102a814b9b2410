// Starts the broker under test as its operator would, waits for its ready file, keeps what it says, and stops it by its pid.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, filesBelow, Process, run, SLOW } from './work.mjs';

export const LATCHKEY = process.env.LATCHKEY_BIN ?? new URL('../../../build/dev/latchkey', import.meta.url).pathname;

/** Runs one command of the binary to its end. */
export function latchkey(args, options) { return run(LATCHKEY, args, options); }

export class Broker {
  /**
   * @param t          test context: stops the broker at its end
   * @param folder     where conf/ and data/ go
   * @param files      { 'conf/config.xml': text, ... } below folder
   * @param config     the file to serve, relative to folder (absent: args say all)
   * @param listeners  what follows --listener, e.g. 'tcp:0,name=tcp'
   */
  static async start(t, { folder, files = {}, config = 'conf/config.xml', listeners = ['tcp:0,name=tcp'], args = [], env = {} }) {
    const broker = new Broker();
    broker.folder = folder;
    broker.data = join(folder, 'data');
    for (const [name, text] of Object.entries(files)) broker.write(name, text);
    broker.args = [
      'serve', ...(config ? ['--config', join(folder, config)] : []), '--data', broker.data,
      ...listeners.flatMap((listener) => ['--listener', listener]), ...args,
      ...(SLOW > 1 ? ['--core-dumps'] : []),  // a sanitizer looks into its own process
    ];
    broker.env = env;
    t.after(() => broker.stop());
    await broker.launch();
    return broker;
  }

  write(name, text) {
    const path = join(this.folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  async launch() {
    const ready = join(this.folder, `ready-${Date.now()}.json`);
    this.process = new Process(LATCHKEY, [...this.args, '--ready-file', ready], {
      cwd: this.folder, env: { ...process.env, ...this.env },
    });
    await eventually(15, () => {
      if (!this.process.running) throw new Error(`the broker ended with ${this.process.code}:\n${this.output}`);
      return existsSync(ready);
    }, 'the ready file').catch((error) => {
      if (!this.process.running) throw error;
      throw new Error(`${error.message}\n${this.output}`);
    });
    this.ready = JSON.parse(readFileSync(ready, 'utf8'));
    assert.equal(this.ready.pid, this.process.child.pid);
  }

  get output() { return `${this.process.stdout}\n${this.process.stderr}`; }
  get admin() { return `http://${this.ready.admin.address}:${this.ready.admin.port}`; }

  port(name = 'tcp') {
    const listener = this.ready.listeners.find((one) => one.name === name);
    assert.ok(listener, `no listener ${name} in ${JSON.stringify(this.ready)}`);
    return listener.port;
  }

  /** Ends it; a crash, a sanitizer's report or a refusal to end is a failure of the test. */
  async stop() {
    if (this.stopped) return;
    this.stopped = true;
    const crashed = !this.process.running;
    const code = await this.process.stop();
    assert.ok(!crashed, `the broker had ended by itself with ${code}:\n${this.output.slice(-4000)}`);
    assert.equal(code, 0, `exit code ${code}:\n${this.output.slice(-4000)}`);
    assert.doesNotMatch(this.output, /Sanitizer|runtime error:/);
  }

  async restart() {
    await this.stop();
    this.stopped = false;
    await this.launch();
  }

  accessLog() {
    const path = join(this.data, 'log/access/access.log');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  }

  /** Waits for a line of the access log about `clientId` that `pattern` matches. */
  accessLine(clientId, pattern) {
    return eventually(5, () => this.accessLog().find((line) => line.includes(`ID ${clientId},`) && pattern.test(line)),
      `an access-log line for ${clientId} like ${pattern}`).catch((error) => {
      throw new Error(`${error.message}\n${this.accessLog().join('\n')}\n${this.output.slice(-3000)}`);
    });
  }

  /** Everything it has written anywhere: output, logs, data. */
  everything() { return [{ path: 'output', text: this.output }, ...filesBelow(this.data)]; }
}
