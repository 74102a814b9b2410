// Every client over every transport: Mosquitto's (3.1, 3.1.1, 5) over TCP and TLS, MQTT.js and Paho for Python (3.1, 3.1.1, 5) over
// TCP, TLS, WS and WSS, each to IPv4 and to IPv6; takeover across listeners and versions; a large message of the greatest size.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import * as mosquitto from './support/mosquitto.mjs';
import { forJs, KINDS, openBroker, secure } from './support/open_broker.mjs';
import { eventually, run, SLOW } from './support/work.mjs';

const PAHO = new URL('./support/paho_client.py', import.meta.url).pathname;
const HOSTS = { IPv4: '127.0.0.1', IPv6: '::1' };
const SPOKEN = { 3: '3.1', 4: '3.1.1', 5: '5' };

describe('every client over every transport, two shards', () => {
  const cleanups = [];
  const t0 = { after: (fn) => cleanups.unshift(fn) };
  let broker;
  let authority;
  before(async () => {
    const listeners = KINDS.flatMap((kind) => Object.entries(HOSTS)
      .map(([family, address]) => ({ name: `${kind}-${family}`, kind, lines: [`address = "${address}"`] })));
    ({ broker, authority } = await openBroker(t0, { listeners }));
  });
  after(async () => { for (const fn of cleanups) await fn(); });

  const port = (kind, family) => broker.port(`${kind}-${family}`);
  const js = (kind, family, version) => ({
    ...forJs(kind, { port: port(kind, family), ca: authority.ca, host: HOSTS[family] }), version, ...(version === 3 ? { protocolId: 'MQIsdp' } : {}),
  });

  for (const family of Object.keys(HOSTS)) {
    for (const version of [3, 4, 5]) {
      for (const kind of ['tcp', 'tls']) {
        test(`mosquitto_pub and mosquitto_sub: ${kind}, MQTT ${SPOKEN[version]}, ${family}`, async (t) => {
          const where = { host: HOSTS[family], port: port(kind, family), version, ...(secure(kind) ? { ca: authority.caFile } : {}) };
          const topic = `m/${kind}/${version}/${family}`;
          const reader = await mosquitto.subscribe(t, { ...where, id: `s-${kind}${version}${family}`, topic: `${topic}/#`, qos: 2 });
          for (const qos of [0, 1, 2]) {
            const sent = await mosquitto.publish({ ...where, id: `p-${kind}${version}${family}`, topic: `${topic}/${qos}`, message: `q${qos}`, qos });
            assert.equal(sent.code, 0, sent.stderr);
          }
          await eventually(10, () => reader.messages().length >= 3, 'three messages');
          assert.deepEqual(reader.messages().sort(), [0, 1, 2].map((qos) => `${topic}/${qos} q${qos}`));
        });
      }

      for (const kind of KINDS) {
        test(`Paho for Python: ${kind}, MQTT ${SPOKEN[version]}, ${family}`, async () => {
          const topic = `p/${kind}/${version}/${family}`;
          const asked = {
            host: HOSTS[family], port: port(kind, family), transport: kind.startsWith('w') ? 'ws' : 'tcp', level: version,
            id: `paho-${kind}${version}${family}`.slice(0, 23), topic, ...(secure(kind) ? { ca: authority.caFile } : {}),
          };
          const ended = await run('/usr/bin/python3', [PAHO, JSON.stringify(asked)], { seconds: 60 * SLOW });
          assert.equal(ended.code, 0, ended.stdout + ended.stderr);
          const seen = JSON.parse(ended.stdout);
          assert.equal(seen.connack, 0);
          assert.deepEqual(seen.suback, [2]);
          assert.deepEqual(seen.messages, [
            ...[0, 1, 2].map((qos) => ({ topic: `${topic}/${qos}`, text: `q${qos}`, qos, retain: false })),
            { topic: `${topic}/kept`, text: 'kept', qos: 1, retain: true },
          ]);
        });

        test(`MQTT.js: ${kind}, MQTT ${SPOKEN[version]}, ${family}`, async (t) => {
          const topic = `j/${kind}/${version}/${family}`;
          const reader = await login(t, { ...js(kind, family, version), clientId: `jr-${kind}${version}${family}` });
          assert.equal(reader.code, 0, String(reader.errors));
          assert.deepEqual(await subscribe(reader, `${topic}/+`, { qos: 2 }), [2]);
          const writer = await login(t, { ...js(kind, family, version), clientId: `jw-${kind}${version}${family}` });
          for (let n = 0; n < 9; n += 1) assert.equal(await publish(writer, `${topic}/${n % 3}`, `${n}`, { qos: n % 3 }), 0);
          await reader.received(9);
          assert.deepEqual(reader.messages.map((m) => Number(m.text)).sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        });
      }
    }
  }

  test('a session is taken over from any listener to any other, whatever versions they speak', async (t) => {
    for (let round = 0; round < 4; round += 1) {  // ids of several home shards
      let before = null;
      for (const [step, kind] of [...KINDS, ...KINDS].entries()) {
        const version = [5, 4, 3][step % 3];
        const session = await login(t, { ...js(kind, step % 2 ? 'IPv4' : 'IPv6', version), clientId: `twin-${round}` });
        assert.equal(session.code, 0, `${kind} ${String(session.errors)}`);
        if (before) {
          await eventually(5, () => before.session.closed, `the end of the one before ${kind}`);
          if (before.version === 5) assert.equal(before.session.disconnect, 0x8E);
        }
        before = { session, version };
      }
      assert.equal(await publish(before.session, 'still', 'there', { qos: 1 }), 0);
    }
  });
});

describe('the largest message', () => {
  test('256 MB pass where they are allowed, and are held once for any number of readers', async (t) => {
    const limit = 268_435_460;
    const { broker } = await openBroker(t, { listeners: ['tcp'], toml: `[limits]\nmax_packet_bytes = ${limit}\n` });
    const memory = (what) => Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${broker.ready.pid}/status`, 'utf8'))[1]) * 1024;
    const at = { port: broker.port('tcp'), version: 5 };
    const before = memory('VmRSS');

    const small = await login(t, { ...at, clientId: 'small' });
    assert.equal(small.connack.properties.maximumPacketSize, limit);
    const topic = 'large';
    const payload = Buffer.alloc(limit - 5 - 2 - topic.length - 2 - 1, 0x5a);  // fixed header, topic, packet id, no properties
    const readers = [];
    for (const id of ['r1', 'r2', 'r3']) {
      const reader = await login(t, { ...at, clientId: id });
      await subscribe(reader, topic, { qos: 0 });
      reader.client.removeAllListeners('message');
      reader.sizes = [];
      reader.client.on('message', (_topic, bytes) => reader.sizes.push(bytes.length === payload.length && bytes.equals(payload)));
      readers.push(reader);
    }
    assert.equal(await publish(small, topic, payload, { qos: 1 }), 0);
    for (const reader of readers) await eventually(60 * SLOW, () => reader.sizes.length === 1, 'the large message');
    for (const reader of readers) assert.deepEqual(reader.sizes, [true]);
    const peak = memory('VmHWM');
    console.log(`memory: ${Math.round(before / 1e6)} MB before, ${Math.round(peak / 1e6)} MB at the peak, for one message of 268 MB to three readers`);
    const room = SLOW > 1 ? 10 : 1.25;  // sanitizers keep freed memory for a while
    assert.ok(peak - before < room * limit, `${peak - before} bytes for one message of ${limit}`);
  });

  test('one byte over a configured limit gets 0x95 before its payload is read, and costs no memory', async (t) => {
    const limit = 64_000_000;
    const { broker } = await openBroker(t, { listeners: ['tcp'], shards: 1, toml: `[limits]\nmax_packet_bytes = ${limit}\n` });
    const rss = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${broker.ready.pid}/status`, 'utf8'))[1]) * 1024;
    const before = rss();
    for (let n = 0; n < 20; n += 1) {
      const client = await login(t, { port: broker.port('tcp'), version: 5, clientId: `c${n}` });
      const length = [];
      for (let left = limit - 5 + 1; length.length < 4; left >>= 7) length.push((left & 0x7f) | (length.length < 3 ? 0x80 : 0));
      client.client.stream.write(Buffer.concat([Buffer.from([0x30, ...length]), Buffer.alloc(100_000)]));
      await eventually(5, () => client.closed, 'the end of the connection');
      assert.equal(client.disconnect, 0x95);
    }
    assert.ok(rss() - before < 8_000_000 * (SLOW > 1 ? 10 : 1), `${rss() - before} bytes`);
  });
});
