// One attack, in a thread of its own so that it does not slow down whoever measures.
// SPDX-License-Identifier: Apache-2.0
import { parentPort, workerData } from 'node:worker_threads';
import { ATTACKS } from './attacks.mjs';

const { name, seconds, share, ports } = workerData;
const done = await ATTACKS[name]({ ...ports, many: (count) => Math.ceil(count * share), until: performance.now() + seconds * 1000 });
parentPort.postMessage(done);
setTimeout(() => process.exit(0), 100);
