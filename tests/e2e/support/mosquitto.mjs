// Mosquitto's own command-line clients, unmodified, as a foreign judge of what is on the wire.
// SPDX-License-Identifier: Apache-2.0
import { eventually, Process, run } from './work.mjs';

const VERSIONS = { 3: 'mqttv31', 4: 'mqttv311', 5: 'mqttv5' };

function common({ port, host = 'localhost', ca, version = 4, id, username, password }) {
  return [
    '-h', host, '-p', String(port), '-V', VERSIONS[version], ...(id ? ['-i', id] : []), ...(ca ? ['--cafile', ca] : []),
    ...(username !== undefined ? ['-u', username] : []), ...(password !== undefined ? ['-P', password] : []),
  ];
}

/** mosquitto_pub to its end: { code, stderr }. */
export function publish({ topic, message = 'hello', qos = 0, retain = false, extra = [], ...where }) {
  return run('mosquitto_pub', [...common(where), '-t', topic, '-m', message, '-q', String(qos), ...(retain ? ['-r'] : []), ...extra]);
}

/** mosquitto_sub, returned once its subscription stands; `messages` are the lines it printed ("topic payload"). */
export async function subscribe(t, { topic, qos = 0, extra = [], ...where }) {
  // Into a pipe it would keep its lines until it ends.
  const child = new Process('stdbuf', ['-oL', 'mosquitto_sub', ...common(where), '-t', topic, '-q', String(qos), '-v', '-d', ...extra]);
  t.after(() => child.stop());
  await eventually(10, () => {
    if (!child.running) throw new Error(`mosquitto_sub ended with ${child.code}: ${child.stdout}${child.stderr}`);
    return /Subscribed \(mid|received SUBACK/.test(child.stdout);
  }, 'SUBACK');
  child.messages = () => child.stdout.split('\n').filter((line) => line && !/^(Client |Subscribed|Warning)/.test(line));
  return child;
}

/** mosquitto_sub that is expected to be turned away; gives { code, stdout, stderr }. */
export function trySubscribe({ topic, qos = 0, seconds = 3, ...where }) {
  return run('mosquitto_sub', [...common(where), '-t', topic, '-q', String(qos), '-W', String(seconds), '-d']);
}
