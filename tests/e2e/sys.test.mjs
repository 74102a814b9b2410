// $SYS as mosquitto_sub sees it: the tree is there, values follow, and a role that may everything else does not reach it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker } from './support/broker.mjs';
import { login, publish } from './support/client.mjs';
import { subscribe } from './support/mosquitto.mjs';
import { eventually, tempFolder } from './support/work.mjs';

const TOML = `
[broker]
shards = 2
sys_interval_s = 1
[admin]
port = 0
[[listeners]]
name = "tcp"
kind = "tcp"
port = 0
[realms.people]
kind = "file"
[[realms.people.users]]
name = "watcher"
password = "watcher"
permissions = [{ topic = "$SYS/#", activity = "subscribe" }]
[[realms.people.users]]
name = "worker"
password = "worker"
permissions = [{ topic = "#", activity = "all" }]
[[pipelines]]
listener = "ALL"
authenticate = ["people"]
authorize = ["people"]
`;

test('mosquitto_sub reads $SYS/# with a right of that name, and nobody publishes there', async (t) => {
  const broker = await Broker.start(t, {
    folder: tempFolder(t), files: { 'conf/latchkey.toml': TOML }, config: 'conf/latchkey.toml', listeners: [],
  });
  const port = broker.port('tcp');
  const worker = await login(t, { port, clientId: 'worker', username: 'worker', password: 'worker' });
  assert.equal(await publish(worker, 'plant/1', 'hello'), 0);
  assert.equal(await publish(worker, '$SYS/broker/version', 'mine', { qos: 1, retain: true }), 0x87);

  const watcher = await subscribe(t, { port, topic: '$SYS/#', username: 'watcher', password: 'watcher', version: 4 });
  const value = (topic) => watcher.messages().filter((line) => line.startsWith(`$SYS/broker/${topic} `)).at(-1)?.slice(topic.length + 13);
  await eventually(5, () => value('clients/connected') === '2', 'two connected clients').catch((error) => {
    throw new Error(`${error.message}\n${watcher.messages().join('\n')}`);
  });
  assert.match(value('version'), /^latchkey version \d+\.\d+\.\d+$/);
  assert.match(value('uptime'), /^\d+ seconds$/);
  for (const topic of ['messages/received', 'bytes/sent', 'publish/bytes/received', 'heap/current', 'load/messages/received/1min',
    'subscriptions/count', 'retained messages/count']) {
    assert.ok(Number(value(topic)) > 0, `${topic}: ${value(topic)}`);
  }

  const code = await new Promise((resolve) => {
    worker.client.subscribe('$SYS/#', { qos: 0 }, (error, granted, packet) => resolve(packet?.granted?.[0] ?? error?.code));
  });
  assert.equal(code, 0x87, 'a right for # does not reach $SYS');
});
