// MQTT as bytes over any kind of listener: what a test writes is what the broker reads, what it answers comes back cut into packets.
// SPDX-License-Identifier: Apache-2.0
import { frame, handshake, opened, rawSocket } from './websocket.mjs';

/** Variable byte integer. */
export function length(value) {
  const out = [];
  for (let left = value; ; left >>= 7) {
    out.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    if (left <= 0x7f) return Buffer.from(out);
  }
}
export const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));
export const text = (value) => { const body = Buffer.from(value); return Buffer.concat([Buffer.from([body.length >> 8, body.length & 255]), body]); };
export const u16 = (value) => Buffer.from([value >> 8, value & 255]);
export function packet(first, ...parts) { const body = Buffer.concat(parts.map((part) => Buffer.from(part))); return Buffer.concat([Buffer.from([first]), length(body.length), body]); }
export function properties(...parts) { const body = Buffer.concat(parts.map((part) => Buffer.from(part))); return Buffer.concat([length(body.length), body]); }

/** CONNECT; `flags` and `rest` replace what follows the client id. */
export function connect({ level = 5, id = 'x', flags = 0x02, name = level === 3 ? 'MQIsdp' : 'MQTT', keepAlive = 60, props = [], rest = [] } = {}) {
  return packet(0x10, text(name), [level, flags], u16(keepAlive), ...(level === 5 ? [properties(...props)] : []), text(id), ...rest);
}
export function publish(topic, payload = 'x', { level = 5, first = 0x30, id = 0, props = [] } = {}) {
  return packet(first, text(topic), (first & 6) !== 0 ? u16(id) : [], ...(level === 5 ? [properties(...props)] : []), Buffer.from(payload));
}
export function subscribe(filters, { level = 5, id = 1, options = 0, first = 0x82, props = [] } = {}) {
  return packet(first, u16(id), ...(level === 5 ? [properties(...props)] : []), ...[].concat(filters).flatMap((one) => [text(one), [options]]));
}

/** The packets in `received`: { type, body }. */
export function packets(received) {
  const out = [];
  for (let at = 0; at < received.length;) {
    let size = 0;
    let shift = 0;
    let head = 1;
    for (; head < 5; head += 1) {
      if (at + head >= received.length) return out;
      size |= (received[at + head] & 0x7f) << shift;
      shift += 7;
      if (received[at + head] < 0x80) break;
    }
    const begin = at + head + 1;
    if (begin + size > received.length) return out;
    out.push({ type: received[at] >> 4, body: received.subarray(begin, begin + size) });
    at = begin + size;
  }
  return out;
}

/** Payload of whole server frames; control frames are left out. */
function unframed(received) {
  const parts = [];
  for (let at = 0; at + 2 <= received.length;) {
    let size = received[at + 1] & 0x7f;
    let head = 2;
    if (size === 126) { size = received.readUInt16BE(at + 2); head = 4; }
    if (at + head + size > received.length) break;
    if ((received[at] & 0x0f) <= 2) parts.push(received.subarray(at + head, at + head + size));
    at += head + size;
  }
  return Buffer.concat(parts);
}

/**
 * @param kind  tcp, tls, ws or wss
 * @returns { send(bytes), packets(), closed, until(predicate) }
 */
export async function wire(t, { kind, port, ca }) {
  const where = { port, ...(kind === 'tls' || kind === 'wss' ? { ca } : {}) };
  if (kind === 'tcp' || kind === 'tls') {
    const raw = await rawSocket(t, where);
    return Object.assign(raw, { packets: () => packets(raw.received) });
  }
  const raw = await opened(t, where, handshake());
  const write = raw.send;
  raw.send = (data) => write(frame(0x82, data));
  return Object.assign(raw, { packets: () => packets(unframed(raw.received)) });
}

/** As wire(), past a CONNACK with success. */
export async function connected(t, where, options = {}) {
  const raw = await wire(t, where);
  raw.send(connect(options));
  await raw.until(() => raw.packets().length === 1, 'CONNACK');
  return raw;
}

/** The reason of the last CONNACK or DISCONNECT once the connection has ended; null when it ended in silence. */
export async function ended(raw) {
  await raw.until(() => raw.closed, 'the end of the connection');
  const last = raw.packets().at(-1);
  if (last?.type === 2 && last.body[1] !== 0) return last.body[1];
  return last?.type === 14 ? last.body[0] : null;
}
