// `serve --dev`: what it prints works when pasted, and it opens nothing beyond this machine.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { latchkey, Broker } from './support/broker.mjs';
import { eventually, Process, run, tempFolder } from './support/work.mjs';

const start = (t, listeners = ['tcp:0,name=tcp', 'tls:0,name=tls'], args = []) => Broker.start(t, {
  folder: tempFolder(t), config: null, listeners, args: ['--dev', '--admin-port', '0', ...args],
});
/** The printed commands that contain all of `words`. */
const printed = (broker, ...words) => broker.process.stdout.split('\n').filter((line) => /^ {2}\S*latchkey /.test(line))
  .map((line) => line.trim()).filter((line) => words.every((word) => line.includes(word)));
const shell = (line, cwd = '/') => run('sh', ['-c', line], { cwd });

test('the printed commands work when pasted, from another folder', async (t) => {
  const broker = await start(t);
  await eventually(5, () => printed(broker, 'token client-credentials').length > 0, 'the printed commands');
  const [sub] = printed(broker, ' sub ');
  const reader = new Process('sh', ['-c', `exec ${sub}`], { cwd: '/' });
  t.after(() => reader.stop());
  await broker.accessLine('operator-1', /authorization-succeeded/);
  const [good, bad] = printed(broker, ' pub ');
  await eventually(10, async () => {
    const sent = await shell(good);
    assert.equal(sent.code, 0, sent.stderr);
    return /demo\/sensor-1\/telemetry 21\.5/.test(reader.stdout);
  }, 'the message');

  const denied = await shell(bad);
  assert.equal(denied.code, 1);
  const id = /decision (d-[0-9a-z]{13})/.exec(denied.stderr)?.[1];
  assert.ok(id, denied.stderr);
  const why = await shell(printed(broker, 'explain --decision ID')[0].replace('ID', id));
  assert.equal(why.code, 10, why.stderr);
  assert.match(why.stdout, /demo\/sensor-2\/telemetry/);
  assert.match(why.stdout, /latchkey\.toml:\d+/);

  const asked = await shell(printed(broker, 'explain --config')[0]);
  assert.equal(asked.code, 10, asked.stdout + asked.stderr);
  assert.match(asked.stdout, /latchkey\.toml:\d+/);
  const fetched = await shell(printed(broker, 'token client-credentials')[0]);
  assert.equal(fetched.code, 0, fetched.stderr);
  assert.equal((await shell(good)).code, 0, 'the fetched token does not work');
});

test('the development issuer gives nothing to a wrong secret', async (t) => {
  const broker = await start(t);
  await eventually(5, () => printed(broker, 'token client-credentials').length > 0, 'the printed commands');
  const url = /--token-url (\S+)/.exec(printed(broker, 'token client-credentials')[0])[1];
  const ask = (secret, grant = 'client_credentials') => fetch(url, {
    method: 'POST', body: new URLSearchParams({ grant_type: grant, client_id: 'sensor', client_secret: secret }),
  });
  assert.equal((await ask('wrong')).status, 401);
  assert.equal((await ask('')).status, 401);
  assert.equal((await ask('wrong', 'password')).status, 400);
});

test('--dev goes without --config and stays on loopback', async (t) => {
  const data = join(tempFolder(t), 'data');
  assert.equal((await latchkey(['serve', '--dev', '--config', 'x', '--data', data])).code, 2);
  assert.equal((await latchkey(['serve', '--dev', '--data', data, '--listener', 'tcp:0.0.0.0:0'])).code, 2);
});

test('a second broker on one data folder is refused', async (t) => {
  const broker = await start(t);
  const second = await latchkey(['serve', '--dev', '--data', broker.data, '--listener', 'tcp:0', '--admin-port', '0']);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another process/);
});
