/* subscribe.pml - What is published after SUBACK arrives (ARCHITECTURE.md, "Routing"): interest bits, generations, route caches, lazy removal.
 * S is the shard of sessions X and Y (one filter). P is the shard of a publisher with a route cache.
 * The rule: S inserts, sets the bit, moves the generation, acknowledges; every insert moves it. P reads the generation before it
 * walks and keeps that value with the route. A bit falls only in a turn of S, under the mutex, when S counts no filter of that path.
 * -DGROUP  X joins a shared group owned by shard O: O sets its own bit and moves the generation, and SUBACK waits for its answer
 * Faults:  GENAFTER generation read after the walk   GENFIRST moved before the bit   BUMPONCHANGE moved only if the bit was new
 *          NOBUMP never moved   SWEEPER another thread clears bits   CLEARBYFILTER cleared per filter, not per path
 *          NOWAIT (with GROUP) SUBACK at once
 * SPDX-License-Identifier: Apache-2.0 */
byte gen; bool ibit;                       /* of the filter: S's ibit, or O's ibit with GROUP */
bool subX, subY, marked;                  /* S's exact trie */
byte ackX, ackY;                          /* number of the acknowledged subscription, 0 after UNSUBSCRIBE */
byte cgen = 255; bool croute;             /* P's cache: generation, route includes the shard */
byte lgen = 255; bool lX, lY;             /* S's own cached local routes */
chan lane = [1] of { byte, byte };        /* must X, must Y */
chan join = [1] of { bool }; chan joined = [1] of { bool }; bool inO;

inline setbit(isnew) {
#ifdef GENFIRST
  gen++;
#endif
  isnew = !ibit; ibit = 1;
#ifndef GENFIRST
#ifdef NOBUMP
  skip
#else
#ifdef BUMPONCHANGE
  if :: isnew -> gen++ :: else fi
#else
  gen++
#endif
#endif
#endif
}
#define LOCALS ((subX -> 1 : 0) + (subY -> 1 : 0))
inline receive(mx, my) {                  /* S drains one lane entry: local routes by cache */
  if :: lgen == gen -> skip :: else -> atomic { lgen = gen; lX = subX; lY = subY } fi;
  assert(!mx || lX || ackX!=mx); assert(!my || lY || ackY!=my) }

proctype S() { bool n; byte mx, my, i;
  do
  :: lane?mx,my -> receive(mx,my)
  :: i < 4 && !subX -> i++; subX = 1; setbit(n); ackX = i                     /* a turn of S: steps visible to P one by one */
  :: i < 4 && !subY -> i++; subY = 1; setbit(n); ackY = i
  :: i < 4 && subX && ackX -> i++; ackX = 0; subX = 0;
#ifdef CLEARBYFILTER
     marked = 1
#else
     if :: LOCALS==0 -> marked = 1 :: else fi
#endif
#ifndef SWEEPER
  :: marked -> marked = 0;                                                      /* lazy removal in a later turn of S */
#ifdef CLEARBYFILTER
     ibit = 0; gen++
#else
     if :: LOCALS==0 -> ibit = 0; gen++ :: else fi
#endif
#endif
  :: i == 4 && empty(lane) -> end: lane?mx,my; receive(mx,my)
  od }
#ifdef SWEEPER
active proctype Sweep() { end: do :: marked -> marked = 0; if :: LOCALS==0 -> ibit = 0; gen++ :: else fi od }
#endif
proctype P() { bool r; byte mx, my, i, g;
  do
  :: i < 3 -> i++; atomic { mx = ackX; my = ackY };                             /* the publish begins */
#ifdef GENAFTER
     if :: cgen == gen -> r = croute :: else -> r = ibit; g = gen; cgen = g; croute = r fi;
#else
     g = gen; if :: cgen == g -> r = croute :: else -> r = ibit; cgen = g; croute = r fi;
#endif
#ifdef GROUP
     assert(!mx || r); if :: r -> lane!mx,my :: else fi
#else
     assert((!mx || r || ackX!=mx) && (!my || r || ackY!=my)); if :: r -> lane!mx,my :: else fi
#endif
  :: i == 3 -> break
  od }
#ifdef GROUP
proctype M() {                            /* member's shard */
  bool x; join!1;
#ifndef NOWAIT
  joined?x;
#endif
  ackX = 1
#ifdef NOWAIT
  ; joined?x
#endif
}
proctype O() { bool x, n, have; byte mx, my; 
  end: do :: atomic { nempty(join) || nempty(lane) };                           /* turn: snapshot inbox, drain lanes, serve */
       have = nempty(join);
       do :: lane?mx,my -> assert(!mx || inO) :: empty(lane) -> break od;
       if :: have -> join?x; inO = 1; setbit(n); joined!1 :: else fi od }
init { atomic { run M(); run O(); run P() } }
#else
init { atomic { run S(); run P() } }
#endif
