/* retained.pml - Retained messages (ARCHITECTURE.md, "Retained"): publishers P1 and P2 on two shards, owner shard O, shard S of client X, which
 * subscribes once and pulls two pages by credit. Value v counts publishes in the order they began; pred[v] holds the values that
 * were acknowledged before v began. A value may be a deletion.
 * The rule: take a number, push to the owner, then walk the route, push to the subscribers, acknowledge. O keeps the highest number; a
 * deletion stays as a tombstone. X drops a scanned copy only if it got a live one with a number as high since its oldest request.
 * S reads the tail of `forward`, drains `publish`, then `forward` up to that tail.
 * -DRESETALL  the set of live topics is cleared at each page request
 * Faults:  ROUTEFIRST walk, then the owner   SUBFIRST, SUBFIRST2 subscribers before the owner   ASWRITTEN O stores in order of arrival
 *          DROPALL any live one drops the copy   NODEDUP   NOTOMB a deletion is forgotten   FWDFIRST S drains `forward` first
 *          NODRAIN O serves a scan without draining   CONVERGE asks for more than is promised: all subscribers end alike
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K
#define K 2                               /* publishes of P1; P2 has one */
#endif
#define MAXV 4
chan po[2] = [1] of { byte }; chan ps[2] = [1] of { byte };    /* publish lanes to O and S */
chan fwd = [1] of { byte, byte };                              /* O -> S: page number, value (0 = none) */
chan req = [2] of { byte };                                    /* control inbox of O: page wanted */
byte nv; byte pred[MAXV]; bool del[MAXV]; byte ackm;           /* ghosts, bit v-1 */
bool bX; byte store, high;                                     /* interest; owner's value (0 none) and its seq */
byte seen; byte livem, gotm, scanm;                                   /* X: highest seq live since, values got live, values got at all */
byte ackAtSub, lastv; bool scandone, subd; byte pubs;
byte here;                                                     /* page that holds the topic */
#define B(v) (1<<((v)-1))
#define OLDER(a,b) ((a)!=0 && (b)!=0 && (pred[b] & B(a)))      /* a was acknowledged before b began */

proctype P(byte me) { byte v, n; bool r;
  do
  :: n < (me==0 -> K : 1) -> n++; atomic { nv++; v = nv; pred[v] = ackm; if :: del[v] = 0 :: del[v] = 1 fi };
#ifdef ROUTEFIRST
     r = bX;
#endif
#ifdef SUBFIRST
     r = bX; if :: r -> ps[me]!v :: else fi;
#endif
#ifdef SUBFIRST2
     r = bX; if :: r -> ps[me]!v :: else fi;
#endif
     po[me]!v;                                                 /* blocks: stash and suspension of this connection */
#ifndef SUBFIRST
#ifdef SUBFIRST2
     r = (bX && !r);                                           /* only if it was not sent above */
#else
#ifndef ROUTEFIRST
     r = bX;
#endif
#endif
     if :: r -> ps[me]!v :: else fi;
#endif
     atomic { ackm = ackm | B(v); v = 0; r = 0 }
  :: n == (me==0 -> K : 1) -> n = 0; break
  od; pubs++ }

inline put(v) {
#ifdef ASWRITTEN
  store = (del[v] -> 0 : v); high = v
#else
  if :: v > high -> store = (del[v] -> 0 : v);
#ifdef NOTOMB
        high = store
#else
        high = v
#endif
     :: else fi
#endif
}
proctype O() { byte v, w, i; bool have;
  end: do
  :: atomic { nempty(req) || nempty(po[0]) || nempty(po[1]) };
     have = nempty(req);                                       /* snapshot */
#ifdef NODRAIN
     if :: have -> req?w; fwd!w,(w==here -> store : 0) :: else fi; have = 0;
#endif
     atomic { if :: po[0]?v -> put(v) :: empty(po[0]) fi };
     atomic { if :: po[1]?v -> put(v) :: empty(po[1]) fi };
     if :: have -> atomic { req?w; fwd!w,(w==here -> store : 0) } :: else fi;      /* page built now */
     atomic { v = 0; w = 0; have = 0 }
  od }

inline live(v) { if :: subd -> assert(!OLDER(v, lastv) || (B(lastv) & livem)); /* no older live after a newer retained copy */
     livem = livem | B(v); gotm = gotm | B(v); lastv = v; 
     if :: v > seen -> seen = v :: else fi :: else fi }
inline page(w, v) {
     if :: v != 0 ->
#ifdef NODEDUP
           if :: true ->
#else
#ifdef DROPALL
           if :: seen == 0 ->
#else
           if :: v > seen ->
#endif
#endif
                 for (i : 1 .. nv) { assert(!((ackAtSub & B(i)) && OLDER(v,i)));        /* read your writes */
                                     assert(!((livem & B(i)) && OLDER(v,i))) }          /* no older retained after a newer live */
                 gotm = gotm | B(v); scanm = scanm | B(v); lastv = v
              :: else fi
        :: else fi;
     if :: w == 1 ->
#ifdef RESETALL
           seen = 0;
#endif
           req!2
        :: else -> scandone = 1 fi }
proctype S() { byte v, w, i, f;
  end: do
  :: atomic { !subd -> subd = 1; ackAtSub = ackm; bX = 1; seen = 0; req!1 }
  :: atomic { subd && (nempty(fwd) || nempty(ps[0]) || nempty(ps[1])) };
#ifdef FWDFIRST
     atomic { if :: fwd?w,v -> page(w,v) :: empty(fwd) fi };
     atomic { if :: ps[0]?v -> live(v) :: empty(ps[0]) fi }; atomic { if :: ps[1]?v -> live(v) :: empty(ps[1]) fi };
#else
     f = len(fwd);
     atomic { if :: ps[0]?v -> live(v) :: empty(ps[0]) fi }; atomic { if :: ps[1]?v -> live(v) :: empty(ps[1]) fi };
     if :: f > 0 -> atomic { fwd?w,v -> page(w,v) } :: else fi;
#endif
     atomic { f = 0; v = 0; w = 0; i = 0 }
  od }
proctype End() { byte i;
  atomic { (pubs==2 && scandone && empty(po[0]) && empty(po[1]) && empty(ps[0]) && empty(ps[1]) && empty(fwd) && empty(req));
    if :: store != 0 -> assert(gotm & B(store))                              /* no retained lost */
       :: store == 0 && high != 0 -> assert((scanm == 0 || (livem & B(high))) && !(OLDER(lastv,high) && !(livem & B(high))))   /* X learns of the deletion of what it got */
       :: else
    fi;
#ifdef CONVERGE
    assert(lastv == high || lastv == 0);
#endif
    for (i : 1 .. nv) { assert(!OLDER(high, i)) } } }                        /* the store ends with a value that no later one follows */
init { atomic { if :: here = 1 :: here = 2 fi; run P(0); run P(1); run O(); run S(); run End() } }
