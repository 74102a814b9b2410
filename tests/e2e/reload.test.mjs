// SIGHUP: a changed configuration acts on who is connected, a broken one changes nothing and says where it is wrong.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import { entraXml, NIAGARA_ROLES } from './support/ese.mjs';
import { house } from './support/house.mjs';
import { eventually } from './support/work.mjs';

const CLIENTS = { device: { secret: 'd', roles: ['niagara4'] } };
const stage = (t) => house(t, {
  xml: (given) => entraXml({ ...given }), files: { 'conf/roles.xml': NIAGARA_ROLES }, clients: CLIENTS, args: ['--shards', '2'],
});
const hangup = (broker) => broker.process.child.kill('SIGHUP');

test('a reload takes a right from connected clients within a second, and says when nothing acts on the old one', async (t) => {
  const h = await stage(t);
  const token = await h.provider.token('device');
  const enter = (clientId) => login(t, { port: h.tls, ca: h.ca, clientId, username: 'u', password: token });
  const [reader, writer] = [await enter('reader'), await enter('writer')];
  assert.deepEqual(await subscribe(reader, 'topic-2'), [1]);
  assert.equal(await publish(writer, 'topic-1', 'still mine', { qos: 1 }), 0);
  const roles = NIAGARA_ROLES.replace('<topic>topic-1</topic>', '<topic>topic-9</topic>');
  assert.notEqual(roles, NIAGARA_ROLES);
  h.broker.write('conf/roles.xml', roles);
  hangup(h.broker);
  await eventually(1, () => /reload_done.*receipt=true/.test(h.broker.output), 'the receipt');
  assert.equal(await publish(writer, 'topic-1', 'not mine any more', { qos: 1 }), 0x87);
  assert.equal((await enter('later')).code, 0, 'logins go on');
});

test('a broken file changes nothing and is named with its place', async (t) => {
  const h = await stage(t);
  const token = await h.provider.token('device');
  const writer = await login(t, { port: h.tls, ca: h.ca, clientId: 'writer', username: 'u', password: token });
  h.broker.write('conf/roles.xml', NIAGARA_ROLES.replace('<permissions>', '<permisions>'));
  hangup(h.broker);
  await eventually(5, () => /reload_refused.*roles\.xml:\d+:\d+/.test(h.broker.output), 'the refusal');
  assert.equal(await publish(writer, 'topic-1', 'still mine', { qos: 1 }), 0);
});
