// MQTT packets as an attacker makes them: whole, by hand, without a client library's manners.
// SPDX-License-Identifier: Apache-2.0
import { connect as connectTcp } from 'node:net';

const u16 = (n) => Buffer.from([n >> 8, n & 255]);
export const text = (value) => { const bytes = Buffer.from(value); return Buffer.concat([u16(bytes.length), bytes]); };

export function varint(n) {
  const out = [];
  do { out.push((n & 127) | (n > 127 ? 128 : 0)); n >>>= 7; } while (n > 0);
  return Buffer.from(out);
}

export function packet(head, ...parts) {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([head]), varint(body.length), body]);
}

/** MQTT 5 CONNECT. */
export function connect(id, { clean = true, user, password, expiry = 0, keepAlive = 0 } = {}) {
  const flags = (clean ? 2 : 0) | (user === undefined ? 0 : 0xC0);
  const properties = expiry ? Buffer.concat([Buffer.from([17]), Buffer.from([expiry >>> 24, expiry >>> 16 & 255, expiry >>> 8 & 255, expiry & 255])])
    : Buffer.alloc(0);
  return packet(0x10, text('MQTT'), Buffer.from([5, flags]), u16(keepAlive), varint(properties.length), properties, text(id),
    ...(user === undefined ? [] : [text(user), text(password)]));
}

export function publish(topic, payload, { qos = 0, id = 0, retain = false, properties = Buffer.alloc(0) } = {}) {
  return packet(0x30 | qos << 1 | (retain ? 1 : 0), text(topic), ...(qos ? [u16(id)] : []), varint(properties.length), properties,
    Buffer.from(payload));
}

export function subscribe(id, filters, qos = 0) {
  return packet(0x82, u16(id), Buffer.from([0]), ...filters.flatMap((filter) => [text(filter), Buffer.from([qos])]));
}

export function unsubscribe(id, filters) { return packet(0xA2, u16(id), Buffer.from([0]), ...filters.map(text)); }
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
