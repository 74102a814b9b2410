// MQTT 5 as an attacker speaks it: packets by hand over sockets without a client library's manners.
// SPDX-License-Identifier: Apache-2.0
import { connect as connectTcp } from 'node:net';
import {
  connect as connectPacket, packet, properties, publish as publishPacket, subscribe as subscribePacket, text, u16,
} from '../e2e/support/wire.mjs';

export { text };

/** MQTT 5 CONNECT. */
export function connect(id, { clean = true, user, password, expiry = 0, keepAlive = 0 } = {}) {
  return connectPacket({
    id, keepAlive, flags: (clean ? 2 : 0) | (user === undefined ? 0 : 0xC0), rest: user === undefined ? [] : [text(user), text(password)],
    props: expiry ? [[17, expiry >>> 24, expiry >>> 16 & 255, expiry >>> 8 & 255, expiry & 255]] : [],
  });
}

export function publish(topic, payload, { qos = 0, id = 0, retain = false, properties: given = [] } = {}) {
  return publishPacket(topic, payload, { first: 0x30 | qos << 1 | (retain ? 1 : 0), id, props: [given] });
}

export const subscribe = (id, filters, qos = 0) => subscribePacket(filters, { id, options: qos });
export const unsubscribe = (id, filters) => packet(0xA2, u16(id), properties(), ...filters.map(text));
export const puback = (id) => packet(0x40, u16(id));

/** Cuts a stream into packets and calls on(head, body). */
export function splitter(on) {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = rest.length ? Buffer.concat([rest, bytes]) : bytes;
    for (;;) {
      let length = 0;
      let at = 1;
      for (let shift = 0; at < rest.length; shift += 7) {
        length |= (rest[at] & 127) << shift;
        if ((rest[at++] & 128) === 0) break;
        if (at === rest.length) return;
      }
      if (at >= rest.length + (length === 0 ? 1 : 0) || rest.length < at + length || rest.length < 2) return;
      on(rest[0], rest.subarray(at, at + length));
      rest = rest.subarray(at + length);
    }
  };
}

/** A socket that never throws; `gone` says when it is gone. */
export function socket(port, options = {}) {
  const made = connectTcp({ port, host: '127.0.0.1', noDelay: true, ...options });
  made.on('error', () => {});
  made.gone = new Promise((resolve) => made.on('close', resolve));
  return made;
}

/** Connected, CONNACK taken; its further packets go to `on`. Null when it was not let in. */
export function login(port, id, options = {}, on = () => {}) {
  return new Promise((resolve) => {
    const made = socket(port);
    made.write(connect(id, options));
    made.on('data', splitter((head, body) => {
      if (head >> 4 !== 2) return on(head, body, made);
      if (body[1] === 0) return resolve(made);
      made.destroy();
      return resolve(null);
    }));
    made.gone.then(() => resolve(null));
  });
}
