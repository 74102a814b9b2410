// The attacks. Each runs in a worker until `until` (ms, performance.now()) and returns what it managed, for the table.
// `many` is how many of the thing that it does many of: less in a shortened run.
// SPDX-License-Identifier: Apache-2.0
import { connect as connectTls } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import * as wire from './wire.mjs';

const over = (until) => performance.now() >= until;
/** Writes and waits until the socket takes more; false once it is gone. */
function push(socket, bytes) {
  if (socket.destroyed) return false;
  if (socket.write(bytes)) return true;
  return Promise.race([new Promise((resolve) => socket.once('drain', () => resolve(true))), socket.gone.then(() => false)]);
}

/** Keeps `count` sockets open with open(i), opening anew what the broker closes. */
async function hold(count, until, open) {
  const sockets = [];
  let opened = 0;
  while (!over(until)) {
    for (let i = 0, budget = 200; i < count && budget > 0; ++i) {
      if (sockets[i] && !sockets[i].destroyed) continue;
      sockets[i] = open(i);
      ++opened;
      --budget;
    }
    await delay(10);
  }
  for (const socket of sockets) socket?.destroy();
  return `${opened} sockets`;
}

async function slowLoris({ tcp, many, until }) {
  const bytes = wire.connect('loris'.padEnd(200, 'x'));
  const sockets = [];
  const drip = setInterval(() => {
    for (const one of sockets) if (!one.destroyed && !one.connecting) one.write(bytes.subarray(one.sent, ++one.sent));
  }, 1000);
  const done = await hold(many(3000), until, (i) => {
    sockets[i] = wire.socket(tcp);
    sockets[i].sent = 0;
    return sockets[i];
  });
  clearInterval(drip);
  return done;
}

const halfOpenTcp = ({ tcp, many, until }) => hold(many(6000), until, () => wire.socket(tcp));

/** The first half of a ClientHello, then silence. */
const halfOpenTls = ({ tls, many, until }) => hold(many(3000), until, () => {
  const one = wire.socket(tls);
  one.write(Buffer.from('1603010200010001fc0303', 'hex'));
  return one;
});

async function handshakeFlood({ tls, until }) {
  let done = 0;
  const one = async () => {
    while (!over(until)) {
      await new Promise((resolve) => {
        const made = connectTls({ port: tls, host: '127.0.0.1', rejectUnauthorized: false });
        made.on('secureConnect', () => { ++done; made.destroy(); });
        made.on('error', () => {});
        made.on('close', resolve);
      });
    }
  };
  await Promise.all(Array.from({ length: 64 }, one));
  return `${done} handshakes`;
}

/** Runs `talk(socket)` on a connection, and again on the next one when the broker ends it. */
async function persist({ tcp, until }, id, talk, options = {}) {
  let connections = 0;
  while (!over(until)) {
    const socket = await wire.login(options.port ?? tcp, id, options, options.on);
    if (!socket) { await delay(20); continue; }
    ++connections;
    await talk(socket);
    socket.destroy();
  }
  return connections;
}

async function deepTopics(stage) {
  const deep = '/'.repeat(65_535);
  let packets = 0;
  const connections = await persist(stage, 'deep', async (socket) => {
    for (let i = 1; !over(stage.until) && !socket.destroyed; i = i % 60_000 + 1) {
      if (!await push(socket, wire.subscribe(i, [deep, `${'+/'.repeat(32_766)}#`], 1))) return;
      if (!await push(socket, wire.publish(deep, 'x'))) return;
      packets += 2;
      await delay(1);
    }
  });
  return `${packets} packets, ${connections} connections`;
}

async function manyFilters(stage) {
  const count = stage.many(100_000);
  let packets = 0;
  await persist(stage, 'filters', async (socket) => {
    for (let i = 0; i < count && !over(stage.until); i += 1000) {
      const filters = Array.from({ length: 1000 }, (_, n) => `f/${i + n}/+/x/#`);
      if (!await push(socket, wire.subscribe(1 + i / 1000, filters))) return;
      ++packets;
    }
    while (!over(stage.until) && !socket.destroyed) await delay(20);
  });
  return `${packets} SUBSCRIBE with 1,000 filters`;
}

/** As many filters in one packet as a session may have, and away with them, by sixteen at once. */
async function hugeSubscribe(stage) {
  const filters = Array.from({ length: stage.many(10_000) }, (_, n) => `h/${n}/+/x/#`);
  let packets = 0;
  await Promise.all(Array.from({ length: 16 }, (_, i) => persist(stage, `huge${i}`, async (socket) => {
    for (let id = 1; !over(stage.until); id = id % 60_000 + 2) {
      packets += 2;
      if (!await push(socket, Buffer.concat([wire.subscribe(id, filters), wire.unsubscribe(id + 1, filters)]))) return;
      await delay(1);
    }
  })));
  return `${packets} packets with ${filters.length} filters`;
}

/** Sixteen sessions with as many filters as they may have, taken up again and left again without end. */
async function comeAndGo(stage, filters) {
  let logins = 0;
  await Promise.all(Array.from({ length: 16 }, async (_, i) => {
    for (let first = true; !over(stage.until); first = false) {
      let answered;
      const subscribed = new Promise((resolve) => { answered = resolve; });
      const socket = await wire.login(stage.tcp, `go${i}`, { clean: false, expiry: 600 }, (head) => head >> 4 === 9 && answered());
      if (!socket) { await delay(20); continue; }
      ++logins;
      if (first) {
        await push(socket, wire.subscribe(1, filters, 1));
        await Promise.race([subscribed, socket.gone, delay(5000)]);
      }
      socket.destroy();
    }
  }));
  return `${logins} logins, sessions of ${filters.length} filters`;
}

const sessionsComeAndGo = (stage) => comeAndGo(stage, Array.from({ length: stage.many(10_000) }, (_, n) => `s/${n}/+/x/#`));
const membersComeAndGo = (stage) => comeAndGo(stage, Array.from({ length: stage.many(10_000) }, (_, n) => `$share/g${n % 7}/s/${n}/+/x/#`));

async function aliasChurn(stage) {
  let packets = 0;
  const connections = await persist(stage, 'alias', async (socket) => {
    for (let i = 0; !over(stage.until); ++i) {
      const batch = [];
      for (let n = 0; n < 100; ++n) {
        const alias = 1 + (i * 100 + n) % 10;
        batch.push(wire.publish(`alias/${i}/${n}`, 'x', { properties: Buffer.from([35, 0, alias]) }));
      }
      packets += 100;
      if (!await push(socket, Buffer.concat(batch))) return;
    }
  });
  return `${packets} aliases, ${connections} connections`;
}

async function retainedFlood(stage) {
  let topics = 0;
  await persist(stage, 'retained', async (socket) => {
    while (topics < stage.many(300_000) && !over(stage.until)) {
      const batch = [];
      for (let n = 0; n < 200; ++n) batch.push(wire.publish(`retained/${topics++}`, 'x'.repeat(64), { retain: true }));
      if (!await push(socket, Buffer.concat(batch))) return;
    }
    // And now somebody who scans all of them again and again.
    for (let i = 1; !over(stage.until); i = i % 60_000 + 1) {
      if (!await push(socket, wire.subscribe(i, ['retained/+', `nothing/${i}`, 'retained/#']))) return;
      await delay(5);
    }
  });
  return `${topics} topics`;
}

async function subscribeChurn(stage) {
  let packets = 0;
  await persist(stage, 'churn', async (socket) => {
    for (let i = 0; !over(stage.until); ++i) {
      const batch = [];
      for (let n = 0; n < 50; ++n) {
        const filter = `+/churn/${n}`;
        batch.push(wire.subscribe(1 + n, [filter]), wire.unsubscribe(100 + n, [filter]));
      }
      packets += 100;
      if (!await push(socket, Buffer.concat(batch))) return;
    }
  });
  return `${packets} packets`;
}

async function unreleasedQos2(stage) {
  let packets = 0;
  const connections = await persist(stage, 'unreleased', async (socket) => {
    for (let id = 1; id < 65_000 && !over(stage.until); ++id) {
      ++packets;
      if (!await push(socket, wire.publish('q2', Buffer.alloc(60_000), { qos: 2, id }))) return;
    }
    while (!over(stage.until) && !socket.destroyed) await delay(20);
  });
  return `${packets} messages, ${connections} connections`;
}

/** A firehose into somebody who never reads, and who never acknowledges. */
async function neverReads(stage) {
  let packets = 0;
  for (const qos of [0, 1]) {
    const deaf = await wire.login(stage.tcp, `deaf${qos}`);
    deaf?.write(wire.subscribe(1, ['hose/#'], qos));
    await delay(50);
    deaf?.pause();
  }
  await persist(stage, 'hose', async (socket) => {
    const batch = Buffer.concat(Array.from({ length: 100 }, (_, n) => wire.publish(`hose/${n}`, Buffer.alloc(1024), { qos: 1, id: n + 1 })));
    while (!over(stage.until)) {
      packets += 100;
      if (!await push(socket, batch)) return;
    }
  });
  return `${packets} messages`;
}

async function userProperties(stage) {
  const property = Buffer.concat([Buffer.from([38]), wire.text(''), wire.text('')]);
  const properties = Buffer.concat(Array.from({ length: 60_000 }, () => property));
  const one = wire.publish('props', 'x', { properties });
  let packets = 0;
  const reader = await wire.login(stage.tcp, 'props-reader');
  reader?.write(wire.subscribe(1, ['props']));
  await persist(stage, 'props', async (socket) => {
    while (!over(stage.until)) {
      ++packets;
      if (!await push(socket, one)) return;
      await delay(1);
    }
  });
  reader?.destroy();
  return `${packets} packets of 60,000 properties`;
}

const UPGRADE = 'GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  + 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n';

/** Half of them stop within the upgrade, half send CONNECT as frames of one byte, one a second. */
async function webSocketDrip({ ws, many, until }) {
  const bytes = wire.connect('drip'.padEnd(200, 'x'));
  const sockets = [];
  const drip = setInterval(() => {
    for (const one of sockets) {
      if (one.destroyed || one.connecting) continue;
      one.write(one.slow ? UPGRADE.slice(one.sent, one.sent + 1) : Buffer.from([0x82, 0x81, 0, 0, 0, 0, bytes[one.sent] ?? 0]));
      ++one.sent;
    }
  }, 1000);
  const done = await hold(many(2000), until, (i) => {
    const one = wire.socket(ws);
    one.slow = i % 2 === 0;
    one.sent = 0;
    if (!one.slow) one.write(UPGRADE);
    one.resume();
    sockets[i] = one;
    return one;
  });
  clearInterval(drip);
  return done;
}

/** Sixteen publish and subscribe where nothing is allowed, as fast as it goes; the policy has a thousand rules. */
async function deniedFlood(stage) {
  let packets = 0;
  await Promise.all(Array.from({ length: 16 }, (_, who) => persist(stage, `denied${who}`, async (socket) => {
    for (let i = 0; !over(stage.until); ++i) {
      const batch = [wire.subscribe(1 + i % 60_000, Array.from({ length: 900 }, (_, n) => `denied/${i}/${n}/#`))];
      for (let n = 0; n < 500; ++n) batch.push(wire.publish(`denied/${i}/${n}`, 'x', { qos: 1, id: 1 + n }));
      packets += batch.length;
      if (!await push(socket, Buffer.concat(batch))) return;
    }
  }, { port: stage.strict, user: 'mallory', password: 'mallory' })));
  return `${packets} packets`;
}

export const ATTACKS = {
  'slow-loris CONNECT': slowLoris,
  'half-open TCP': halfOpenTcp,
  'half-open TLS': halfOpenTls,
  'handshake flood': handshakeFlood,
  '65,535 levels': deepTopics,
  '100,000 filters': manyFilters,
  'SUBSCRIBE of 10,000 filters': hugeSubscribe,
  'sessions of 10,000 filters': sessionsComeAndGo,
  'shared subscriptions': membersComeAndGo,
  'alias churn': aliasChurn,
  'retained flood': retainedFlood,
  'subscribe churn': subscribeChurn,
  'unreleased QoS 2': unreleasedQos2,
  'never-reading subscriber': neverReads,
  '60,000 user properties': userProperties,
  'WebSocket drip': webSocketDrip,
  'denied flood': deniedFlood,
};
