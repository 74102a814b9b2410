// What `check` and `serve` say about a file that cannot be run: where, what, the nearest name, the fix. (Closing line 9.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { latchkey } from './support/broker.mjs';
import { entraXml, NIAGARA_ROLES, oktaXml } from './support/ese.mjs';
import { tempFolder } from './support/work.mjs';

const PROVIDER = {
  jwksUrl: 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/discovery/v2.0/keys',
  introspectionUrl: 'https://idp.example/introspect',
  clients: { broker: { secret: 's' } },
};

function writeConfig(t, text, name = 'config.xml', others = {}) {
  const folder = tempFolder(t);
  mkdirSync(join(folder, 'conf'));
  for (const [other, content] of Object.entries({ 'conf/roles.xml': NIAGARA_ROLES, ...others })) writeFileSync(join(folder, other), content);
  const path = join(folder, 'conf', name);
  writeFileSync(path, text);
  return path;
}

/** Line and column of the first `part` in `text`, both from 1. */
function position(text, part) {
  const before = text.slice(0, text.indexOf(part));
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
}

async function checkFails(path, { line, column }, ...patterns) {
  const { code, stdout, stderr } = await latchkey(['check', path]);
  const said = `${stdout}\n${stderr}`;
  assert.equal(code, 1, said);
  const exact = column === undefined ? `${path}:${line}:` : `${path}:${line}:${column}:`;
  const lines = said.split('\n').filter((one) => one.startsWith(exact));
  assert.ok(lines.length > 0, `nothing begins with ${exact} in:\n${said}`);
  for (const pattern of patterns) assert.ok(lines.some((one) => pattern.test(one)), `no ${pattern} in:\n${said}`);
}

const caFile = (t) => {
  const path = join(tempFolder(t), 'ca.pem');
  writeFileSync(path, '');
  return path;
};
const withoutStore = (text) => text.replace(/\s*<ssl-trust-store>.*<\/ssl-trust-store>/, '');
const entra = () => withoutStore(entraXml({ provider: PROVIDER, caFile: '' }));
const okta = () => withoutStore(oktaXml({ provider: PROVIDER, caFile: '' }));

test('the articles\' files as they stand pass', async (t) => {
  for (const text of [entra(), okta(), withoutStore(entraXml({ provider: PROVIDER, caFile: caFile(t), authorization: 'allow-all' }))]) {
    const { code, stdout, stderr } = await latchkey(['check', writeConfig(t, text)]);
    assert.equal(code, 0, stdout + stderr);
  }
});

test('no-break spaces as indentation: the line, the column, the character', async (t) => {
  const text = entra().replace('      <name>jwt-provider', '\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0<name>jwt-provider');
  await checkFails(writeConfig(t, text), { line: position(text, '\u00a0').line }, /no-break space|U\+00A0/i);
});

test('curly quotes around an attribute', async (t) => {
  const text = entra().replace('listener="ALL"', 'listener=\u201cALL\u201d');
  await checkFails(writeConfig(t, text), position(text, '\u201c'), /quot/i);
});

test('an arrow with a remark after a value', async (t) => {
  const text = entra().replace('<realm>jwt-provider</realm>', '<realm>jwt-provider</realm> \u2190 the name from above');
  await checkFails(writeConfig(t, text), { line: position(text, '\u2190').line }, /arrow|U\+2190/i);
});

test('a misspelt element: position and the nearest name', async (t) => {
  const text = okta().replaceAll('jwks-endpoint', 'jkws-endpoint');
  await checkFails(writeConfig(t, text), { line: position(text, '<jkws-endpoint').line }, /jkws-endpoint/, /jwks-endpoint/);
});

test('a misspelt realm name: the nearest realm', async (t) => {
  const text = okta().replace('<realm>Okta</realm>', '<realm>Okat</realm>');
  await checkFails(writeConfig(t, text), { line: position(text, '<realm>Okat').line }, /Okat/, /Okta/);
});

test('a tag that is not closed', async (t) => {
  const text = okta().replace('</jwt-validation>', '');
  const { code, stdout, stderr } = await latchkey(['check', writeConfig(t, text)]);
  assert.equal(code, 1);
  assert.match(stdout + stderr, /config\.xml:\d+:\d+: /);
});

test('a role file that is not there: the place that names it', async (t) => {
  const text = entra().replace('conf/roles.xml', 'conf/rolse.xml');
  await checkFails(writeConfig(t, text), { line: position(text, 'conf/rolse.xml').line }, /rolse\.xml/);
});

test('an unknown TOML key: position and the nearest key', async (t) => {
  const text = '[admin]\nprot = 0\n';
  await checkFails(writeConfig(t, text, 'latchkey.toml'), { line: 2, column: 1 }, /prot/, /port/);
});

test('serve refuses the same file with the same line and exit code 1', async (t) => {
  const text = okta().replaceAll('jwks-endpoint', 'jkws-endpoint');
  const path = writeConfig(t, text);
  const checked = await latchkey(['check', path]);
  const served = await latchkey(['serve', '--config', path, '--data', join(tempFolder(t), 'data'), '--listener', 'tcp:0']);
  assert.equal(served.code, 1, served.stdout + served.stderr);
  const fault = (checked.stdout + checked.stderr).split('\n').find((line) => line.startsWith(path));
  assert.ok((served.stdout + served.stderr).includes(fault), `${fault}\nnot in\n${served.stderr}`);
});

test('no listener at all is wrong usage: exit 2', async (t) => {
  const path = writeConfig(t, okta());
  const { code } = await latchkey(['serve', '--config', path, '--data', join(tempFolder(t), 'data')]);
  assert.equal(code, 2);
});
