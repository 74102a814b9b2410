// WebSocket by hand over a socket: handshakes that a proper client would not send, frames with every bit chosen, PROXY headers.
// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { eventually } from './work.mjs';

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The head of a handshake; `changes` replace headers (a list repeats one, undefined leaves it out). */
export function handshake({ path = '/mqtt', method = 'GET', version = '1.1', ...changes } = {}) {
  const headers = {
    Host: 'localhost', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'mqtt', ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [].concat(value).map((one) => `${name}: ${one}`)));
  return `${method} ${path} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** One frame; `first` is its first byte, 0x82 a whole binary message. */
export function frame(first, payload, { masked = true } = {}) {
  const body = Buffer.from(payload);
  const size = body.length;
  const head = size < 126 ? Buffer.from([first, size]) : size < 65536 ? Buffer.from([first, 126, size >> 8, size & 255])
    : Buffer.concat([Buffer.from([first, 127, 0, 0, 0, 0]), Buffer.from(Uint32Array.of(size).buffer).reverse()]);
  if (!masked) return Buffer.concat([head, body]);
  head[1] |= 0x80;
  const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  return Buffer.concat([head, mask, body.map((byte, index) => byte ^ mask[index % 4])]);
}

/** A CONNECT of MQTT 3.1.1 without credentials. */
export function connectPacket(clientId) {
  const id = Buffer.from(clientId);
  return Buffer.concat([Buffer.from([0x10, 12 + id.length, 0, 4]), Buffer.from('MQTT'), Buffer.from([4, 2, 0, 60, 0, id.length]), id]);
}

/** @returns { socket, received (a Buffer), closed, send(bytes), until(predicate) } */
export async function rawSocket(t, { port, host = '127.0.0.1', ca, proxy = '' }) {
  let socket = net.connect({ port, host });
  const raw = { received: Buffer.alloc(0), closed: false };
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (proxy) socket.write(proxy);
  if (ca) {
    socket = tls.connect({ socket, ca, servername: 'localhost' });
    socket.on('error', (error) => { raw.error = error; });
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
  }
  raw.socket = socket;
  socket.on('data', (data) => { raw.received = Buffer.concat([raw.received, data]); });
  socket.on('close', () => { raw.closed = true; });
  t.after(() => socket.destroy());
  raw.send = (bytes) => socket.write(bytes);
  raw.until = (predicate, what = 'the answer') => eventually(5, () => predicate(raw), what).catch((error) => {
    throw new Error(`${error.message}; received ${JSON.stringify(raw.received.toString('latin1'))}, closed ${raw.closed}`);
  });
  return raw;
}

/** A raw socket past its handshake; `received` begins behind it. */
export async function opened(t, where, request = handshake()) {
  const raw = await rawSocket(t, where);
  raw.send(request);
  await raw.until(() => raw.received.includes('\r\n\r\n'));
  const end = raw.received.indexOf('\r\n\r\n') + 4;
  raw.head = raw.received.subarray(0, end).toString();
  raw.received = raw.received.subarray(end);
  return raw;
}

/** PROXY version 2 for IPv4. */
export function proxyV2(source, port, { command = 0x21, tlv = '' } = {}) {
  const body = Buffer.concat([
    Buffer.from(source.split('.').map(Number)), Buffer.from([192, 0, 2, 1]), Buffer.from([port >> 8, port & 255, 4, 1]), Buffer.from(tlv),
  ]);
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n'), Buffer.from([command, 0x11, body.length >> 8, body.length & 255]), body]);
}
