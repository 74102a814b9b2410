// What an attack may cost: the one place that says it.
// SPDX-License-Identifier: Apache-2.0

export const LONGEST_TURN_MS = 20;
/** Above what the broker held before; the largest is two sessions that wait for their limit, 64 MiB each, and messages on the way. */
export const MOST_GROWTH_MB = 400;

/** A sentence for everything that went wrong. @param slow  a build with sanitizers: times say nothing
 * @param patience  how often longer a turn may take in a build that is made for tests */
export function faults(result, { slow = false, patience = 1 } = {}) {
  const found = [];
  const growth = (result.peak - result.before) / 1048576;
  if (!slow && result.turns.cpu > LONGEST_TURN_MS * 1000 * patience) {
    found.push(`a turn took ${result.turns.cpu / 1000} ms of its shard's own time, more than ${LONGEST_TURN_MS * patience}`);
  }
  if (!slow && growth > MOST_GROWTH_MB) found.push(`memory grew by ${growth.toFixed(0)} MB, more than ${MOST_GROWTH_MB}`);
  if (!result.neighbour.alive) found.push('the neighbour lost its connection');
  if (result.neighbour.missing > 0) found.push(`${result.neighbour.missing} messages of the neighbour did not arrive`);
  if (result.neighbour.count === 0) found.push('nothing of the neighbour was measured');
  if (result.newcomers.refused > 0) found.push(`${result.newcomers.refused} new clients were not let in`);
  if (result.newcomers.in === 0) found.push('no new client was let in');
  return found;
}
