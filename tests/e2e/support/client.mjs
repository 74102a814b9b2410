// MQTT.js with promises: a login that says what the broker answered, and subscriptions that collect.
// SPDX-License-Identifier: Apache-2.0
import mqtt from 'mqtt';
import { eventually, SLOW } from './work.mjs';

/**
 * One attempt to log in; never reconnects.
 * @returns { accepted, code, client, messages, disconnect, closed }; code = CONNACK's reason, null if the socket just closed
 */
export function login(t, { port, host = 'localhost', ca, version = 5, ...options }) {
  const client = mqtt.connect({
    protocol: ca ? 'mqtts' : 'mqtt', host, port, ca, protocolVersion: version, reconnectPeriod: 0, connectTimeout: 10_000 * SLOW,
    clean: true, ...options,
  });
  t.after(() => new Promise((resolve) => { client.end(true, {}, resolve); setTimeout(resolve, 500).unref(); }));
  client.setMaxListeners(0);  // publish() below listens for the close once per message
  const session = { client, messages: [], accepted: false, code: null, disconnect: undefined, closed: false, errors: [] };
  session.received = (count, seconds = 5) => eventually(seconds, () => session.messages.length >= count && session.messages,
    `${count} messages (there are ${session.messages.length})`);
  client.on('message', (topic, payload, packet) => session.messages.push({ topic, text: payload.toString(), packet }));
  client.on('disconnect', (packet) => { session.disconnect = packet.reasonCode; session.reason = packet.properties?.reasonString; });
  return new Promise((resolve) => {
    client.on('connect', (packet) => { session.accepted = true; session.code = 0; session.connack = packet; resolve(session); });
    client.on('error', (error) => {
      session.errors.push(error);
      if (!session.accepted && typeof error.code === 'number') session.code = error.code;
      if (!session.accepted) setTimeout(() => resolve(session), 10);
    });
    client.on('close', () => {
      session.closed = true;
      session.closedAt = performance.now();
      resolve(session);
    });
  });
}

/** The SUBACK code per filter. */
export async function subscribe(session, filters, options = { qos: 1 }) {
  const list = [].concat(filters);
  return new Promise((resolve, reject) => {
    session.client.subscribe(list, options, (error, granted, packet) => {
      if (packet?.granted) resolve(packet.granted);
      else if (error) reject(error);
      else resolve(granted.map((one) => one.qos));
    });
    session.client.once('close', () => reject(new Error('closed while subscribing')));
  });
}

/** The reason code of the acknowledgement (QoS 1 and 2; 0 = taken), or 'closed'. */
export async function publish(session, topic, payload, options = { qos: 1 }) {
  return new Promise((resolve) => {
    session.client.publish(topic, payload, options, (error, packet) => {
      if (error) resolve(typeof error.code === 'number' ? error.code : 'closed');
      else resolve(packet?.reasonCode ?? 0);
    });
    session.client.once('close', () => resolve('closed'));
  });
}
