// `explain` and the live broker give the same answer, on 200 generated requests; a denial can be asked about by its id.
// (Closing line 10.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { latchkey } from './support/broker.mjs';
import { login, publish, subscribe } from './support/client.mjs';
import { entraXml } from './support/ese.mjs';
import { house } from './support/house.mjs';
import { eventually } from './support/work.mjs';

/** A repeatable sequence (mulberry32); the seed is printed when a comparison fails. */
function sequence(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6D2B79F5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { pick: (list) => list[Math.floor(next() * list.length)], chance: (part) => next() < part };
}

const LEVELS = ['a', 'b', 'c', 'device-1', '+'];
const PERMITTED = ['a', 'a/b', 'a/+', 'a/#', '#', '+/b', 'b/+/c', 'b/#', '${mqtt-clientid}/#', 'a/${mqtt-clientid}', 'c/+', '+', '+/+'];

function rolesXml(random) {
  const roles = ['r1', 'r2', 'r3', 'r4'].map((id) => {
    const count = random.pick([2, 3, 4, 5]);
    const permissions = Array.from({ length: count }, () => `<permission><topic>${random.pick(PERMITTED)}</topic>` +
      `<qos>${random.pick(['ALL', 'ALL', 'ALL', 'ALL', 'ZERO', 'ONE', 'TWO', 'ZERO_ONE', 'ONE_TWO'])}</qos>` +
      `<activity>${random.pick(['ALL', 'ALL', 'PUBLISH', 'SUBSCRIBE'])}</activity>` +
      `<retain>${random.pick(['ALL', 'ALL', 'ALL', 'RETAINED', 'NOT_RETAINED'])}</retain>` +
      `<shared-subscription>${random.pick(['ALL', 'ALL', 'SHARED', 'NOT_SHARED', 'NOT_SHARED'])}</shared-subscription></permission>`);
    return `<role><id>${id}</id><permissions>${permissions.join('')}</permissions></role>`;
  });
  return `<?xml version="1.0"?>\n<ese-file-realm version="1"><mqtt><roles>${roles.join('\n')}</roles></mqtt></ese-file-realm>\n`;
}

function request(random) {
  const depth = random.pick([1, 1, 2, 2, 3]);
  const kind = random.pick(['publish', 'subscribe']);
  const levels = Array.from({ length: depth }, () => random.pick(kind === 'publish' ? LEVELS.slice(0, 4) : LEVELS));
  if (kind === 'subscribe' && random.chance(0.25)) levels.push('#');
  if (random.chance(0.05)) levels[0] = '$SYS';
  const topic = (kind === 'subscribe' && random.chance(0.15) ? '$share/g/' : '') + levels.join('/');
  return { kind, topic, qos: random.pick([0, 1, 2]), retain: kind === 'publish' && random.chance(0.4) };
}

/** What the running broker does with it: true = allowed. */
async function live(t, h, token, clientId, { kind, topic, qos, retain }) {
  const session = await login(t, { port: h.tls, ca: h.ca, clientId, username: 'u', password: token });
  assert.equal(session.code, 0, h.broker.output.slice(-2000));
  try {
    if (kind === 'subscribe') return (await subscribe(session, topic, { qos }))[0] < 0x80;
    const code = await publish(session, topic, 'x', { qos, retain });
    if (qos > 0) return code === 0;
    // QoS 0 has no answer: whoever was denied is disconnected, whoever was not gets the next acknowledgement.
    const alive = await new Promise((resolve) => {
      session.client.once('close', () => resolve(false));
      session.client.unsubscribe('probe', (error) => resolve(!error));
    });
    return alive;
  } finally {
    session.client.end(true);
  }
}

test('explain equals the live broker on 200 generated requests', async (t) => {
  const seed = Number(process.env.LATCHKEY_SEED ?? 20261124);
  const random = sequence(seed);
  const clients = {
    one: { secret: 's', roles: ['r1'] }, two: { secret: 's', roles: ['r2', 'r3'] }, all: { secret: 's', roles: ['r4', 'r1', 'r2'] },
    none: { secret: 's', roles: [] }, unknown: { secret: 's', roles: ['r9'] },
  };
  const h = await house(t, { xml: entraXml, files: { 'conf/roles.xml': rolesXml(random) }, clients });
  mkdirSync(join(h.folder, 'tokens'));
  const tokens = {};
  for (const name of Object.keys(clients)) {
    tokens[name] = await h.provider.token(name);
    writeFileSync(join(h.folder, 'tokens', name), tokens[name]);
  }
  let allowed = 0;
  const one = async (number) => {
    const who = random.pick(Object.keys(clients));
    const clientId = random.pick(['device-1', 'a', 'other']);
    const asked = request(random);
    const args = [
      'explain', '--config', join(h.folder, 'conf/config.xml'), '--listener', 'tls', '--client-id', clientId, '--username', 'u',
      '--token-file', join(h.folder, 'tokens', who), `--${asked.kind}`, asked.topic, '--qos', String(asked.qos),
      ...(asked.retain ? ['--retain'] : []),
    ];
    const said = await latchkey(args);
    assert.ok([0, 10].includes(said.code), `${args.join(' ')}\n${said.stdout}${said.stderr}`);
    const did = await live(t, h, tokens[who], clientId, asked);
    assert.equal(said.code === 0, did, `seed ${seed}, request ${number}: ${who} ${JSON.stringify(asked)}\n${args.join(' ')}\n${said.stdout}`);
    if (did) {
      allowed += 1;
      assert.match(said.stdout, /roles\.xml:\d+/, 'an allowed answer names the rule as FILE:LINE');
    }
  };
  for (let number = 0; number < 200; number += 1) await one(number);
  assert.ok(allowed > 20 && allowed < 180, `${allowed} of 200 allowed: the generator says nothing`);
});

test('a denial is asked about by its id, on the running broker', async (t) => {
  const roles = '<?xml version="1.0"?>\n<ese-file-realm version="1"><mqtt><roles><role><id>r1</id><permissions>\n' +
    '<permission><topic>a/#</topic><activity>PUBLISH</activity><qos>ONE</qos></permission></permissions></role></roles></mqtt></ese-file-realm>\n';
  const h = await house(t, { xml: entraXml, files: { 'conf/roles.xml': roles }, clients: { one: { secret: 's', roles: ['r1'] } } });
  const session = await login(t, { port: h.tls, ca: h.ca, clientId: 'asker', username: 'u', password: await h.provider.token('one') });
  assert.equal(await publish(session, 'a/b', 'x', { qos: 2 }), 0x87);
  const id = await eventually(5, () => /--decision (\S+)/.exec(h.broker.output.split('\n').find((line) => line.includes('asker')) ?? '')?.[1], 'the id');
  const { code, stdout, stderr } = await latchkey(['explain', '--decision', id, '--live', h.broker.admin]);
  assert.equal(code, 10, stdout + stderr);
  for (const part of [/asker/, /a\/b/, /roles\.xml:3:/, /qos/i]) assert.match(stdout, part);
  const unknown = await latchkey(['explain', '--decision', 'no-such-id', '--live', h.broker.admin]);
  assert.equal(unknown.code, 1);
});
