// Runs every attack against a broker of its own and prints the table; exits 1 when one of them took a turn of 20 ms of a shard's own
// time, grew the broker beyond its bound, or kept anybody out.   node tests/attacks/run.mjs [--seconds N] [--share F] [NAME...]
// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { ATTACKS } from './attacks.mjs';
import { faults } from './judge.mjs';
import { attack, row, startBroker, table } from './stage.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '10' }, share: { type: 'string', default: '1' } },
});
const names = positionals.length ? positionals : Object.keys(ATTACKS);
const rows = [];
let bad = 0;
for (const name of names) {
  const cleanups = [];
  const scope = { after: (fn) => cleanups.unshift(fn) };
  try {
    const broker = await startBroker(scope);
    const result = await attack(broker, name, { seconds: Number(values.seconds), share: Number(values.share) });
    rows.push(row(result));
    for (const fault of faults(result)) {
      ++bad;
      console.log(`${name}: ${fault}`);
    }
  } finally {
    for (const fn of cleanups) await fn();
  }
}
console.log(table(rows));
process.exit(bad === 0 ? 0 : 1);
