// Every token that must not open the door: CONNACK 0x87 (MQTT 5) or 5 (3.1.1), the article's line in the access log, nobody in.
// (Closing line 5.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { exportSPKI } from 'jose';
import { login } from './support/client.mjs';
import { LINE, oktaXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import { Provider } from './support/provider.mjs';

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

/** Signed with the text of the provider's public key as an HMAC secret: the classic confusion of algorithms. */
async function hmacWithPublicKey(provider, form) {
  const key = provider.currentKey;
  const secret = form === 'pem' ? await exportSPKI(key.publicKey)
    : createPublicKey(await exportSPKI(key.publicKey)).export({ type: 'spki', format: 'der' });
  const claims = provider.claims();
  await provider.introspectsAsActive(claims);
  const input = `${b64({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' })}.${b64(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

async function unsigned(provider, alg, signature = '') {
  const claims = provider.claims();
  await provider.introspectsAsActive(claims);
  return `${b64({ alg, kid: provider.currentKey.kid, typ: 'at+jwt' })}.${b64(claims)}.${signature}`;
}

const CASES = [
  ['no token at all', () => undefined],
  ['an empty password', () => ''],
  ['a password that is no token', () => 'secret'],
  ['another audience', (p) => p.mint({ aud: 'SomebodyElse' })],
  ['an audience that only begins like ours', (p) => p.mint({ aud: 'HiveMQ-test' })],
  ['no audience', (p) => p.mint({ aud: undefined })],
  ['no scope', (p) => p.mint({ scp: undefined, scope: undefined })],
  ['an empty scope array', (p) => p.mint({ scp: [], scope: undefined })],
  ['another scope', (p) => p.mint({ scp: ['other'], scope: 'other' })],
  ['a scope of which ours is a part', (p) => p.mint({ scp: ['mqtt.read'], scope: 'mqtt.read' })],
  ['the scope only under the claim that was renamed away', (p) => p.mint({ scp: undefined })],
  ['expired an hour ago', (p) => p.mint({ iat: now() - 7200, exp: now() - 3600 })],
  ['expired two seconds ago (no leeway in ESE files)', (p) => p.mint({ iat: now() - 60, exp: now() - 2 })],
  ['no expiry', (p) => p.mint({ exp: undefined })],
  ['expiry as text', (p) => p.mint({ exp: `${now() + 600}` })],
  ['not valid yet', (p) => p.mint({ nbf: now() + 600 })],
  ['revoked at introspection', async (p) => { const token = await p.token('device'); await p.revoke(token); return token; }],
  ['unknown at introspection', async (p) => { const token = await p.mint(); p.twins.clear(); return token; }],
  ['signed by a stranger under our key id', async (p, stranger) => p.mint({}, { key: { ...stranger, kid: p.currentKey.kid } })],
  ['signed by a stranger under its own key id', async (p, stranger) => p.mint({}, { key: stranger })],
  ['alg none', (p) => unsigned(p, 'none')],
  ['alg None', (p) => unsigned(p, 'None')],
  ['alg none with a signature', (p) => unsigned(p, 'none', 'AAAA')],
  ['RS256 without a signature', (p) => unsigned(p, 'RS256')],
  ['HS256 with the public key as its secret (PEM)', (p) => hmacWithPublicKey(p, 'pem')],
  ['HS256 with the public key as its secret (DER)', (p) => hmacWithPublicKey(p, 'der')],
  ['one byte of the payload changed', async (p) => {
    const [head, body, signature] = (await p.token('device')).split('.');
    return `${head}.${b64(Buffer.from(body, 'base64url').toString().replace('"sub":"device"', '"sub":"devicf"'))}.${signature}`;
  }],
  ['an unknown critical header', (p) => p.mint({}, { header: { crit: ['b64'], b64: true } })],
];

describe('a token that must not open the door', () => {
  const cleanups = [];
  const scope = { after: (fn) => cleanups.unshift(fn) };
  let stage;
  let stranger;
  before(async () => {
    stage = await house(scope, { xml: oktaXml });
    stranger = await Provider.makeKey('RS256');
    // Proof that a refusal below is for its own reason: the token they all vary from is good.
    const good = await login(scope, { port: stage.tls, ca: stage.ca, clientId: 'good', username: 'u', password: await stage.provider.mint() });
    if (good.code !== 0) throw new Error(`the unchanged token was refused:\n${stage.broker.output}`);
  });
  after(async () => { for (const fn of cleanups) await fn(); });

  for (const [index, [name, make]] of CASES.entries()) {
    test(name, async (t) => {
      for (const [version, expected] of [[5, 0x87], [4, 5]]) {
        const token = await make(stage.provider, stranger);
        const clientId = `refused-${index}-v${version}`;
        const who = token === undefined ? {} : { username: 'u', password: token };
        const session = await login(t, { port: stage.tls, ca: stage.ca, version, clientId, ...who });
        assert.equal(session.accepted, false);
        assert.equal(session.code, expected);
        assert.match(await stage.broker.accessLine(clientId, /authentication-failed/), LINE.failed);
        assert.ok(!stage.broker.accessLog().some((line) => line.includes(`ID ${clientId},`) && /succeeded/.test(line)));
      }
    });
  }
});
