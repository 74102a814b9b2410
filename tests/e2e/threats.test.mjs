// Attacks on the wire by their numbers (group E: format, states, memory), each over every kind of listener, while a well-behaved
// client beside them keeps publishing and receiving. Every malformation byte by byte: tests/conformance/malformed_test.cpp.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import * as client from './support/client.mjs';
import { KINDS, openBroker } from './support/open_broker.mjs';
import { handshake, rawSocket } from './support/websocket.mjs';
import { bytes, connect, connected, ended, packet, properties, publish, subscribe, text, u16, wire } from './support/wire.mjs';
import { eventually, SLOW } from './support/work.mjs';

const userProperties = (count) => Buffer.concat(Array.from({ length: count }, () => bytes(0x26, text('k'), text('v'))));
const varint5 = [0x80, 0x80, 0x80, 0x80, 0x01];

const ROOM = SLOW > 1 ? 10 : 1;  // sanitizers keep freed memory for a while

/** Sent as the first packet: what CONNACK says; null: silence. */
const FIRST = [
  ['E-01', 'a length of five bytes', bytes(0x10, [0xff, 0xff, 0xff, 0xff, 0x7f]), null],
  ['E-02', 'a length longer than it must be', bytes(0x10, [0x8d, 0x80, 0x00], text('MQTT'), [5, 2, 0, 60, 0], text('')), null],
  ['E-05', 'CONNECT shorter than its header', bytes(0x10, 4, text('MQ')), null],
  ['E-06', 'a client id beyond the packet', packet(0x10, text('MQTT'), [5, 2, 0, 60, 0, 0xff, 0xff, 0x61]), 0x81],
  ...Array.from({ length: 16 }, (_, type) => type).filter((type) => type !== 1)
    .map((type) => ['E-07', `packet type ${type} first`, bytes((type << 4) | ([6, 8, 10].includes(type) ? 2 : 0), 2, [0, 1]), null]),
  ['E-10', 'CONNECT with reserved flags', bytes(0x11, connect().subarray(1)), null],
  ['E-11', 'another protocol name', connect({ name: 'MQXX' }), null],
  ['E-11', 'protocol level 6', connect({ level: 6 }), 0x84],
  ['E-11', 'a reserved connect flag', connect({ flags: 0x03 }), 0x81],
  ['E-11', 'will QoS without will', connect({ flags: 0x0a }), 0x81],
  ['E-11', 'password without user name, 3.1.1', connect({ level: 4, flags: 0x42, rest: [text('p')] }), null],
  ['E-13', '60,000 user properties', connect({ props: [userProperties(60_000)] }), null],
  ['E-14', 'a will with a property of its own twice', connect({ flags: 0x06, rest: [properties([0x18, 0, 0, 0, 1, 0x18, 0, 0, 0, 1]), text('t'), text('w')] }), 0x82],
  ['E-15', 'receive maximum 0', connect({ props: [bytes(0x21, 0, 0)] }), 0x82],
  ['E-15', 'an unknown property', connect({ props: [bytes(0x7f, 0)] }), 0x81],
  ['E-24', 'a topic alias in a will', connect({ flags: 0x06, rest: [properties([0x23, 0, 1]), text('t'), text('w')] }), 0x81],
  ['E-35', 'U+0000 in the client id', connect({ id: 'a\0b' }), 0x81],
];

/** Sent after CONNACK: what DISCONNECT says. */
const LATER = [
  ['E-01', 'a property length of five bytes', packet(0x30, text('t'), varint5, 'x'), 0x81],
  ['E-01', 'a subscription identifier of five bytes', packet(0x82, u16(1), properties([0x0b, ...varint5]), text('t'), [0]), 0x81],
  ['E-05', 'PUBLISH shorter than its topic', bytes(0x30, 1, 0), 0x81],
  ['E-05', 'SUBSCRIBE without a packet id', bytes(0x82, 1, 0), 0x81],
  ['E-06', 'a topic beyond the packet', packet(0x30, [0xff, 0xff, 0x74]), 0x81],
  ['E-06', 'a property beyond the packet', packet(0x30, text('t'), [200, 0x03, 0, 1, 0x78]), 0x81],
  ['E-08', 'CONNACK from a client', packet(0x20, [0, 0, 0]), 0x82],
  ['E-08', 'SUBACK from a client', packet(0x90, u16(1), [0, 0]), 0x82],
  ['E-08', 'UNSUBACK from a client', packet(0xb0, u16(1), [0, 0]), 0x82],
  ['E-08', 'PINGRESP from a client', packet(0xd0), 0x82],
  ['E-09', 'a second CONNECT', connect(), 0x82],
  ['E-10', 'QoS 3', publish('t', 'x', { first: 0x36, id: 1 }), 0x81],
  ['E-10', 'DUP with QoS 0', publish('t', 'x', { first: 0x38 }), 0x81],
  ['E-10', 'SUBSCRIBE with reserved flags', subscribe('t', { first: 0x80 }), 0x81],
  ['E-12', 'packet id 0 in PUBLISH', publish('t', 'x', { first: 0x32, id: 0 }), 0x82],
  ['E-12', 'packet id 0 in SUBSCRIBE', subscribe('t', { id: 0 }), 0x82],
  ['E-12', 'packet id 0 in PUBREL', packet(0x62, u16(0)), 0x82],
  ['E-13', '60,000 user properties in PUBLISH', publish('t', 'x', { props: [userProperties(60_000)] }), 0x97],
  ['E-13', '60,000 user properties in SUBSCRIBE', subscribe('t', { props: [userProperties(60_000)] }), 0x97],
  ['E-13', '60,000 user properties in DISCONNECT', packet(0xe0, [0], properties(userProperties(60_000))), 0x97],
  ['E-15', 'a response topic twice', publish('t', 'x', { props: [bytes(0x08, text('a')), bytes(0x08, text('b'))] }), 0x82],
  ['E-15', 'session expiry in PUBLISH', publish('t', 'x', { props: [bytes(0x11, 0, 0, 0, 1)] }), 0x81],
  ['E-23', 'topic alias 0', publish('t', 'x', { props: [bytes(0x23, 0, 0)] }), 0x94],
  ['E-23', 'a topic alias above the maximum', publish('t', 'x', { props: [bytes(0x23, 0xff, 0xff)] }), 0x94],
  ['E-23', 'a topic alias that was never set', publish('', 'x', { props: [bytes(0x23, 0, 1)] }), 0x82],
  ['E-24', 'a subscription identifier in PUBLISH', publish('t', 'x', { props: [bytes(0x0b, 1)] }), 0x82],
  ['E-27', 'a packet above the limit', bytes(0x30, [0xff, 0xff, 0xff, 0x7f], text('t')), 0x95],
  ['E-35', 'a topic that is no UTF-8', packet(0x30, u16(2), [0xc3, 0x28, 0], 'x'), 0x81],
  ['E-35', 'a topic with a surrogate', packet(0x30, u16(3), [0xed, 0xa0, 0x80, 0], 'x'), 0x81],
  ['E-35', 'a topic with a wildcard', publish('t/#'), 0x90],
];

describe('attacks on the wire', () => {
  const cleanups = [];
  const t0 = { after: (fn) => cleanups.unshift(fn) };
  let broker;
  let ca;
  let good;
  before(async () => {
    ({ broker, ca } = await openBroker(t0, { toml: '[limits]\nreceive_maximum = 10\nmax_subscriptions = 100\n' }));
    good = await client.login(t0, { port: broker.port('tcp'), clientId: 'good' });
    assert.deepEqual(await client.subscribe(good, 'good/#', { qos: 1 }), [1]);
  });
  after(async () => { for (const fn of cleanups) await fn(); });

  const over = (kind) => ({ kind, port: broker.port(kind), ca });
  const memory = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${broker.ready.pid}/status`, 'utf8'))[1]) / 1024;
  let said = 0;
  const neighbourIsWell = async () => {
    const before = good.messages.length;
    assert.equal(await client.publish(good, 'good/x', String(said += 1), { qos: 1 }), 0);
    await good.received(before + 1);
    assert.equal(good.messages.at(-1).text, String(said));
    assert.equal(good.closed, false);
  };

  for (const kind of KINDS) {
    for (const [number, what, data, code] of FIRST) {
      test(`${number} ${what}: ${kind}`, async (t) => {
        const raw = await wire(t, over(kind));
        raw.send(data);
        assert.equal(await ended(raw), code);
        await neighbourIsWell();
      });
    }
    for (const [number, what, data, code] of LATER) {
      test(`${number} ${what}: ${kind}`, async (t) => {
        const raw = await connected(t, over(kind), { id: `${number}-${kind}` });
        raw.send(data);
        assert.equal(await ended(raw), code);
        await neighbourIsWell();
      });
    }

    test(`E-03 256 MB announced before CONNACK, then silence: ${kind}`, async (t) => {
      const begun = memory();
      const raws = await Promise.all(Array.from({ length: 20 }, () => wire(t, over(kind))));
      for (const raw of raws) raw.send(bytes(0x10, [0xff, 0xff, 0xff, 0x7f]));
      for (const raw of raws) assert.equal(await ended(raw), null);
      assert.ok(memory() - begun < 8 * ROOM, `${memory() - begun} MiB`);
      await neighbourIsWell();
    });

    test(`E-04 a packet in pieces, across frames or records: ${kind}`, async (t) => {
      const raw = await wire(t, over(kind));
      for (const byte of connect({ id: 'piecemeal' })) raw.send(Buffer.from([byte]));
      await raw.until(() => raw.packets().length === 1, 'CONNACK');
      raw.send(bytes(publish('good/pieces', 'y'), packet(0xc0), subscribe('t')));
      await raw.until(() => raw.packets().length === 3, 'PINGRESP and SUBACK');
      await eventually(5, () => good.messages.some((one) => one.topic === 'good/pieces'), 'the message');
    });

    test(`E-16, E-17 QoS 2 never released: one id once, more than the receive maximum not at all: ${kind}`, async (t) => {
      const raw = await connected(t, over(kind), { id: `q2-${kind}` });
      const before = memory();
      const again = Buffer.concat(Array.from({ length: 2000 }, () => publish('good/q2', 'z', { first: 0x3c, id: 7 })));
      for (let n = 0; n < 10; n += 1) raw.send(again);
      await raw.until(() => raw.packets().length >= 20_001, 'every PUBREC');
      assert.ok(memory() - before < 32 * ROOM, `${memory() - before} MiB`);
      for (let id = 100; id < 111; id += 1) raw.send(publish('good/q2', 'z', { first: 0x34, id }));
      assert.equal(await ended(raw), 0x93);
      assert.ok(!good.messages.some((one) => one.topic === 'good/q2'));
      await neighbourIsWell();
    });

    test(`E-19 10,000 filters in one SUBSCRIBE: the limit holds, and is told filter by filter: ${kind}`, async (t) => {
      const raw = await connected(t, over(kind), { id: `subs-${kind}` });
      raw.send(subscribe(Array.from({ length: 10_000 }, (_, n) => `f/${n}`)));
      await raw.until(() => raw.packets().length === 2, 'SUBACK');
      const codes = raw.packets()[1].body.subarray(3);
      assert.equal(codes.filter((code) => code === 0).length, 100);
      assert.equal(codes.filter((code) => code === 0x97).length, 9900);
      await neighbourIsWell();
    });

    test(`E-22 a repeated QoS 2 message beside its PUBREL is delivered once: ${kind}`, async (t) => {
      const raw = await connected(t, over(kind), { id: `dup-${kind}` });
      const topic = `good/once/${kind}`;
      raw.send(bytes(publish(topic, '1', { first: 0x34, id: 3 }), publish(topic, '1', { first: 0x3c, id: 3 }), packet(0x62, u16(3)), packet(0x62, u16(3))));
      await raw.until(() => raw.packets().length === 5, 'two PUBREC, two PUBCOMP');
      await neighbourIsWell();
      assert.equal(good.messages.filter((one) => one.topic === topic).length, 1);
    });

    test(`E-23 topic aliases end with their connection: ${kind}`, async (t) => {
      const first = await connected(t, over(kind), { id: `alias-${kind}` });
      first.send(bytes(publish('good/alias', 'a', { props: [bytes(0x23, 0, 1)] }), publish('', 'b', { props: [bytes(0x23, 0, 1)] })));
      await eventually(5, () => good.messages.filter((one) => one.topic === 'good/alias').length >= 2, 'both');
      const second = await connected(t, over(kind), { id: `alias-${kind}` });
      second.send(publish('', 'c', { props: [bytes(0x23, 0, 1)] }));
      assert.equal(await ended(second), 0x82);
      good.messages.length = 0;
    });

    test(`E-36 no properties towards 3.1.1: ${kind}`, async (t) => {
      const old = await connected(t, over(kind), { id: `old-${kind}`, level: 4 });
      old.send(subscribe(`plain/${kind}`, { level: 4 }));
      await old.until(() => old.packets().length === 2, 'SUBACK');
      const modern = await connected(t, over(kind), { id: `modern-${kind}` });
      modern.send(publish(`plain/${kind}`, 'body', { props: [bytes(0x26, text('k'), text('v')), bytes(0x03, text('type'))] }));
      await old.until(() => old.packets().length === 3, 'the message');
      assert.deepEqual(old.packets()[2].body, bytes(text(`plain/${kind}`), 'body'));
    });
  }

  for (const kind of ['ws', 'wss']) {
    test(`E-28, E-29 handshakes that are none, and compression that is not taken up: ${kind}`, async (t) => {
      const rows = [[{ 'Sec-WebSocket-Protocol': 'wamp' }, 400], [{ Origin: 'https://evil.example' }, 403], [{ path: '/x' }, 404],
        [{ Cookie: 'x'.repeat(20_000) }, 431], [{ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }, 101]];
      for (const [changes, status] of rows) {
        const raw = await rawSocket(t, { port: broker.port(kind), ...(kind === 'wss' ? { ca } : {}) });
        raw.send(handshake(changes));
        await raw.until(() => raw.received.includes('\r\n\r\n'), `an answer to ${JSON.stringify(changes).slice(0, 60)}`);
        assert.ok(raw.received.toString().startsWith(`HTTP/1.1 ${status} `), raw.received.toString());
        assert.doesNotMatch(raw.received.toString(), /permessage/);
      }
      await neighbourIsWell();
    });
  }

  test('E-18 SUBSCRIBE, plain and shared by turns, with malformed ones between them: memory stays flat', async (t) => {
    const raw = await connected(t, over('tcp'), { id: 'turns' });
    const turn = bytes(subscribe('a/b'), subscribe('$share/g/a/b'), packet(0xa2, u16(2), properties(), text('a/b'), text('$share/g/a/b')));
    raw.send(Buffer.concat(Array.from({ length: 500 }, () => turn)));
    await raw.until(() => raw.packets().length >= 1501, 'answers');
    const begun = memory();
    for (let n = 1; n <= 10; n += 1) {
      raw.received = Buffer.alloc(0);
      raw.send(Buffer.concat(Array.from({ length: 500 }, () => turn)));
      await raw.until(() => raw.packets().length >= 1500, 'answers');
    }
    assert.ok(memory() - begun < 8 * ROOM, `${memory() - begun} MiB`);
    raw.received = Buffer.alloc(0);
    raw.send(packet(0x82, u16(9), properties(), text('ok'), [0], text('$share/g'), [0], text('$share//x'), [0], text('$share/+/x'), [0]));
    await raw.until(() => raw.packets().length === 1, 'SUBACK');
    assert.deepEqual([...raw.packets()[0].body.subarray(3)], [0, 0x8f, 0x8f, 0x8f]);
    await neighbourIsWell();
  });

  test('E-26 keep-alive ends who is silent, at one and a half times', async (t) => {
    const raw = await connected(t, over('tcp'), { id: 'silent', keepAlive: 1 });
    const begun = performance.now();
    assert.equal(await ended(raw), 0x8d);
    const took = performance.now() - begun;
    assert.ok(took > 1400 && took < 2000 * SLOW, `${took} ms`);
  });

  test('E-30 overlapping filters give one copy', async (t) => {
    const reader = await connected(t, over('tcp'), { id: 'overlap' });
    const filters = Array.from({ length: 100 }, (_, n) => `${['+', 'o'][n % 2]}/${['#', '+/#', 'p/#', 'p/+', '+/+'][n % 5]}`);
    reader.send(subscribe([...new Set(filters)]));
    await reader.until(() => reader.packets().length === 2, 'SUBACK');
    await client.publish(good, 'o/p/q', 'once', { qos: 1 });
    await reader.until(() => reader.packets().some((one) => one.type === 3), 'the message');
    await neighbourIsWell();
    assert.equal(reader.packets().filter((one) => one.type === 3 && one.body.includes('o/p/q')).length, 1);
  });
});
