// The Entra article's files: everything allowed, then roles from the token. (Closing line 6.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import { ALLOW_ALL, entraXml, NIAGARA_ROLES } from './support/ese.mjs';
import { house } from './support/house.mjs';
import { eventually } from './support/work.mjs';

const CLIENTS = {
  device: { secret: 'd', roles: ['niagara4'] },
  other: { secret: 'o', roles: ['somebody'] },
  both: { secret: 'b', roles: ['somebody', 'niagara4'] },
};
const stage = (t, authorization) => house(t, {
  xml: (given) => entraXml({ ...given, authorization }), files: { 'conf/roles.xml': NIAGARA_ROLES }, clients: CLIENTS,
});
const enter = async (t, h, clientId, token, more = {}) => {
  const session = await login(t, { port: h.tls, ca: h.ca, clientId, username: 'u', password: token, ...more });
  assert.equal(session.code, 0, h.broker.output);
  return session;
};

test('allow-all: any token of the provider may do everything', async (t) => {
  const h = await stage(t, 'allow-all');
  const session = await enter(t, h, 'device-1', await h.provider.token('other'));
  assert.deepEqual(await subscribe(session, '#'), [1]);
  assert.equal(await publish(session, 'anything/at/all', 'x', { qos: 2 }), 0);
  assert.ok((await h.broker.accessLine('device-1', /authorization-succeeded/)).endsWith(ALLOW_ALL));
});

test('neither audience nor issuer is checked: the start says so loudly', async (t) => {
  const h = await stage(t, 'file');
  await eventually(5, () => /warn/i.test(h.broker.output) && /aud/i.test(h.broker.output), 'a warning about the audience');
  const health = await (await fetch(`${h.broker.admin}/health`)).text();
  assert.match(health, /degraded/);
});

for (const [who, name] of [['device', 'role niagara4'], ['both', 'niagara4 among other roles']]) {
  test(`${name}: publishes to topic-1, subscribes to topic-2, and nothing else`, async (t) => {
    const h = await stage(t, 'file');
    const token = await h.provider.token(who);
    const session = await enter(t, h, 'reader', token);
    assert.deepEqual(await subscribe(session, ['topic-2', 'topic-1', '#', 'topic-2/+', '+', '$share/g/topic-1']),
      [1, 0x87, 0x87, 0x87, 0x87, 0x87]);
    assert.equal(await publish(session, 'topic-1', 'mine', { qos: 1 }), 0);
    assert.equal(await publish(session, 'topic-1', 'mine', { qos: 2, retain: true }), 0);

    for (const [topic, qos, retain] of [['topic-2', 1, false], ['topic-3', 1, false], ['topic-1/x', 2, false], ['topic-2', 1, true]]) {
      const writer = await enter(t, h, `writer-${topic}-${qos}-${retain}`, token);
      assert.equal(await publish(writer, topic, 'not mine', { qos, retain }), 0x87, `${topic} ${qos} ${retain}`);
      await eventually(5, () => writer.closed, 'the end of the connection');
      assert.equal(writer.disconnect, 0x87);
    }
    assert.equal(session.messages.length, 0, 'a denied publish was delivered');
  });
}

test('role niagara4 in MQTT 3.1.1: a denied publish closes, a denied filter gets 0x80', async (t) => {
  const h = await stage(t, 'file');
  const token = await h.provider.token('device');
  const session = await enter(t, h, 'old', token, { version: 4 });
  assert.deepEqual(await subscribe(session, ['topic-2', 'topic-1']), [1, 0x80]);
  assert.equal(await publish(session, 'topic-1', 'mine', { qos: 1 }), 0);
  assert.equal(await publish(session, 'topic-2', 'not mine', { qos: 1 }), 'closed');
});

const NOTHING = [
  ['absent', undefined], ['an empty array', []], ['an empty text', ''], ['another role', ['somebody']], ['null', null],
  ['a number', 4], ['an object', { niagara4: true }], ['a role of which ours is a part', ['niagara42']], ['another case', ['Niagara4']],
  ['two roles in one text', 'niagara4 somebody'], ['a list in a list', [['niagara4']]], ['the postfix in a role', ['x}}{{niagara4']],
];
test('a roles claim that is absent, empty or another opens nothing', async (t) => {
  const h = await stage(t, 'file');
  for (const [name, roles] of NOTHING) {
    await t.test(name, async (inner) => {
      const token = await h.provider.mint({ roles });
      const session = await login(inner, { port: h.tls, ca: h.ca, clientId: `nothing ${name}`, username: 'u', password: token });
      if (!session.accepted) {
        assert.equal(session.code, 0x87);
        return;
      }
      assert.deepEqual(await subscribe(session, ['topic-1', 'topic-2', '#']), [0x87, 0x87, 0x87]);
      assert.equal(await publish(session, 'topic-1', 'x', { qos: 1 }), 0x87);
    });
  }
});
