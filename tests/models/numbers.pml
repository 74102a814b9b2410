/* numbers.pml - The number of a retained message (ARCHITECTURE.md, "Retained"): one topic, owner O, publishers on shards 0 and 1; the second writes after
 * the first one's acknowledgement.
 * The rule: one process-wide number, and O keeps the highest, live and in replay.  -DNCR=n  crashes
 * Fault:   WITHOUT_STAMP O takes what its lanes bring
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NCR
#define NCR 1
#endif
byte st[2]; byte lane[2]; byte vr, cr; byte vap[2], cap[2]; byte ncr;             /* st: 0 idle 1 journaled 2 acknowledged */
inline Take(w, x) {
#ifndef WITHOUT_STAMP
  if :: x > w -> w = x :: else fi
#else
  w = x
#endif
}
init { do
  :: atomic { st[0] == 0 -> st[0] = 1; lane[0] = 1 }
  :: atomic { st[0] == 1 -> st[0] = 2 }
  :: atomic { st[1] == 0 && st[0] == 2 -> st[1] = 1; lane[1] = 2 }
  :: atomic { st[1] == 1 -> st[1] = 2 }
  :: atomic { lane[0] -> Take(vr, 1); vap[0] = 1; lane[0] = 0 }
  :: atomic { lane[1] -> Take(vr, 2); vap[1] = 1; lane[1] = 0 }
  :: atomic { vr != cr || vap[0] != cap[0] || vap[1] != cap[1] -> cr = vr; cap[0] = vap[0]; cap[1] = vap[1] }
  :: atomic { ncr < NCR -> ncr++; vr = cr; vap[0] = cap[0]; vap[1] = cap[1]; lane[0] = (st[0] && !cap[0] -> 1 : 0); lane[1] = (st[1] && !cap[1] -> 2 : 0) }
  :: atomic { st[1] == 2 && !lane[0] && !lane[1] -> break }
  od; assert(vr == 2) }
