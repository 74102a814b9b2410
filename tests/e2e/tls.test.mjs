// TLS as operators and attackers meet it: client certificates on every listener kind that has TLS, renewal on disk without
// dropping anybody, resumption that ends with the client CA, old versions, wrong protocols. (F-01, F-04 to F-09, F-12.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { Broker, latchkey } from './support/broker.mjs';
import { login, publish, subscribe } from './support/client.mjs';
import { oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import { Authority } from './support/tls.mjs';
import { eventually, tempFolder } from './support/work.mjs';

const OPEN = `[[pipelines]]
listener = "ALL"
authenticate = "allow-all"
authorize = "allow-all"
`;

/** A broker that lets everybody in who comes through TLS; listeners `required` and `optional` ask for certificates of `ca`. */
async function stage(t, { args = [] } = {}) {
  const folder = tempFolder(t, 'tls');
  const authority = (name) => {
    mkdirSync(join(folder, name));
    return new Authority(join(folder, name), name);
  };
  const [servers, devices, strangers] = ['servers', 'devices', 'strangers'].map(authority);
  const { certFile, keyFile } = servers.issue('broker');
  const files = { cert: join(folder, 'server.pem'), key: join(folder, 'server.key'), clientCa: join(folder, 'client-ca.pem') };
  copyFileSync(certFile, files.cert);
  copyFileSync(keyFile, files.key);
  copyFileSync(devices.caFile, files.clientCa);
  const listener = (name, extra) => `[[listeners]]\nname = "${name}"\nkind = "${name.startsWith('wss') ? 'wss' : 'tls'}"\nport = 0\n` +
    `certificate = "${files.cert}"\nkey = "${files.key}"\n${extra}`;
  const broker = await Broker.start(t, {
    folder,
    config: 'broker.toml',
    files: {
      'broker.toml': `[admin]\nport = 0\n${listener('open', '')}` +
        listener('required', `client_ca = "${files.clientCa}"\nclient_certificate = "required"\n`) +
        listener('optional', `client_ca = "${files.clientCa}"\nclient_certificate = "optional"\n`) +
        listener('wss-required', `client_ca = "${files.clientCa}"\nclient_certificate = "required"\n`) +
        '[[listeners]]\nname = "tcp"\nkind = "tcp"\nport = 0\n' + OPEN,
    },
    listeners: [],
    args: ['--shards', '2', ...args],
  });
  const enter = (name, shown = {}, more = {}) => login(t, {
    protocol: name.startsWith('wss') ? 'wss' : 'mqtts', path: '/mqtt', port: broker.port(name), ca: servers.ca, cert: shown.cert, key: shown.key, clientId: `c-${Math.random().toString(36).slice(2)}`, ...more,
  });
  const renewals = () => broker.output.match(/tls_in_use.*receipt=true/g)?.length ?? 0;
  /** Does something to the files and waits until it is in use. */
  const renewed = async (act) => {
    const before = renewals();
    const started = performance.now();
    act();
    await eventually(5, () => renewals() > before, 'the renewal');
    return performance.now() - started;
  };
  return { folder, servers, devices, strangers, broker, files, enter, renewed, authority };
}

/** Replaces a file as careful tools do. */
function replace(path, from) {
  copyFileSync(from, `${path}.new`);
  renameSync(`${path}.new`, path);
}

/** One handshake by hand. @returns { code } or { socket, reused, session } */
function shake(t, port, options) {
  return new Promise((resolve) => {
    const socket = tls.connect({ port, host: 'localhost', ...options });
    t.after(() => socket.destroy());
    let session;
    socket.on('session', (ticket) => { session = ticket; done(); });
    socket.on('error', (error) => resolve({ code: error.code ?? error.message }));
    socket.on('close', () => resolve({ code: 'closed' }));
    const done = () => {
      if (session && socket.getProtocol()) resolve({ socket, session, reused: socket.isSessionReused(), protocol: socket.getProtocol() });
    };
    socket.on('secureConnect', () => {
      // In TLS 1.2 the ticket came before this; a resumed session brings none.
      if (socket.isSessionReused() || session) resolve({ socket, session, reused: socket.isSessionReused(), protocol: socket.getProtocol() });
    });
  });
}

const saidOf = (broker, pattern) => eventually(5, () => broker.output.match(pattern)?.[0], `a line like ${pattern}`);

test('F-01: whoever shows a bad certificate is refused, also where none is demanded', async (t) => {
  const s = await stage(t);
  const good = s.devices.sign('device');
  assert.equal((await s.enter('required', good)).code, 0);
  assert.equal((await s.enter('optional', good)).code, 0);
  assert.equal((await s.enter('wss-required', good)).code, 0);
  assert.equal((await s.enter('wss-required')).accepted, false, 'required over wss too');
  assert.equal((await s.enter('optional')).code, 0, 'optional: none is fine');
  assert.equal((await s.enter('required')).accepted, false, 'required: none is refused');
  await saidOf(s.broker, /connection_failed.*the client sent no certificate, and this listener requires one/);
  const bad = {
    'of another CA': s.strangers.sign('device'),
    expired: s.devices.sign('expired', { from: '20240101000000Z', until: '20240201000000Z' }),
    'not yet valid': s.devices.sign('early', { from: '20400101000000Z', until: '20410101000000Z' }),
    'made for servers only': s.devices.sign('server', { extensions: ['extendedKeyUsage=serverAuth', 'basicConstraints=CA:FALSE'] }),
    'an authority without key usage': s.devices.sign('authority', { extensions: ['basicConstraints=critical,CA:TRUE'] }),
    'the CA itself': { cert: s.devices.ca, key: readFileSync(s.devices.caKey) },
    'signed by a device': (() => {
      const device = new Authority(s.folder, 'x');  // a folder of its own for a chain that ends in a leaf
      Object.assign(device, { caFile: good.certFile, caKey: good.keyFile });
      const { cert, key } = device.sign('grandchild');
      return { cert: Buffer.concat([cert, good.cert]), key };
    })(),
  };
  for (const [what, shown] of Object.entries(bad)) {
    assert.equal((await s.enter('wss-required', shown)).accepted, false, `${what} at wss`);
    for (const listener of ['required', 'optional']) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'])
        assert.equal((await s.enter(listener, shown, { maxVersion })).accepted, false, `${what} at ${listener}, ${maxVersion}`);
    }
    assert.equal((await s.enter('open', shown)).code, 0, `${what}: where no certificate is asked for none is looked at`);
  }
  await saidOf(s.broker, /connection_failed.*the client's certificate was refused/);
});

test('F-05: a renewed certificate is in use within five seconds, and nobody under load notices', async (t) => {
  const s = await stage(t);
  const device = s.devices.sign('device');
  const reader = await s.enter('open');
  assert.deepEqual(await subscribe(reader, 'load/#', { qos: 1 }), [1]);
  const writers = await Promise.all(['open', 'required', 'optional', 'required'].map((listener) => s.enter(listener, device)));
  for (const writer of writers) writer.client.setMaxListeners(0);  // each publish listens for the end
  let running = true;
  const sent = new Set();
  const loads = writers.map(async (writer, w) => {
    for (let i = 0; running; i += 1) {
      const text = `${w}-${i}`;
      assert.equal(await publish(writer, `load/${w}`, text), 0, text);
      sent.add(text);
    }
  });
  const serial = async () => {
    const { socket } = await shake(t, s.broker.port('open'), { ca: s.servers.ca });
    const seen = socket.getPeerCertificate().serialNumber;
    socket.destroy();
    return seen;
  };
  const seen = new Set([await serial()]);
  for (let round = 0; round < 10; round += 1) {
    const { certFile, keyFile } = s.servers.issue(`broker-${round}`);
    const swap = () => {
      replace(s.files.cert, certFile);
      replace(s.files.key, keyFile);
    };
    if (round < 3) {
      await s.renewed(swap);
    } else {
      const before = s.broker.output.match(/reload_done/g)?.length ?? 0;
      swap();
      s.broker.process.child.kill('SIGHUP');
      await eventually(5, () => (s.broker.output.match(/reload_done/g)?.length ?? 0) > before, 'the reload');
    }
    const now = await serial();
    assert.equal(now, new X509Certificate(readFileSync(certFile)).serialNumber, 'new handshakes see the new certificate');
    seen.add(now);
  }
  running = false;
  await Promise.all(loads);
  assert.equal(seen.size, 11);
  assert.ok(sent.size > 100, `${sent.size} messages are no load`);
  await eventually(5, () => reader.messages.length >= sent.size);
  assert.deepEqual(new Set(reader.messages.map((one) => one.text)), sent, 'every acknowledged message arrived');
  for (const client of [reader, ...writers]) assert.equal(client.closed, false, 'nobody was dropped');
});

test('F-06: broken, half-written or mismatching files leave the old ones in use, and health says so', async (t) => {
  const s = await stage(t);
  const health = async () => (await (await fetch(`${s.broker.admin}/health`)).json());
  const refusals = () => s.broker.output.match(/tls_renewal_refused/g)?.length ?? 0;
  const before = JSON.stringify(await health());
  const next = s.servers.issue('next');
  const cases = {
    'a half-written certificate': [s.files.cert, readFileSync(next.certFile).subarray(0, 200)],
    'a certificate without its key': [s.files.cert, readFileSync(next.certFile)],
    'a client CA that is no certificate': [s.files.clientCa, 'not PEM'],
  };
  let count = 0;
  for (const [what, [path, text]] of Object.entries(cases)) {
    writeFileSync(path, text);
    count += 1;
    await eventually(5, () => refusals() >= count, `${what}: the refusal`);
    assert.equal((await s.enter('open')).code, 0, `${what}: the old certificate serves`);
    assert.match(JSON.stringify(await health()), /degraded.*the renewal of TLS was refused, the old stays/s, what);
    assert.equal((await latchkey(['check', join(s.folder, 'broker.toml')])).code, 1, `${what}: check says so before`);
  }
  copyFileSync(s.devices.caFile, s.files.clientCa);
  await s.renewed(() => replace(s.files.key, next.keyFile));
  assert.equal(JSON.stringify(await health()), before, 'health is as before');
});

test('F-04, F-07: who came by a CA that is gone goes at once, no ticket brings anybody back', async (t) => {
  const s = await stage(t);
  const [mine, other] = [s.devices.sign('device'), s.strangers.sign('stranger')];
  const both = join(s.folder, 'both.pem');
  writeFileSync(both, Buffer.concat([s.devices.ca, s.strangers.ca]));
  await s.renewed(() => replace(s.files.clientCa, both));
  const clients = {
    leaving: await s.enter('required', mine), leavingToo: await s.enter('optional', mine), staying: await s.enter('required', other),
    bare: await s.enter('optional'), elsewhere: await s.enter('open', mine),
    web: await s.enter('wss-required', mine), webStaying: await s.enter('wss-required', other),
  };
  const tickets = {};
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const options = { ca: s.servers.ca, cert: mine.cert, key: mine.key, minVersion: version, maxVersion: version };
    const first = await shake(t, s.broker.port('required'), options);
    assert.equal(first.reused, false);
    const again = await shake(t, s.broker.port('required'), { ...options, session: first.session });
    assert.equal(again.reused, true, `${version}: within one epoch a ticket resumes`);
    tickets[version] = again.session ?? first.session;
  }
  await s.renewed(() => replace(s.files.clientCa, s.strangers.caFile));
  await eventually(1, () => clients.leaving.closed && clients.leavingToo.closed && clients.web.closed, 'the goodbye');
  assert.equal(clients.leaving.disconnect, 0x87);
  assert.equal(clients.web.disconnect, 0x87);
  assert.equal(clients.leavingToo.disconnect, 0x87);
  await saidOf(s.broker, /certificate_withdrawn.*"required"/);
  assert.equal(await publish(clients.staying, 'x', 'still here'), 0);
  assert.equal(await publish(clients.webStaying, 'x', 'still here'), 0);
  assert.equal(await publish(clients.bare, 'x', 'still here'), 0);
  assert.equal(await publish(clients.elsewhere, 'x', 'still here'), 0);
  assert.equal((await s.enter('required', mine)).accepted, false);
  for (const [version, session] of Object.entries(tickets)) {
    const options = { ca: s.servers.ca, session, minVersion: version, maxVersion: version };
    const old = await shake(t, s.broker.port('required'), { ...options, cert: mine.cert, key: mine.key });
    assert.ok(old.code, `${version}: the old ticket with the old certificate is refused, got ${JSON.stringify({ ...old, socket: undefined })}`);
    const fresh = await shake(t, s.broker.port('required'), { ...options, cert: other.cert, key: other.key });
    assert.equal(fresh.reused, false, `${version}: the ticket is worth nothing`);
  }
});

test('F-04: an intermediate that the client sends counts when it is judged again', async (t) => {
  const s = await stage(t);
  const issuer = s.devices.sign('issuer', { extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign'] });
  const between = Object.assign(s.authority('between'), { caFile: issuer.certFile, caKey: issuer.keyFile });
  const leaf = between.sign('leaf');
  const client = await s.enter('required', { cert: Buffer.concat([leaf.cert, issuer.cert]), key: leaf.key });
  assert.equal(client.code, 0);
  const both = join(s.folder, 'both.pem');
  writeFileSync(both, Buffer.concat([s.devices.ca, s.strangers.ca]));
  await s.renewed(() => replace(s.files.clientCa, both));
  assert.equal(await publish(client, 'x', 'still here'), 0);
  await s.renewed(() => replace(s.files.clientCa, s.strangers.caFile));
  await eventually(1, () => client.closed, 'the goodbye');
  assert.equal(client.disconnect, 0x87);
});

test('C-25: a token bound to a certificate opens the door on a connection that proved it, and on no other', async (t) => {
  const folder = tempFolder(t, 'devices');
  const devices = new Authority(folder, 'devices');
  const [mine, other] = [devices.sign('mine'), devices.sign('other')];
  const h = await house(t, { xml: (given) => oktaXml({ ...given, introspection: false }), clientCa: devices.caFile });
  const thumbprint = createHash('sha256').update(new X509Certificate(mine.cert).raw).digest('base64url');
  const password = await h.provider.mint({ cnf: { 'x5t#S256': thumbprint } });
  const enter = (port, shown, more) => login(t, {
    port, ca: h.ca, cert: shown?.cert, key: shown?.key, clientId: 'bound', username: 'u', password, ...more,
  });
  const asking = h.broker.port('mtls');
  assert.equal((await enter(asking, mine)).code, 0);
  assert.equal((await enter(asking, mine, { maxVersion: 'TLSv1.2' })).code, 0);
  assert.equal((await enter(asking, other)).code, 0x87);
  assert.equal((await enter(h.tls, mine)).code, 0x87, 'this listener asks for no certificate, so none is proven');
  assert.equal((await login(t, { port: h.tcp, clientId: 'bound', username: 'u', password })).code, 0x87);
  await saidOf(h.broker, /login_refused.*bound to a key that this connection did not prove/);
});

test('F-08, F-09: nothing below TLS 1.2, no early data, and only a client that may speak MQTT', async (t) => {
  const s = await stage(t);
  const port = s.broker.port('open');
  const old = await shake(t, port, { ca: s.servers.ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  assert.match(old.code, /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
  await saidOf(s.broker, /connection_failed.*no TLS version in common/);
  const mqtt = await shake(t, port, { ca: s.servers.ca, ALPNProtocols: ['http/1.1', 'mqtt'] });
  assert.equal(mqtt.socket.alpnProtocol, 'mqtt');
  const none = await shake(t, port, { ca: s.servers.ca });
  assert.equal(none.socket.alpnProtocol, false);
  const other = await shake(t, port, { ca: s.servers.ca, ALPNProtocols: ['h2', 'http/1.1'] });
  assert.match(other.code, /NO_APPLICATION_PROTOCOL/);
});

test('F-12: a client on the wrong port is told in words, in the log', async (t) => {
  const s = await stage(t);
  const say = (port, bytes) => new Promise((resolve) => {
    const socket = connectPlain(port, '127.0.0.1', () => socket.write(bytes));
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', resolve);
  });
  await say(s.broker.port('open'), Buffer.from('101000044d5154540402003c000463313233', 'hex'));
  await saidOf(s.broker, /connection_failed.*the client speaks plain MQTT to a TLS listener/);
  await say(s.broker.port('open'), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await saidOf(s.broker, /connection_failed.*the client speaks plain HTTP to a TLS listener/);
  await say(s.broker.port('tcp'), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await saidOf(s.broker, /the client speaks HTTP to an MQTT listener/);
  const hello = await shake(t, s.broker.port('tcp'), { ca: s.servers.ca });
  assert.ok(hello.code);
  await saidOf(s.broker, /the client speaks TLS to a plain listener/);
  assert.equal((await s.enter('open')).code, 0);
});
