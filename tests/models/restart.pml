/* restart.pml - Subscriptions across a restart (ARCHITECTURE.md, "Routing"): SUBSCRIBE on shard B, a publish on shard A after the SUBACK, A's route
 * cache, crash and replay. B: insert, interest bit, generation, record committed, SUBACK.
 * The rule: no listener accepts before every shard has replayed.
 * Faults:  WITHOUT_OPEN each shard accepts when it is ready   GENAFTER generation read after the scan   SUBUNGATED SUBACK before the commit
 *          BITLATE the bit after SUBACK
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NCR
#define NCR 1
#endif
bit vs, bt, wr, co, sa; byte g = 1;               /* B: trie, interest bit, record written/committed, SUBACK; g generation */
byte cg, cbit; byte sg; bit sb; byte a;           /* A: cache (generation, bit); steps of a publish: 0 idle 1 gen read 2 scanned */
bit useC; byte np; bit after, rec, got, ack; bit upA = 1, upB = 1; byte ncr;
init { do
  :: atomic { upB && !vs && !wr -> vs = 1 }                                             /* SUBSCRIBE */
#ifndef BITLATE
  :: atomic { upB && vs && !bt -> bt = 1; wr = 1 }                                      /* trie bit; record appended */
  :: atomic { upB && bt && g == 1 -> g = 2 }                                            /* generation */
#define READY (g == 2)
#else
  :: atomic { upB && vs && !bt && sa -> bt = 1; g = 2 }
  :: atomic { upB && vs && !wr -> wr = 1 }
#define READY wr
#endif
  :: atomic { wr && !co -> co = 1 }
#ifdef SUBUNGATED
  :: atomic { upB && READY && !sa -> sa = 1 }
#else
  :: atomic { upB && READY && co && !sa -> sa = 1 }
#endif
  /* A publishes twice at most; what begins after the SUBACK must arrive */
  :: atomic { upA && a == 0 && np < 2 && !ack -> np++; after = sa; useC = (cg == g);
#ifdef GENAFTER
       a = 1 }
  :: atomic { upA && a == 1 -> sb = bt; a = 2 }
  :: atomic { upA && a == 2 -> sg = g; a = 3 }
#else
       sg = g; a = 1 }
  :: atomic { upA && a == 1 -> sb = bt; a = 3 }
#endif
  :: atomic { upA && a == 3 -> if :: useC -> sb = cbit :: else -> cg = sg; cbit = sb fi; if :: sb -> rec = 1 :: else fi; a = 0;
       if :: after -> ack = 1 :: else rec = 0 fi; sb = 0; sg = 0; useC = 0 }             /* commit, PUBACK */
  :: atomic { rec && upA && upB && !got && ncr <= NCR -> got = vs }                      /* routed, or routed again */
  :: atomic { ncr < NCR -> ncr++; upA = 0; upB = 0; vs = 0; bt = 0; g = 1; cg = 0; a = 0; sb = 0; sg = 0; useC = 0; if :: wr && !co -> if :: co = 1 :: wr = 0 fi :: else fi }
  :: atomic { !upB -> upB = 1; vs = co; bt = co; if :: co -> g = 2 :: else fi }          /* B has replayed */
#ifndef WITHOUT_OPEN
  :: atomic { !upA && upB -> upA = 1 }
#else
  :: atomic { !upA -> upA = 1 }
#endif
  :: atomic { ack && upA && upB && (got || !rec || !vs) -> break }
  :: atomic { np == 2 && !ack && a == 0 -> goto end }
  od;
  assert(got);
end: skip }
