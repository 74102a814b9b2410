// Shared subscriptions with foreign clients, unmodified: Mosquitto's and MQTT.js in one group, 3.1.1 and 5, with two shards; one copy
// for the group, in turn; who leaves hands over.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import { oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import * as mosquitto from './support/mosquitto.mjs';
import { eventually } from './support/work.mjs';

describe('shared subscriptions on two shards', () => {
  const cleanups = [];
  let h;
  let token;
  before(async () => {
    h = await house({ after: (fn) => cleanups.unshift(fn) }, {
      xml: (given) => oktaXml({ ...given, introspection: false }), args: ['--shards', '2'],
    });
    token = await h.provider.token('device');
  });
  after(async () => { for (const fn of cleanups) await fn(); });

  const where = (id, version = 5) => ({ port: h.tcp, username: 'u', password: token, id, version });
  const forJs = (clientId, version = 5) => ({ port: h.tcp, username: 'u', password: token, clientId, version });

  test('CONNACK does not deny them, and SUBACK grants them', async (t) => {
    const session = await login(t, forJs('grants'));
    assert.notEqual(session.connack.properties?.sharedSubscriptionAvailable, false);
    assert.deepEqual(await subscribe(session, ['$share/g/granted/#'], { qos: 2 }), [2]);
  });

  test('mosquitto_sub (3.1.1 and 5) and MQTT.js in one group: each message once, in turn', async (t) => {
    const readers = await Promise.all([4, 5].flatMap((version) => [0, 1].map((n) => mosquitto.subscribe(t, {
      ...where(`turn-${version}-${n}`, version), topic: '$share/turn/turn/#', qos: 1,
    }))));
    const js = await login(t, forJs('turn-js'));
    await subscribe(js, ['$share/turn/turn/#'], { qos: 1 });
    const plain = await login(t, forJs('turn-plain'));
    await subscribe(plain, ['turn/#'], { qos: 1 });
    const publisher = await login(t, forJs('turn-pub'));
    for (let i = 0; i < 100; i++) assert.equal(await publish(publisher, `turn/${i % 3}`, `${i}`, { qos: 1 }), 0);
    await plain.received(100);
    const shares = () => [...readers.map((one) => one.messages().map((line) => line.split(' ')[1])), js.messages.map((one) => one.text)];
    await eventually(10, () => shares().flat().length >= 100, 'a hundred messages in the group');
    assert.deepEqual(shares().flat().map(Number).sort((a, b) => a - b), [...Array(100).keys()]);
    for (const share of shares()) assert.ok(share.length >= 18 && share.length <= 22, `${share.length} of 100 for one of five`);
  });

  test('what a member did not acknowledge goes to another when it ends', async (t) => {
    const holds = await login(t, { ...forJs('holds'), properties: { receiveMaximum: 2 }, customHandleAcks: () => {} });
    await subscribe(holds, ['$share/over/over/#'], { qos: 1 });
    const takes = await login(t, forJs('takes'));
    await subscribe(takes, ['$share/over/over/#'], { qos: 1 });
    const publisher = await login(t, forJs('over-pub'));
    for (let i = 0; i < 20; i++) assert.equal(await publish(publisher, 'over/x', `${i}`, { qos: 1 }), 0);
    await takes.received(10);
    holds.client.end(true);
    await takes.received(20);
    assert.deepEqual(takes.messages.map((one) => Number(one.text)).sort((a, b) => a - b), [...Array(20).keys()]);
  });

  test('after UNSUBACK the others get everything', async (t) => {
    const leaves = await login(t, forJs('leaves'));
    const stays = await login(t, forJs('stays'));
    for (const one of [leaves, stays]) await subscribe(one, ['$share/leave/leave/#'], { qos: 1 });
    const publisher = await login(t, forJs('leave-pub'));
    for (let i = 0; i < 10; i++) await publish(publisher, 'leave/x', `${i}`, { qos: 1 });
    await eventually(5, () => leaves.messages.length + stays.messages.length >= 10, 'ten messages');
    await leaves.client.unsubscribeAsync('$share/leave/leave/#');
    const before = leaves.messages.length;
    for (let i = 10; i < 20; i++) await publish(publisher, 'leave/x', `${i}`, { qos: 1 });
    await stays.received(20 - before);
    assert.equal(leaves.messages.length, before);
  });
});
