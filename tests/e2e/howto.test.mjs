// The guides of docs/how-to, executed as they are written, and the pages of docs/reference against the binary that prints them.
//
// A comment above a fenced block says what it is: `file: NAME` is written; `run`, `run: exit N` or `run: fails` (with any code) goes
// through a shell; `start: NAME` runs until the test ends; `prints` or `prints: NAME` must appear in what came out, `prints only: NAME` is
// all of it; `not run: WHY` is left alone. A block of commands or of configuration without such a comment fails. What a guide calls a
// placeholder is replaced by the test's own provider and ports.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { LATCHKEY, latchkey } from './support/broker.mjs';
import { Provider } from './support/provider.mjs';
import { Authority } from './support/tls.mjs';
import { eventually, Process, run, tempFolder } from './support/work.mjs';

const DOCS = new URL('../../docs/', import.meta.url).pathname;
const HOW_TO = join(DOCS, 'how-to');
const DECISION = /\bd-[0-9a-z]{13}\b/g;
const MARKS = /^(file: \S+|run(: exit \d+|: fails)?|start: \S+|prints(: \S+)?|prints only: \S+|not run: .+)$/;
const OF_MOSQUITTO_SUB_D = /^(Client \S+ (sending|received) |Subscribed \(mid).*\n/gm;

/** The fenced blocks of a page with the comment that stands above each. */
function blocksOf(page) {
  const blocks = [];
  const fence = /(?:<!-- (.+?) -->\n)?```(\w*)\n([\s\S]*?)```\n/g;
  for (const [, mark, language, text] of readFileSync(join(HOW_TO, page), 'utf8').matchAll(fence)) blocks.push({ mark, language, text });
  return blocks;
}

/** What differs from run to run, the same on both sides. */
function masked(text) {
  return text
    .replaceAll(LATCHKEY, 'latchkey')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} UTC/g, 'TIME')
    .replace(/"(auth_time|exp|iat|nbf)": ?\d+|\b(exp|iat|nbf) +\d+.*/g, '$1$2 SECONDS')
    .replace(DECISION, 'DECISION')
    .replace(/https:\/\/(localhost:\d+|OKTA|login\.microsoftonline\.com)[^\s;)"]*/g, 'URL')
    .replace(/\S*\/latchkey-data/g, 'latchkey-data')
    .replace(/\S*\/(latchkey|conf|server|device)\b/g, '$1')
    .replace(/\b(tcp|tls)-\d+/g, '$1-PORT')
    .replace(/(port[= ]|:|-p )(\d{4,5}|0)\b/g, '$1PORT')
    .replace(/\b[0-9a-z]{26}\b/g, 'SECRET')
    .replace(/shards=\d+/g, 'shards=N');
}

/** Every line of `wanted` occurs in `got`, in that order; `...` stands for any lines, or any rest of one. */
function missingLine(wanted, got) {
  const lines = masked(got).split('\n').map((line) => line.trimEnd());
  let at = 0;
  for (const line of masked(wanted).split('\n').map((one) => one.trimEnd())) {
    if (line === '' || line === '...') continue;
    const fits = line.endsWith(' ...') ? (one) => one.startsWith(line.slice(0, -4)) : (one) => one === line;
    const found = lines.findIndex((one, index) => index >= at && fits(one));
    if (found < 0) return line;
    at = found + 1;
  }
  return undefined;
}

class Reader {
  constructor(t, folder, replace = []) {
    Object.assign(this, { t, folder, replace, processes: new Map(), output: '', decision: undefined });
    mkdirSync(join(folder, 'bin'));
    symlinkSync(LATCHKEY, join(folder, 'bin/latchkey'));
    this.env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  }

  put(text) {
    let out = this.replace.reduce((all, [from, to]) => all.replaceAll(from, to), text).replace(/^port = \d+/gm, 'port = 0');
    if (this.ready) {
      for (const { kind, port } of this.ready.listeners) out = out.replaceAll(`-p ${kind === 'tls' ? 8883 : 1883}`, `-p ${port}`);
      out = out.replaceAll('127.0.0.1:8080', `127.0.0.1:${this.ready.admin.port}`);
    }
    return this.decision ? out.replace(DECISION, this.decision) : out;
  }

  write(name, text) {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), this.put(text));
  }

  /** A broker is asked for free ports and a ready file; every other command runs as it stands. */
  async start(name, text) {
    let ready = `${name}.ready`;
    let command = this.put(text).trim();
    const serves = /^make run$|latchkey serve/.test(command);
    if (serves) {
      command = command.replace(/^make run$/, 'latchkey serve --dev')
        .replace(/--dev/, '--dev --listener tcp:0,name=tcp --listener tls:0,name=tls --listener ws:0,name=ws')
        .replace(/--listener (tcp|tls):\d+/g, '--listener $1:0') + ' --admin-port 0';
      ready = join(this.folder, /--ready-file (\S+)/.exec(command)?.[1] ?? ready);
      if (!command.includes('--ready-file')) command += ` --ready-file ${ready}`;
    }
    // Into a pipe it would keep its lines until it ends; -d tells when its subscription stands.
    const subscribes = command.startsWith('mosquitto_sub ');
    if (subscribes) command = `stdbuf -oL ${command} -d`;
    const child = new Process('sh', ['-c', `exec ${command}`], { cwd: this.folder, env: this.env });
    this.t.after(() => child.stop());
    this.processes.set(name, child);
    if (subscribes) {
      await eventually(10, () => {
        if (child.running || child.code === 0) return child.stdout.includes('Subscribed (mid');
        throw new Error(`it ended with ${child.code}`);
      }, `${name}: ${command}`).catch((error) => { throw new Error(`${error.message}\n${child.stdout}${child.stderr}`); });
    }
    if (serves) {
      this.ready = await eventually(15, () => {
        if (!child.running) throw new Error(`it ended with ${child.code}`);
        return JSON.parse(readFileSync(ready, 'utf8'));
      }, `${name}: ${command}`).catch((error) => { throw new Error(`${error.message}\n${child.stdout}${child.stderr}`); });
    }
  }

  said(name) {
    const child = this.processes.get(name);
    assert.ok(child, `nothing called ${name} was started`);
    return (child.stdout + child.stderr).replace(OF_MOSQUITTO_SUB_D, '');
  }

  /** Exactly these lines, no fewer, no more. */
  async printsOnly(name, text, page) {
    await eventually(10, () => masked(this.said(name)) === masked(text)).catch(() => {
      assert.equal(masked(this.said(name)), masked(text), `${page}: ${name} prints something else`);
    });
  }

  async step({ mark, text }, page) {
    const [what, detail = ''] = mark.split(/: (.*)/s);
    if (what === 'file') this.write(detail, text);
    if (what === 'start') await this.start(detail, text);
    if (what === 'run') {
      this.text = text;
      this.again = () => run('sh', ['-e', '-c', this.put(text)], { cwd: this.folder, env: this.env });
      const done = await this.again();
      this.output = done.stdout + done.stderr;
      if (process.env.HOWTO_SHOW) console.log(`--- ${page}\n$ ${text}${this.output}`);
      if (detail === 'fails') assert.notEqual(done.code, 0, `${page}: this should fail: ${text}\n${this.output}`);
      else assert.equal(done.code, Number(detail.replace('exit ', '') || 0), `${page}: ${text}\n${this.output}`);
      this.decision = this.output.match(DECISION)?.[0] ?? this.decision;
    }
    if (what === 'prints only') await this.printsOnly(detail, text, page);
    if (what === 'prints') {
      const output = detail ? () => this.said(detail) : () => this.output;
      const reads = !detail && /^cat /.test(this.text);
      await eventually(detail || reads ? 10 : 0, async () => {
        if (missingLine(text, output()) === undefined) return true;
        // Whoever pastes faster than a line is written, or a subscription stands, does it once more.
        if (reads) this.output = (await this.again()).stdout;
        if (detail && /\bsub\b/.test(this.processes.get(detail)?.command)) await this.again();
        return false;
      }).catch(() => {
        assert.fail(`${page}: this line is not what it prints:\n${missingLine(text, output())}\n--- it printed\n${masked(output())}`);
      });
      this.decision = text.match(DECISION) ? output().match(DECISION).at(-1) : this.decision;
      if (process.env.HOWTO_SHOW && detail) console.log(`--- ${page}: ${detail}\n${output()}`);
    }
  }

  async read(page) {
    for (const block of blocksOf(page)) await this.step(block, page);
  }
}

/** A provider in the place of the guides' one, and what its addresses are called there. */
async function withProvider(t, { audience, clients }) {
  const folder = tempFolder(t, 'howto');
  const provider = await Provider.start({ authority: new Authority(folder), clients, audience });
  t.after(() => provider.stop());
  const trust = join(folder, 'ca.pem');
  return new Reader(t, folder, [
    ['https://OKTA/oauth2/default/v1/keys', provider.jwksUrl],
    ['https://OKTA/oauth2/default/v1/introspect', provider.introspectionUrl],
    ['https://OKTA/oauth2/default/v1/token', provider.tokenUrl],
    ['https://OKTA/oauth2/default', provider.issuer],
    ['https://login.microsoftonline.com/TENANT/discovery/v2.0/keys', provider.jwksUrl],
    ['https://login.microsoftonline.com/TENANT/oauth2/v2.0/token', provider.tokenUrl],
    ['https://login.microsoftonline.com/TENANT/v2.0', provider.issuer],
    ['--scope api://APP/.default', '--scope mqtt'],
    // The provider of the test has a certificate of the test's authority.
    ['</simple-auth>', `</simple-auth><ssl-trust-store>${trust}</ssl-trust-store>`],
    ['roles_claim = "roles"\n', `roles_claim = "roles"\nca_file = "${trust}"\n`],
    ['latchkey token client-credentials', `latchkey token client-credentials --ca-file ${trust}`],
  ]);
}

const OKTA_CLIENTS = { DEVICE: { secret: 'device-secret' }, CLIENT: { secret: 'SECRET' } };
const ENTRA_CLIENTS = { DEVICE: { secret: 'device-secret', roles: ['niagara4'] } };
const PAGES = {
  'client-certificates.md': (t) => new Reader(t, tempFolder(t, 'howto')),
  'first-steps.md': (t) => new Reader(t, tempFolder(t, 'howto')),
  'hivemq-okta.md': (t) => withProvider(t, { audience: 'HiveMQ', clients: OKTA_CLIENTS }),
  'hivemq-entra.md': (t) => withProvider(t, { audience: 'api://APP', clients: ENTRA_CLIENTS }),
  'native-toml.md': (t) => withProvider(t, { audience: 'HiveMQ', clients: { ...OKTA_CLIENTS, ...ENTRA_CLIENTS } }),
  'shared-subscriptions.md': (t) => new Reader(t, tempFolder(t, 'howto')),
  'why-was-it-denied.md': (t) => new Reader(t, tempFolder(t, 'howto')),
  'reload.md': (t) => new Reader(t, tempFolder(t, 'howto')),
  'websocket-and-load-balancers.md': (t) => new Reader(t, tempFolder(t, 'howto')),
};

test('every guide is executed, and every block of it says how', () => {
  const pages = readdirSync(HOW_TO).filter((name) => name !== 'README.md').sort();
  assert.deepEqual(pages, Object.keys(PAGES).sort());
  for (const page of pages) {
    const text = readFileSync(join(HOW_TO, page), 'utf8');
    assert.equal(blocksOf(page).length * 2, text.match(/^```/gm).length, `${page}: a fence is not closed`);
    for (const block of blocksOf(page)) assert.match(block.mark ?? '', MARKS, `${page}: this block says not what it is:\n${block.text}`);
    assert.ok(blocksOf(page).some((block) => block.mark.startsWith('run')), `${page} runs nothing`);
  }
});

for (const [page, prepare] of Object.entries(PAGES)) {
  test(`${page} works as it is written`, async (t) => (await prepare(t)).read(page));
}

test('the tests and models that the page of daggers names exist', () => {
  const page = readFileSync(join(DOCS, 'explanation/daggers.md'), 'utf8');
  const sources = ['tests/sim', 'src/store'].flatMap((room) => readdirSync(join(DOCS, '..', room)).filter((name) => name.endsWith('_test.cpp'))
    .map((name) => readFileSync(join(DOCS, '..', room, name), 'utf8'))).join('\n');
  const named = [...page.matchAll(/`(\w+)\.([A-Z]\w+)`/g)];
  assert.ok(named.length >= 20);
  for (const [, suite, name] of named) assert.match(sources, new RegExp(`\\b${suite},\\s+${name}\\)`), `${suite}.${name}`);
  const models = new Set(readdirSync(join(DOCS, '../tests/models')));
  for (const row of page.split('\n').filter((line) => /^\| (data-path|policy) \d/.test(line))) {
    for (const [, model] of row.split('|')[3].matchAll(/`(\w+)`/g)) assert.ok(models.has(`${model}.pml`), model);
  }
});

test('the reference pages are what the binary prints', async () => {
  for (const [kind, file] of [['errors', 'errors.md'], ['config', 'config.md'], ['schema', 'config.schema.json']]) {
    const printed = await latchkey(['docs', kind]);
    assert.equal(printed.code, 0, printed.stderr);
    assert.ok(printed.stdout.length > 1000, `docs ${kind} prints nothing`);
    assert.equal(readFileSync(join(DOCS, 'reference', file), 'utf8'), printed.stdout,
      `docs/reference/${file} is old: latchkey docs ${kind} >docs/reference/${file}`);
  }
});
