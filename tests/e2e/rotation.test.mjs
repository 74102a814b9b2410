// Keys rotate under load, strangers' key ids do not make us hammer the provider, and a provider that is down refuses with another
// code than a bad token does. (Closing line 8.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { login } from './support/client.mjs';
import { oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import { Provider } from './support/provider.mjs';
import { eventually } from './support/work.mjs';

test('keys rotate while 200 clients connect: none is refused', async (t) => {
  const { provider, broker, tls, ca } = await house(t, { xml: (given) => oktaXml({ ...given, introspection: false }) });
  const refused = [];
  let begun = 0;
  const worker = async () => {
    while (begun < 200) {
      const number = begun;
      begun += 1;
      if (number === 70 || number === 140) await provider.rotate();
      const session = await login(t, { port: tls, ca, clientId: `c${number}`, username: 'u', password: await provider.mint() });
      if (session.code !== 0) refused.push([number, session.code]);
      session.client.end(true);
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  assert.deepEqual(refused, [], broker.output.slice(-3000));
  assert.ok(provider.seen('/jwks').length >= 3 && provider.seen('/jwks').length <= 6, `${provider.seen('/jwks').length} fetches`);
});

test('50 tokens with unknown key ids cause at most 5 fetches and nobody comes in', async (t) => {
  const { provider, tls, ca } = await house(t, { xml: (given) => oktaXml({ ...given, introspection: false }) });
  const stranger = await Provider.makeKey();
  const first = await login(t, { port: tls, ca, clientId: 'first', username: 'u', password: await provider.mint() });
  assert.equal(first.code, 0);
  const before = provider.seen('/jwks').length;
  const sessions = await Promise.all(Array.from({ length: 50 }, async (_, i) => login(t, {
    port: tls, ca, clientId: `s${i}`, username: 'u', password: await provider.mint({}, { key: { ...stranger, kid: `unknown-${i}` } }),
  })));
  for (const session of sessions) assert.ok([0x87, 0x88].includes(session.code), `code ${session.code}`);
  const fetched = provider.seen('/jwks').length - before;
  assert.ok(fetched <= 5, `${fetched} fetches`);
  const good = await login(t, { port: tls, ca, clientId: 'good', username: 'u', password: await provider.mint() });
  assert.equal(good.code, 0, 'a flood of strangers shut out a good token');
});

test('provider stopped: 0x88 / 3 and the log names the realm; back: logins work within 5 seconds', async (t) => {
  const { provider, broker, tls, ca } = await house(t, { xml: oktaXml });
  const token = await provider.token('device');
  const enter = async (clientId, version = 5) => login(t, { port: tls, ca, version, clientId, username: 'u', password: token });
  assert.equal((await enter('before')).code, 0, broker.output);
  await provider.stop();
  assert.equal((await enter('down5')).code, 0x88);
  assert.equal((await enter('down4', 4)).code, 3);
  await eventually(5, () => broker.everything().some(({ path, text }) => !/access\.log$/.test(path) &&
    text.split('\n').some((line) => /Okta/.test(line) && /fail|unreach|refused|down|unavailable/i.test(line))), 'a log line that names the realm');
  await provider.startAgain();
  let count = 0;
  await eventually(5, async () => {
    count += 1;
    return (await enter(`back${count}`)).code === 0;
  }, 'a login after the provider came back');
});

test('a key set that is down at start: the broker starts, logins fail with 0x88, and work once it is up', async (t) => {
  const h = await house(t, { xml: (given) => oktaXml({ ...given, introspection: false }) });
  const token = await h.provider.token('device');
  await h.provider.stop();
  await h.broker.restart();
  const enter = (clientId) => login(t, { port: h.tls, ca: h.ca, clientId, username: 'u', password: token });
  assert.equal((await enter('cold')).code, 0x88);
  await h.provider.startAgain();
  let count = 0;
  await eventually(6, async () => {
    count += 1;
    return (await enter(`warm${count}`)).code === 0;
  }, 'a login after the key set came up');
});
