// A token that passes its expiry plus grace ends its session within a second. (Closing line 7.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { login, publish, subscribe } from './support/client.mjs';
import { oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import { eventually } from './support/work.mjs';

for (const [version, seconds, grace] of [[5, 3, 2], [4, 3, 0]]) {
  test(`MQTT ${version === 5 ? '5' : '3.1.1'}: off within a second of exp + ${grace} s, and not before`, async (t) => {
    const { provider, broker, tls, ca } = await house(t, { xml: (given) => oktaXml({ ...given, grace }) });
    const exp = Math.floor(Date.now() / 1000) + seconds;
    const token = await provider.mint({ exp });
    const session = await login(t, { port: tls, ca, version, clientId: 'fading', username: 'u', password: token, keepalive: 600 });
    assert.equal(session.code, 0, broker.output);
    assert.deepEqual(await subscribe(session, 'a'), [1]);
    assert.equal(await publish(session, 'a', 'still here', { qos: 1 }), 0);
    session.client.on('close', () => { session.endedAt = Date.now() / 1000; });
    await eventually(seconds + grace + 5, () => session.closed, 'the end of the session');
    const late = session.endedAt - (exp + grace);
    assert.ok(late > -0.05, `ended ${-late} s too early`);
    assert.ok(late < 1, `ended ${late} s too late`);
    if (version === 5) assert.equal(session.disconnect, 0xA0);
    const again = await login(t, { port: tls, ca, version, clientId: 'fading', username: 'u', password: token });
    assert.equal(again.code, version === 5 ? 0x87 : 5);
  });
}

test('inside the grace an expired token still logs in, for what is left of it', async (t) => {
  const { provider, broker, tls, ca } = await house(t, { xml: (given) => oktaXml({ ...given, grace: 4, introspection: false }) });
  const exp = Math.floor(Date.now() / 1000) - 1;
  const session = await login(t, { port: tls, ca, clientId: 'late', username: 'u', password: await provider.mint({ iat: exp - 60, exp }) });
  assert.equal(session.code, 0, broker.output);
  session.client.on('close', () => { session.endedAt = Date.now() / 1000; });
  await eventually(8, () => session.closed, 'the end of the session');
  assert.ok(Math.abs(session.endedAt - (exp + 4) - 0.5) < 0.6, `ended at exp + ${session.endedAt - exp}`);
});
