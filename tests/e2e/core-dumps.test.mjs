// A crash leaves no memory on disk: keys and passwords stand in it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Broker } from './support/broker.mjs';
import { SLOW, tempFolder } from './support/work.mjs';

test('the broker writes no core files', async (t) => {
  const broker = await Broker.start(t, {
    folder: tempFolder(t, 'core'),
    config: 'b.toml',
    files: { 'b.toml': '[admin]\nport = 0\n[[pipelines]]\nlistener = "ALL"\nauthenticate = "allow-all"\nauthorize = "allow-all"\n' },
  });
  const [limits] = readFileSync(`/proc/${broker.ready.pid}/limits`, 'utf8').match(/^Max core file size.*$/m);
  // Under a sanitizer the helper asks for them, since it looks into its own process: then the limit is the machine's.
  assert.match(limits, SLOW === 1 ? /size\s+0\s+0\s/ : /size\s+\w+\s+\w+\s/);
});
