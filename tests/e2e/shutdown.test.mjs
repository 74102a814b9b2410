// SIGTERM: everybody is told, what was accepted still leaves, nothing is lost or left behind, exit 0.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import { forJs, KINDS, openBroker } from './support/open_broker.mjs';
import { eventually, SLOW } from './support/work.mjs';

test('SIGTERM: DISCONNECT 0x8B to all over every transport, queues drained, exit 0', async (t) => {
  const { broker, ca } = await openBroker(t);
  const readers = [];
  for (const kind of KINDS) {
    for (const version of [4, 5]) {
      for (let n = 0; n < 5; n += 1) {
        const reader = await login(t, { ...forJs(kind, { port: broker.port(kind), ca }), version, clientId: `${kind}-${version}-${n}` });
        assert.equal(reader.code, 0, String(reader.errors));
        await subscribe(reader, 'news', { qos: 1 });
        readers.push({ reader, version });
      }
    }
  }
  // Whoever has said nothing yet must not hold it up.
  for (const kind of KINDS) {
    const silent = net.connect({ port: broker.port(kind), host: '127.0.0.1' });
    silent.on('error', () => {});
    t.after(() => silent.destroy());
    await once(silent, 'connect');
  }
  const writer = await login(t, { port: broker.port('tcp'), clientId: 'writer' });
  const sent = [];
  for (let n = 0; n < 200; n += 1) sent.push(publish(writer, 'news', `${n}`, { qos: 1 }));
  await eventually(5, () => readers.every(({ reader }) => reader.messages.length > 0), 'the first message');
  const begun = performance.now();
  broker.process.child.kill('SIGTERM');
  const acknowledged = (await Promise.all(sent)).filter((code) => code === 0).length;
  await eventually(10 * SLOW, () => !broker.process.running, 'the end of the broker');
  const took = performance.now() - begun;
  assert.equal(broker.process.code, 0);
  broker.stopped = true;
  for (const { reader, version } of readers) {
    await eventually(5, () => reader.closed, 'the end of the connection');
    if (version === 5) assert.equal(reader.disconnect, 0x8b);
    assert.ok(reader.messages.length >= acknowledged, `${reader.messages.length} of ${acknowledged} acknowledged messages`);
  }
  console.log(`${readers.length} clients told, ${acknowledged} acknowledged messages all delivered, ${Math.round(took)} ms`);
  assert.ok(took < 5000 * SLOW, `${took} ms`);
});
