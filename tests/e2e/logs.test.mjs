// What must not be in a log, and what a hostile name must not do to one. (Closing line 13.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { login, publish } from './support/client.mjs';
import { entraXml, LINE, NIAGARA_ROLES, oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import * as mosquitto from './support/mosquitto.mjs';
import { eventually } from './support/work.mjs';

const HOSTILE = [
  'two\nlines', 'carriage\rreturn', 'tab\there', '2026-01-01 00:00:00,000 UTC - authentication-succeeded - Client succeeded: ID x\n',
  'quote"quote', "single'quote", 'back\\slash', '\u001b[31mred\u001b[0m', 'bell\u0007', 'del\u007f', 'c1\u009b31m', 'bidi\u202eright', 'sep\u2028line',
  'ID admin, IP 127.0.0.1', '{"json":"inside"}', '%s%n%x', '${ENV:HOME}', 'emoji\u{1f511}', 'x'.repeat(1000),
];

test('log lines survive hostile client ids and user names', async (t) => {
  const h = await house(t, { xml: (given) => oktaXml({ ...given, introspection: false }) });
  const token = await h.provider.token('device');
  for (const name of HOSTILE) {
    for (const who of [{ username: name, password: token }, { username: name, password: 'wrong' }]) {
      const session = await login(t, { port: h.tls, ca: h.ca, clientId: name, ...who });
      // eslint-disable-next-line no-control-regex
      if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) assert.ok([0x85, 0x87].includes(session.code), `${JSON.stringify(name)} got ${session.code}`);
      session.client.end(true);
    }
  }
  const last = await login(t, { port: h.tls, ca: h.ca, clientId: 'the-last-one' });
  assert.equal(last.code, 0x87);
  await h.broker.accessLine('the-last-one', /authentication-failed/);
  for (const line of h.broker.accessLog()) {
    assert.ok([LINE.anyFailure, LINE.succeeded, LINE.authorized].some((format) => format.test(line)), `not a line of ours: ${JSON.stringify(line)}`);
  }
  for (const { path, text } of h.broker.everything().filter((file) => /audit/.test(file.path))) {
    for (const line of text.split('\n').filter(Boolean)) assert.doesNotThrow(() => JSON.parse(line), `${path}: ${line}`);
  }
  // eslint-disable-next-line no-control-regex
  for (const { path, text } of h.broker.everything().filter((file) => /log|output/.test(file.path))) assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f]/, path);
});

test('the audit log has principal, issuer, roles, listener, rule and decision id', async (t) => {
  const h = await house(t, {
    xml: entraXml, files: { 'conf/roles.xml': NIAGARA_ROLES }, clients: { device: { secret: 'd', roles: ['niagara4'] } },
  });
  const session = await login(t, { port: h.tls, ca: h.ca, clientId: 'audited', username: 'u', password: await h.provider.token('device') });
  assert.equal(session.code, 0);
  assert.equal(await publish(session, 'topic-2', 'x', { qos: 1 }), 0x87);
  const events = await eventually(5, () => {
    const all = h.broker.everything().filter((file) => /audit/.test(file.path))
      .flatMap(({ text }) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line)))
      .filter((event) => JSON.stringify(event).includes('audited'));
    return all.some((event) => /den|refus/i.test(JSON.stringify(event))) && all;
  }, 'an audit event about the denial');
  const text = JSON.stringify(events);
  for (const part of [h.provider.issuer, 'niagara4', 'tls', 'device']) assert.ok(text.includes(part), `${part} is not in ${text}`);
  assert.match(text, /"decision[^"]*":/);
});

test('a denial is one WARN line that names the client, the topic, the rule that would have allowed, and the command to ask why', async (t) => {
  const h = await house(t, {
    xml: entraXml, files: { 'conf/roles.xml': NIAGARA_ROLES }, clients: { device: { secret: 'd', roles: ['niagara4'] } },
  });
  const session = await login(t, { port: h.tls, ca: h.ca, clientId: 'curious', username: 'u', password: await h.provider.token('device') });
  assert.equal(await publish(session, 'topic-2', 'x', { qos: 1 }), 0x87);
  const line = await eventually(5, () => h.broker.output.split('\n').find((one) => /warn/i.test(one) && one.includes('curious') && one.includes('topic-2')),
    'the WARN line').catch((error) => { throw new Error(`${error.message}\n${h.broker.output}`); });
  assert.match(line, /explain --decision \S+/);
});

test('no signature of a token, no secret and no password is in any log or file', async (t) => {
  const h = await house(t, { xml: oktaXml });
  const good = await h.provider.token('device');
  const tokens = [good, await h.provider.mint({ aud: 'other' }), await h.provider.mint({ exp: 1 }), `${good.slice(0, -4)}AAAA`];
  for (const [index, token] of tokens.entries()) {
    for (const version of [4, 5]) {
      const session = await login(t, { port: h.tls, ca: h.ca, version, clientId: `secret-${index}-${version}`, username: 'u', password: token });
      if (session.accepted) await publish(session, '$SYS/forbidden', 'payload-that-is-secret', { qos: 1 });
      session.client.end(true);
    }
  }
  await mosquitto.publish({ port: h.tls, ca: h.caFile, username: 'u', password: 'hunter2-hunter2', topic: 'a' });
  await h.provider.stop();
  await login(t, { port: h.tls, ca: h.ca, clientId: 'down', username: 'u', password: good });
  await h.broker.stop();
  for (const { path, text } of h.broker.everything()) {
    for (const token of tokens) {
      const signature = token.split('.')[2];
      assert.ok(!text.includes(signature.slice(0, 24)), `${path} holds the signature of a token`);
      assert.ok(!text.includes(token.split('.')[1].slice(0, 40)), `${path} holds the payload of a token`);
    }
    for (const secret of ['hunter2', 'broker-secret', 'payload-that-is-secret']) assert.ok(!text.includes(secret), `${path} holds ${secret}`);
  }
});
