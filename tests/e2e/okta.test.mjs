// The Okta article against a real provider: a client-credentials token connects over TLS, and the provider was asked with our
// credentials. (Closing line 4.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import { ALLOW_ALL, LINE, oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';

test('a client-credentials token opens the door over TLS, and the provider was asked about it with our credentials', async (t) => {
  const { provider, broker, tls, ca } = await house(t, { xml: oktaXml });
  const token = await provider.token('device');
  const session = await login(t, { port: tls, ca, clientId: 'token-client', username: 'token-user', password: token });
  assert.equal(session.code, 0, broker.output);

  const [asked] = provider.seen('/token/introspection');
  assert.ok(asked, 'the provider was never asked');
  assert.equal(asked.status, 200);
  assert.equal(asked.authorization, `Basic ${Buffer.from('broker:broker-secret').toString('base64')}`);
  assert.ok(provider.seen('/jwks').length >= 1);

  assert.deepEqual(await subscribe(session, ['any/topic', '#'], { qos: 2 }), [2, 2]);
  assert.equal(await publish(session, 'any/topic', 'hello', { qos: 1 }), 0);
  const [message] = await session.received(1);
  assert.equal(message.text, 'hello');

  const succeeded = await broker.accessLine('token-client', /authentication-succeeded/);
  assert.match(succeeded, LINE.succeeded);
  const authorized = await broker.accessLine('token-client', /authorization-succeeded/);
  assert.match(authorized, LINE.authorized);
  assert.ok(authorized.endsWith(ALLOW_ALL), authorized);
});

test('without a token the article\'s line is logged and nothing is asked of the provider', async (t) => {
  const { provider, broker, tls, ca } = await house(t, { xml: oktaXml });
  const session = await login(t, { port: tls, ca, clientId: 'no-token-client' });
  assert.equal(session.code, 0x87);
  assert.match(await broker.accessLine('no-token-client', /authentication-failed/), LINE.failed);
  assert.equal(provider.seen('/token/introspection').length, 0);
});

test('a secret with reserved characters reaches the provider form-encoded (RFC 6749 2.3.1)', async (t) => {
  const clients = { device: { secret: 'd' }, broker: { secret: 'a:b&c d+e%f' } };
  const xml = (given) => oktaXml({ ...given, secret: 'a:b&amp;c d+e%f' });
  const { provider, broker, tls, ca } = await house(t, { xml, clients });
  const session = await login(t, { port: tls, ca, clientId: 'a', username: 'u', password: await provider.token('device') });
  assert.equal(session.code, 0, broker.output);
  assert.equal(provider.seen('/token/introspection')[0].status, 200);
});
