// A broker that lets everybody in, with listeners of any kind on free ports: for tests of the wire, not of rights.
// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Broker } from './broker.mjs';
import { Authority } from './tls.mjs';
import { tempFolder } from './work.mjs';

export const KINDS = ['tcp', 'tls', 'ws', 'wss'];
export const secure = (kind) => kind === 'tls' || kind === 'wss';

/**
 * @param listeners  kinds, or { name, kind, lines } with further lines of TOML; a name is the kind unless given
 * @param toml       further tables
 * @returns { broker, authority, ca, folder }
 */
export async function openBroker(t, { listeners = KINDS, shards = 2, toml = '' } = {}) {
  const folder = tempFolder(t);
  mkdirSync(join(folder, 'ca'));
  const authority = new Authority(join(folder, 'ca'));
  const { certFile, keyFile } = authority.issue('broker');
  const blocks = listeners.map((one) => {
    const { kind, name = kind, lines = [] } = typeof one === 'string' ? { kind: one } : one;
    const pair = secure(kind) ? [`certificate = "${certFile}"`, `key = "${keyFile}"`] : [];
    return ['[[listeners]]', `name = "${name}"`, `kind = "${kind}"`, 'port = 0', ...pair, ...lines, ''].join('\n');
  });
  const text = `[broker]\nshards = ${shards}\n[admin]\nport = 0\n${toml}\n${blocks.join('')}`
    + '[[pipelines]]\nlistener = "ALL"\nauthenticate = "allow-all"\nauthorize = "allow-all"\n';
  const broker = await Broker.start(t, { folder, files: { 'conf/latchkey.toml': text }, config: 'conf/latchkey.toml', listeners: [] });
  return { broker, authority, ca: authority.ca, folder };
}

/** Where MQTT.js finds a listener of this kind. */
export function forJs(kind, { port, ca, host = '127.0.0.1' }) {
  return {
    protocol: { tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' }[kind], host: host.includes(':') && kind.startsWith('w') ? `[${host}]` : host,
    port, path: '/mqtt', ...(secure(kind) ? { ca, servername: 'localhost', wsOptions: { servername: 'localhost' } } : {}),
  };
}
