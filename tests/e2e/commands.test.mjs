// The commands as other people script them: help with examples, JSON where it prints data, exit codes 0, 1, 2, and Latchkey's own
// client against its own broker.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeJwt } from 'jose';
import { LATCHKEY, latchkey } from './support/broker.mjs';
import { oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import { eventually, Process, tempFolder } from './support/work.mjs';

const COMMANDS = ['serve', 'check', 'explain', 'token', 'pub', 'sub'];

test('every command has help with an example, and exits with 2 on wrong usage', async () => {
  for (const command of COMMANDS) {
    const help = await latchkey([command, '--help']);
    assert.equal(help.code, 0, `${command}: ${help.stderr}`);
    assert.match(help.stdout, new RegExp(`latchkey ${command} .*`), `${command} shows no example`);
    const wrong = await latchkey([command, '--no-such-option']);
    assert.equal(wrong.code, 2, `${command}: ${wrong.stdout}${wrong.stderr}`);
  }
  assert.equal((await latchkey(['--help'])).code, 0);
  assert.equal((await latchkey(['no-such-command'])).code, 2);
  assert.equal((await latchkey(['check', '/no/such/file.xml'])).code, 1);
});

test('token client-credentials fetches what the provider gives; decode shows its claims and never its signature', async (t) => {
  const h = await house(t, { xml: oktaXml });
  const secretFile = join(h.folder, 'secret');
  writeFileSync(secretFile, 'device secret & more\n');
  const help = (await latchkey(['token', 'client-credentials', '--help'])).stdout;
  const secret = /--client-secret-file/.test(help) ? ['--client-secret-file', secretFile] : ['--secret-file', secretFile];
  const ca = /--cafile/.test(help) ? ['--cafile', h.caFile] : ['--ca-file', h.caFile];
  const got = await latchkey(['token', 'client-credentials', '--token-url', h.provider.tokenUrl, '--client-id', 'device', ...secret, ...ca, '--scope', 'mqtt']);
  assert.equal(got.code, 0, got.stdout + got.stderr);
  const token = got.stdout.trim();
  assert.equal(decodeJwt(token).aud, 'HiveMQ');

  const file = join(h.folder, 'token');
  writeFileSync(file, token);
  const decoded = await latchkey(['token', 'decode', '--token-file', file, '--json']);
  assert.equal(decoded.code, 0, decoded.stdout + decoded.stderr);
  assert.match(decoded.stdout, /"HiveMQ"/);
  assert.doesNotThrow(() => JSON.parse(decoded.stdout));
  assert.ok(!decoded.stdout.includes(token.split('.')[2]));

  const session = await latchkey(['pub', '-h', 'localhost', '-p', String(h.tls), '--cafile', h.caFile, '-i', 'own', '-u', 'u', '-P', token, '-t', 'a', '-m', 'x', '-q', '1']);
  assert.equal(session.code, 0, session.stdout + session.stderr);
});

test('pub and sub understand what mosquitto_pub and mosquitto_sub do', async (t) => {
  const h = await house(t, { xml: (given) => oktaXml({ ...given, introspection: false }) });
  const token = await h.provider.token('device');
  const where = ['-h', 'localhost', '-p', String(h.tls), '--cafile', h.caFile, '-u', 'u', '-P', token];
  const reader = new Process(LATCHKEY, ['sub', ...where, '-i', 'reader', '-t', 'own/#', '-q', '1', '-v', '-C', '2']);
  t.after(() => reader.stop());
  await h.broker.accessLine('reader', /authorization-succeeded/);
  let count = 0;
  await eventually(10, async () => {  // its subscription shows by what it prints
    count += 1;
    assert.equal((await latchkey(['pub', ...where, '-i', `w${count}`, '-t', 'own/topic', '-m', 'hello', '-q', '1'])).code, 0);
    return /own\/topic hello/.test(reader.stdout);
  }, 'the message');
  assert.equal((await latchkey(['pub', ...where, '-t', 'own/topic', '-m', 'again', '-q', '2'])).code, 0);
  assert.equal(await reader.ended, 0);
});

test('pub says why it was refused and exits with 1', async (t) => {
  const h = await house(t, { xml: oktaXml });
  const refused = await latchkey(['pub', '-h', 'localhost', '-p', String(h.tls), '--cafile', h.caFile, '-i', 'nobody', '-t', 'a', '-m', 'x']);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout + refused.stderr, /not authori[sz]ed|0x87/i);
  const untrusted = await latchkey(['pub', '-h', 'localhost', '-p', String(h.tls), '--cafile', join(tempFolder(t), 'none.pem'), '-t', 'a', '-m', 'x']);
  assert.notEqual(untrusted.code, 0);
});
