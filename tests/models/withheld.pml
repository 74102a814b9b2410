/* withheld.pml - A policy that goes allow, deny, allow while sweeps run in slices (ARCHITECTURE.md, "Epochs").
 * The rule: a filter that is no longer covered is withheld and stays with its session; it is judged again at each version and removed only
 * at resume. Claim: a connected client that may again, receives again.
 * Fault:   WITHOUT_MASK the sweep removes the filter
 * SPDX-License-Identifier: Apache-2.0 */
byte v = 1, swept = 1, nres; bit sub = 1, con = 1; bit ok[4];
init { ok[1] = 1; ok[3] = 1;
  do
  :: atomic { v < 3 -> v++ }
  :: atomic { swept < v -> swept = v;
#ifdef WITHOUT_MASK
       if :: !ok[v] -> sub = 0 :: else fi
#endif
     }
  :: atomic { con -> con = 0 }
  :: atomic { !con && nres < 1 -> con = 1; nres++; if :: !ok[v] -> sub = 0 :: else fi }
  :: atomic { v == 3 && swept == 3 -> break }
  od; assert(sub || nres) }
