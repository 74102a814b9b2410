/* epoch.pml - Epochs and their receipt (ARCHITECTURE.md, "Epochs"). Shard 0 has the authors A, B and the owner of retained, shard 1 the reader R and
 * the logins. Epoch 0: A may publish. Epoch 1: A is revoked, B may. Epoch 2: R is revoked too.
 * A message is (author, version of its decision); copies wait in a stash, a lane, a queue, a retained page, a TLS record.
 * The rule: one thread numbers epochs and revocations and posts them; attach compares that number; the author is judged again only by a
 * shard that is newer than the message, the reader always; a pool job holds a counted reference; what is in a sealed record has begun.
 * Faults:  ANYCHANGE judged again whenever versions differ   TWOPOSTERS   NOATTACH   SLICED readers are left to the later sweep
 *          QUEUECHECK authors judged when queued, not when encoded   NOREF the answers free the old epoch
 *          TLSSTRICT a packet in a record begins when written; with AUTHORONLY only authors are looked at
 * SPDX-License-Identifier: Apache-2.0 */
#define MAYPUB(a,e) ((a)==0 -> (e)==0 : (e)>=1)
#define MAYRCV(e) ((e)<2)
byte own[2]; byte receipt; bool freed[3]; byte refs;
chan ctl0 = [2] of { byte }; chan ctl1 = [2] of { byte }; chan ans = [4] of { byte };
chan stash = [1] of { byte, byte }; chan lane = [1] of { byte, byte }; chan queue = [2] of { byte, byte };
byte rec, recA[2]; bool loginDone, attached; byte loginEp; byte ret, retv; bool rets; byte judged; bool swept;
#define CHECK(e) (receipt >= (e))
inline start(a, v) {                      /* a packet begins: promises of every receipt out so far */
  assert(!(CHECK(1) && a==0));
#ifndef AUTHORONLY
  assert(!CHECK(2))
#else
  skip
#endif
}
inline adopt(me, ch) { if :: ch?e -> 
#ifdef TWOPOSTERS
        own[me] = e
#else
        if :: e > own[me] -> own[me] = e :: else fi
#endif
        ; ans!e :: empty(ch) fi }
inline ok(a, v, r) {                      /* the author's part, at shard 1 */
#ifdef ANYCHANGE
  if :: v == own[1] -> r = 1 :: else -> r = MAYPUB(a, own[1]) fi;
#else
  if :: v >= own[1] -> r = 1 :: else -> r = MAYPUB(a, own[1]) fi;
#endif
  /* accepted under v and withheld: only a policy newer than v may do that */
  assert(r || own[1] > v) }
proctype Shard0() { byte e, n, a, v;
  end: do
  :: atomic { nempty(ctl0) -> adopt(0, ctl0) }
  :: atomic { n < 2 && empty(stash) -> n++; if :: a = 0 :: a = 1 fi; if :: MAYPUB(a, own[0]) -> if :: stash!a,own[0] :: ret = a+1; retv = own[0] fi :: else fi; a = 0 }
  :: atomic { nempty(stash) && len(lane)==0 -> stash?a,v; lane!a,v; a = 0; v = 0 }
  :: atomic { ret && !rets && len(lane)==0 -> rets = 1; lane!ret-1,retv }          /* a retained page, stored under an older version */
  od }
proctype Shard1() { byte e, a, v, i; bool r;
  end: do
  :: atomic { nempty(ctl1) -> adopt(1, ctl1) }
  :: atomic { nempty(lane) && len(queue)<2 -> lane?a,v; 
#ifdef QUEUECHECK
       ok(a,v,r); if :: r -> queue!a,v :: else fi; r = 0; a = 0; v = 0 }
#else
       queue!a,v; a = 0; v = 0 }
#endif
  :: atomic { nempty(queue) && rec < 2 -> queue?a,v;                                  /* encode at flush, into the record */
#ifdef QUEUECHECK
       r = 1;
#else
       ok(a,v,r);
#endif
#ifdef SLICED
       if :: swept -> r = 0 :: else fi;
#else
       r = r && MAYRCV(own[1]);
#endif
       if :: r -> recA[rec] = a; rec++;
#ifndef TLSSTRICT
          start(a,v)
#endif
          :: else fi; a = 0; v = 0; r = 0 }
  :: atomic { rec > 0 -> for (i : 0 .. 1) { if :: i < rec ->                          /* the record goes out, later */
#ifdef TLSSTRICT
          if :: i > 0 -> start(recA[i],0) :: else fi          /* the first packet had started */
#else
          skip
#endif
          :: else fi } rec = 0; recA[0] = 0; recA[1] = 0; i = 0 }
  :: atomic { own[1]==2 && !swept -> swept = 1 }
  :: atomic { loginDone && !attached -> attached = 1;                                  /* R's login, granted under loginEp */
#ifndef NOATTACH
       if :: loginEp == own[1] -> r = 1 :: else -> r = MAYRCV(own[1]) fi;
#else
       r = 1;
#endif
       assert(!(CHECK(2) && r)); r = 0 }
  od }
proctype Pool() { byte e; atomic { e = own[1]; refs = refs + 1; judged = e + 1 }       /* decides under the epoch of the time, slowly */
  atomic { assert(!freed[e]); loginEp = e; if :: MAYRCV(e) -> loginDone = 1 :: else fi; refs = refs - 1 ; judged = 0 } }
proctype Admin() { byte x, k;
#ifdef TWOPOSTERS
  ctl0!1; ctl1!2; ctl0!2; ctl1!1; ans?x; ans?x; ans?x; ans?x; receipt = 2
#else
  ctl0!1; ctl1!1; ans?x; ans?x; receipt = 1;
#ifdef NOREF
  freed[0] = 1;
#else
  atomic { judged != 1 -> freed[0] = 1 };
#endif
  ctl0!2; ctl1!2; ans?x; ans?x; receipt = 2
#endif
}
init { atomic { run Shard0(); run Shard1(); run Pool(); run Admin() } }
