// MQTT over WebSocket, plain and with TLS, and listeners behind a load balancer that speaks the PROXY protocol.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import { openBroker } from './support/open_broker.mjs';
import { connectPacket, frame, handshake, opened, proxyV2, rawSocket } from './support/websocket.mjs';
import { eventually } from './support/work.mjs';

describe('MQTT over WebSocket on two shards', () => {
  const cleanups = [];
  const t0 = { after: (fn) => cleanups.unshift(fn) };
  let broker;
  let ca;
  before(async () => {
    const proxied = ['proxy_protocol = true', 'proxy_from = ["127.0.0.1"]'];
    const listeners = [
      { kind: 'ws', lines: ['allowed_origins = ["https://app.example"]'] }, 'wss', 'tcp',
      { name: 'other', kind: 'ws', lines: ['path = "/"', 'address = "::1"'] },
      { name: 'proxied', kind: 'tcp', lines: proxied }, { name: 'proxied-wss', kind: 'wss', lines: proxied },
      { name: 'unlisted', kind: 'tcp', lines: ['proxy_protocol = true', 'proxy_from = ["192.0.2.0/24", "::1"]'] },
    ];
    ({ broker, ca } = await openBroker(t0, { listeners, toml: '[limits]\nmax_packet_bytes = 4000000\n' }));
  });
  after(async () => { for (const fn of cleanups) await fn(); });

  const over = (kind) => ({ protocol: kind, path: '/mqtt', port: broker.port(kind), ...(kind === 'wss' ? { ca } : {}) });
  const says = (words) => eventually(5, () => broker.output.includes(words), `"${words}" in the log`);

  for (const kind of ['ws', 'wss']) {
    for (const version of [3, 4, 5]) {
      test(`MQTT.js, QoS 0 to 2, in order: ${kind}, protocol level ${version}`, async (t) => {
        // Level 3 asks for the subprotocol mqttv3.1, the others for mqtt.
        const id = version === 3 ? { protocolId: 'MQIsdp' } : {};
        const topic = `${kind}/${version}`;
        const readers = await Promise.all([0, 1, 2].map((n) => login(t, { ...over(kind), ...id, version, clientId: `r${n}-${kind}${version}` })));
        for (const reader of readers) {
          assert.equal(reader.code, 0, String(reader.errors));
          assert.deepEqual(await subscribe(reader, `${topic}/+`, { qos: 2 }), [2]);
        }
        const writer = await login(t, { ...over(kind), ...id, version, clientId: `w-${kind}${version}` });
        for (let n = 0; n < 30; n += 1) assert.equal(await publish(writer, `${topic}/${n % 3}`, `${n}`, { qos: n % 3 }), 0);
        for (const reader of readers) {
          await reader.received(30);
          for (const qos of [0, 1, 2]) {
            assert.deepEqual(reader.messages.filter((m) => m.topic.endsWith(`/${qos}`)).map((m) => Number(m.text)),
              Array.from({ length: 10 }, (_, n) => 3 * n + qos));
          }
        }
      });
    }

    test(`a payload of 1 MB crosses both ways whole: ${kind}`, async (t) => {
      const reader = await login(t, { ...over(kind), clientId: `large-reader-${kind}` });
      await subscribe(reader, `large/${kind}`, { qos: 1 });
      const writer = await login(t, { ...over(kind), clientId: `large-writer-${kind}` });
      const text = 'abcdefghij'.repeat(100_000);
      assert.equal(await publish(writer, `large/${kind}`, text, { qos: 1 }), 0);
      const [message] = await reader.received(1, 10);
      assert.ok(message.text === text);
    });
  }

  test('a client over WebSocket takes over from one over TCP', async (t) => {
    const first = await login(t, { port: broker.port('tcp'), host: '127.0.0.1', clientId: 'twin' });
    const second = await login(t, { ...over('ws'), clientId: 'twin' });
    assert.equal(second.code, 0);
    await eventually(5, () => first.closed, 'the end of the first');
    assert.equal(first.disconnect, 0x8E);
  });

  test('handshakes: what is let in, and what is told to the rest', async (t) => {
    const page = { Origin: 'https://app.example' };
    const rows = [
      [{}, 101, /Sec-WebSocket-Protocol: mqtt\r\n/],
      [page, 101, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/],
      [{ 'Sec-WebSocket-Protocol': ['chat, mqttv3.1', 'other , mqtt'] }, 101, /Sec-WebSocket-Protocol: mqtt\r\n/],
      [{ 'Sec-WebSocket-Extensions': 'permessage-deflate' }, 101, /^(?![^]*Extensions)/],
      [{ path: '/mqtt?x=1' }, 101, /./],
      [{ Origin: 'https://evil.example' }, 403, /pages of this origin may not connect/],
      [{ Origin: 'https://evil.example', Host: 'app.example' }, 403, /pages of this origin may not connect/],
      [{ Origin: 'https://app.other:8083', Host: 'App.other:8083' }, 101, /./],
      [{ Origin: 'https://app.other:8084', Host: 'app.other:8083' }, 403, /./],
      [{ Origin: 'https://app.other:8083', Host: 'app.other:8083', 'User-Agent': 'Mozilla/5.0' }, 403, /./],
      [{ Origin: 'null' }, 403, /allowed_origins/],
      [{ path: '/' }, 404, /not served at this path/],
      [{ 'Sec-WebSocket-Protocol': undefined }, 400, /does not offer the subprotocol mqtt/],
      [{ 'Sec-WebSocket-Protocol': 'MQTT' }, 400, /subprotocol/],
      [{ method: 'POST' }, 405, /Allow: GET/],
      [{ version: '1.0' }, 400, /not a WebSocket handshake/],
      [{ Upgrade: undefined, Connection: undefined }, 426, /without WebSocket upgrade/],
      [{ 'Sec-WebSocket-Version': '8' }, 426, /Sec-WebSocket-Version: 13/],
      [{ Cookie: 'x'.repeat(9000) }, 431, /exceed 8 KiB/],
    ];
    for (const [changes, status, pattern] of rows) {
      const raw = await rawSocket(t, { port: broker.port('ws') });
      raw.send(handshake(changes));
      const label = JSON.stringify(changes).slice(0, 80);
      await raw.until(() => (status === 101 ? raw.received.includes('\r\n\r\n') : raw.closed), label);
      const answer = raw.received.toString();
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${label}: ${answer}`);
      assert.match(answer, pattern, label);
    }
    await says('pages of this origin may not connect');
    await says('MQTT is not served at this path');
  });

  test('the path and the address are the listener\'s own: / over IPv6', async (t) => {
    const session = await login(t, { protocol: 'ws', path: '/', host: '[::1]', port: broker.port('other'), clientId: 'six' });
    assert.equal(session.code, 0, String(session.errors));
  });

  test('one CONNECT in many frames, two packets in one, and a ping in between', async (t) => {
    const raw = await opened(t, { port: broker.port('ws') });
    const packet = connectPacket('cut');
    raw.send(Buffer.concat([frame(0x02, packet.subarray(0, 3)), frame(0x89, 'are you there'), frame(0x00, packet.subarray(3, 4)),
      frame(0x00, ''), frame(0x80, packet.subarray(4))]));
    await raw.until(() => raw.received.length >= 21);
    assert.deepEqual(raw.received, Buffer.concat([frame(0x8A, 'are you there', { masked: false }), frame(0x82, [0x20, 2, 0, 0], { masked: false })]));
    raw.received = Buffer.alloc(0);
    raw.send(frame(0x82, [0xC0, 0, 0xC0, 0]));
    await raw.until(() => raw.received.length >= 6);
    assert.deepEqual(raw.received, frame(0x82, [0xD0, 0, 0xD0, 0], { masked: false }));
    raw.received = Buffer.alloc(0);
    raw.send(frame(0x88, [0x03, 0xE8]));
    await raw.until(() => raw.closed);
    assert.deepEqual(raw.received, frame(0x88, [0x03, 0xE8], { masked: false }));
  });

  test('frames that are refused: text, unmasked, reserved bits; the log says why', async (t) => {
    const rows = [
      [frame(0x81, 'hello'), 1003, 'the client sent a WebSocket text frame'],
      [frame(0x82, 'hello', { masked: false }), 1002, 'a WebSocket frame is not masked'],
      [frame(0xC2, 'hello'), 1002, 'reserved bits or a reserved opcode'],
      [frame(0x09, 'ping'), 1002, 'a WebSocket frame is malformed'],
      [frame(0x80, 'tail'), 1002, 'WebSocket fragments out of order'],
    ];
    for (const [bytes, code, words] of rows) {
      const raw = await opened(t, { port: broker.port('ws') });
      raw.send(bytes);
      await raw.until(() => raw.closed, words);
      assert.deepEqual(raw.received, frame(0x88, [code >> 8, code & 255], { masked: false }), words);
      await says(words);
    }
  });

  test('wrong ports are told in words', async (t) => {
    const rows = [
      ['ws', connectPacket('x'), 'the client speaks plain MQTT to a WebSocket listener'],
      ['ws', Buffer.from([0x16, 3, 1, 2, 0]), 'the client speaks TLS to a plain listener'],
      ['wss', Buffer.from(handshake()), 'the client speaks plain HTTP to a TLS listener'],
      ['tcp', Buffer.from(handshake()), 'MQTT over WebSocket needs a ws listener'],
    ];
    for (const [kind, bytes, words] of rows) {
      const raw = await rawSocket(t, { port: broker.port(kind) });
      raw.send(bytes);
      await raw.until(() => raw.closed, words);
      await says(words);
    }
  });

  test('PROXY 1 and 2: the access log has the client\'s address', async (t) => {
    const rows = [
      ['one', 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 1883\r\n', '203.0.113.7'],
      ['six', 'PROXY TCP6 2001:db8::7 2001:db8::1 4711 1883\r\n', '2001:db8::7'],
      ['two', proxyV2('203.0.113.8', 4712, { tlv: '\x04\x00\x01x' }), '203.0.113.8'],
      ['local', proxyV2('203.0.113.9', 4713, { command: 0x20 }), '127.0.0.1'],
    ];
    for (const [id, proxy, address] of rows) {
      const raw = await rawSocket(t, { port: broker.port('proxied'), proxy });
      raw.send(connectPacket(`proxied-${id}`));
      await raw.until(() => raw.received.length >= 4);
      assert.deepEqual(raw.received, Buffer.from([0x20, 2, 0, 0]));
      const line = await broker.accessLine(`proxied-${id}`, /authentication-succeeded/);
      assert.ok(line.includes(`IP ${address}`), line);
    }
  });

  test('PROXY, then TLS, then WebSocket', async (t) => {
    const raw = await opened(t, { port: broker.port('proxied-wss'), ca, proxy: proxyV2('203.0.113.20', 4720) });
    assert.match(raw.head, /^HTTP\/1\.1 101 /);
    raw.send(frame(0x82, connectPacket('through-all')));
    await raw.until(() => raw.received.length >= 6);
    assert.deepEqual(raw.received, frame(0x82, [0x20, 2, 0, 0], { masked: false }));
    assert.match(await broker.accessLine('through-all', /authentication-succeeded/), /IP 203\.0\.113\.20/);
  });

  test('PROXY from an address that is not listed is closed unread; without or with a bad header too', async (t) => {
    const rows = [
      ['unlisted', 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 1883\r\n', 'the peer is not a listed proxy'],
      ['proxied', connectPacket('bare'), 'does not begin with a PROXY header'],
      ['proxied', 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 01883\r\n', 'the PROXY header is malformed'],
      ['proxied', `PROXY UNKNOWN ${'x'.repeat(120)}`, 'the PROXY header is too long'],
    ];
    for (const [name, bytes, words] of rows) {
      const raw = await rawSocket(t, { port: broker.port(name), proxy: bytes });
      await raw.until(() => raw.closed, words);
      assert.equal(raw.received.length, 0, words);
      await says(words);
    }
    assert.ok(!broker.accessLog().some((line) => line.includes('ID bare,')));
  });
});
