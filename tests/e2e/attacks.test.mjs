// Every attack of tests/attacks, shortened: beside each of them a neighbour is served, new clients get in, no turn of a shard takes
// 60 ms of its own time, and memory stays bounded. `make attacks` runs them at full length against the release build, with 20 ms.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ATTACKS } from '../attacks/attacks.mjs';
import { faults } from '../attacks/judge.mjs';
import { attack, row, startBroker, table } from '../attacks/stage.mjs';
import { SLOW } from './support/work.mjs';

describe('beside an attack everybody else is served', () => {
  const cleanups = [];
  let broker;
  const rows = [];
  before(async () => { broker = await startBroker({ after: (fn) => cleanups.unshift(fn) }); });
  after(async () => {
    console.log(table(rows));
    for (const fn of cleanups) await fn();
  });

  for (const name of Object.keys(ATTACKS)) {
    test(name, async () => {
      const result = await attack(broker, name, { seconds: 1.5, share: 0.1 });
      rows.push(row(result));
      assert.deepEqual(faults(result, { slow: SLOW > 1, patience: 3 }), []);
    });
  }
});
