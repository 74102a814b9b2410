// Foreign clients, unmodified: Mosquitto's and MQTT.js, 3.1.1 and 5, over TCP and TLS, QoS 0 to 2, retained messages and wills,
// with two shards. (Closing line 11.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import { oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import * as mosquitto from './support/mosquitto.mjs';
import { eventually } from './support/work.mjs';

describe('foreign clients on two shards', () => {
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

  const who = () => ({ username: 'u', password: token });
  const over = (transport) => (transport === 'tls' ? { port: h.tls } : { port: h.tcp });
  const forMosquitto = (transport) => ({ ...over(transport), ...(transport === 'tls' ? { ca: h.caFile } : {}), ...who() });
  const forJs = (transport) => ({ ...over(transport), ...(transport === 'tls' ? { ca: h.ca } : {}), ...who() });

  for (const transport of ['tcp', 'tls']) {
    for (const version of [4, 5]) {
      const label = `${transport}, MQTT ${version === 4 ? '3.1.1' : '5'}`;

      test(`mosquitto_pub to mosquitto_sub, QoS 0 to 2: ${label}`, async (t) => {
        const where = { ...forMosquitto(transport), version };
        const topic = `m/${transport}/${version}`;
        // Several ids, so that publisher and subscriber meet on one shard and on two.
        const readers = await Promise.all([0, 1, 2].map((n) => mosquitto.subscribe(t, { ...where, id: `sub-${topic}-${n}`, topic: `${topic}/#`, qos: 2 })));
        for (const qos of [0, 1, 2]) {
          const sent = await mosquitto.publish({ ...where, id: `pub-${topic}-${qos}`, topic: `${topic}/${qos}`, message: `q${qos}`, qos });
          assert.equal(sent.code, 0, sent.stderr);
        }
        for (const reader of readers) {
          await eventually(5, () => reader.messages().length >= 3, 'three messages');
          assert.deepEqual(reader.messages().sort(), [0, 1, 2].map((qos) => `${topic}/${qos} q${qos}`));
        }
      });

      test(`retained: kept, replaced, cleared: ${label}`, async (t) => {
        const where = { ...forMosquitto(transport), version };
        const topic = `r/${transport}/${version}`;
        for (const message of ['one', 'two']) {
          assert.equal((await mosquitto.publish({ ...where, topic, message, qos: 1, retain: true })).code, 0);
        }
        for (const n of [0, 1, 2]) {
          const reader = await mosquitto.subscribe(t, { ...where, id: `late-${topic}-${n}`, topic: `r/${transport}/+`, qos: 1 });
          await eventually(5, () => reader.messages().includes(`${topic} two`), 'the retained message');
          assert.ok(!reader.messages().includes(`${topic} one`));
        }
        assert.equal((await mosquitto.publish({ ...where, topic, qos: 1, retain: true, message: '' })).code, 0);
        const reader = await mosquitto.subscribe(t, { ...where, topic, qos: 1 });
        assert.equal((await mosquitto.publish({ ...where, topic, message: 'live', qos: 1 })).code, 0);
        await eventually(5, () => reader.messages().length > 0, 'the live message');
        assert.deepEqual(reader.messages(), [`${topic} live`]);
      });

      test(`MQTT.js, QoS 0 to 2, in order: ${label}`, async (t) => {
        const where = { ...forJs(transport), version };
        const topic = `j/${transport}/${version}`;
        const readers = await Promise.all([0, 1, 2, 3].map((n) => login(t, { ...where, clientId: `jr-${topic}-${n}` })));
        for (const reader of readers) assert.deepEqual(await subscribe(reader, `${topic}/+`, { qos: 2 }), [2]);
        const writer = await login(t, { ...where, clientId: `jw-${topic}` });
        assert.equal(writer.code, 0);
        const expected = [];
        for (let n = 0; n < 60; n += 1) {
          const qos = n % 3;
          assert.equal(await publish(writer, `${topic}/${qos}`, `${n}`, { qos }), 0);
          expected.push(n);
        }
        for (const reader of readers) {
          await reader.received(60);
          for (const qos of [0, 1, 2]) {  // order holds within a topic and QoS
            assert.deepEqual(reader.messages.filter((m) => m.topic === `${topic}/${qos}`).map((m) => Number(m.text)),
              expected.filter((n) => n % 3 === qos));
          }
          assert.ok(reader.messages.every((m) => m.packet.qos === Number(m.topic.slice(-1)) && !m.packet.dup));
        }
      });

      test(`a will is sent when the connection breaks, and not after DISCONNECT: ${label}`, async (t) => {
        const where = { ...forJs(transport), version };
        const topic = `w/${transport}/${version}`;
        const reader = await mosquitto.subscribe(t, { ...forMosquitto(transport), version, topic: `${topic}/#`, qos: 1 });
        const will = (name) => ({ will: { topic: `${topic}/${name}`, payload: Buffer.from('gone'), qos: 1, retain: false } });
        const polite = await login(t, { ...where, clientId: `polite-${topic}`, ...will('polite') });
        assert.equal(polite.code, 0);
        await new Promise((resolve) => { polite.client.end(false, {}, resolve); });
        const broken = await login(t, { ...where, clientId: `broken-${topic}`, ...will('broken') });
        assert.equal(broken.code, 0);
        broken.client.stream.destroy();
        await eventually(5, () => reader.messages().length > 0, 'the will');
        assert.deepEqual(reader.messages(), [`${topic}/broken gone`]);
      });

      test(`a session outlives its connection: what was sent meanwhile arrives: ${label}`, async (t) => {
        const where = { ...forJs(transport), version };
        const topic = `s/${transport}/${version}`;
        const stay = { clientId: `stay-${topic}`, clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}) };
        const first = await login(t, { ...where, ...stay });
        assert.equal(first.connack.sessionPresent, false);
        assert.deepEqual(await subscribe(first, topic, { qos: 1 }), [1]);
        await new Promise((resolve) => { first.client.end(false, {}, resolve); });
        const writer = await login(t, { ...where, clientId: `writer-${topic}` });
        for (const text of ['a', 'b', 'c']) assert.equal(await publish(writer, topic, text, { qos: 1 }), 0);
        const second = await login(t, { ...where, ...stay });
        assert.equal(second.connack.sessionPresent, true);
        assert.deepEqual((await second.received(3)).map((m) => m.text), ['a', 'b', 'c']);
      });
    }
  }

  test('a second connection with the same client id takes over, the first is told', async (t) => {
    const first = await login(t, { ...forJs('tcp'), clientId: 'twin' });
    const second = await login(t, { ...forJs('tls'), clientId: 'twin' });
    assert.equal(second.code, 0);
    await eventually(5, () => first.closed, 'the end of the first');
    assert.equal(first.disconnect, 0x8E);
    assert.equal(await publish(second, 'x', 'y', { qos: 1 }), 0);
  });

  test('a large payload crosses both ways whole', async (t) => {
    const reader = await login(t, { ...forJs('tls'), clientId: 'large-reader' });
    await subscribe(reader, 'large', { qos: 1 });
    const writer = await login(t, { ...forJs('tcp'), clientId: 'large-writer' });
    const text = 'abcdefghij'.repeat(20_000);
    assert.equal(await publish(writer, 'large', text, { qos: 1 }), 0);
    const [message] = await reader.received(1);
    assert.equal(message.text, text);
  });

  test('TLS 1.2 and 1.3 are spoken, 1.1 is not; a client that trusts another CA turns away', async (t) => {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const session = await login(t, { ...forJs('tls'), clientId: version, minVersion: version, maxVersion: version });
      assert.equal(session.code, 0, version);
    }
    const old = await login(t, { ...forJs('tls'), clientId: 'old', minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
    assert.equal(old.accepted, false);
    const stranger = await login(t, { ...forJs('tls'), clientId: 'stranger', ca: undefined, protocol: 'mqtts' });
    assert.equal(stranger.accepted, false);
  });
});
