/* lanes.pml - Lanes between shards (ARCHITECTURE.md, "Lanes"): the rings `publish` and `forward`, the stash of a suspended connection, shared
 * groups, wills. Shard g owns group g, whose member lives on the next shard; each shard has one plain subscriber; there is one topic.
 * Waking a shard is a flag here; wake.pml looks into it.
 * The rule: a connection has at most one message whose pushes are incomplete, and each ring has one queue of waiters (messages,
 * wills, paused lanes) that everybody joins. Claims: nothing lost, doubled or out of order; with `live`, everything arrives.
 * -DCLOSE  connection 1 may die while suspended, its will follows      -DINF  publisher 0 never ends (is another one starved?)
 * Faults:  NOFIFO whoever sees room pushes   STASH=n one bounded stash per ring   DROP a stashed message dies with its connection
 *          REDO a paused entry starts again from its beginning   NOWAKE the consumer forgets to wake   EARLYACK acknowledged when stashed
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NS
#define NS 2
#endif
#ifndef CAP
#define CAP 1
#endif
#ifndef N
#define N 2
#endif
#define NP 3
#if NS==2
#define HOME(c) ((c)/2)          /* connections 0,1 on shard 0; 2 on shard 1 */
#else
#define HOME(c) (c)
#endif
#define PR(s,t) ((s)*NS+(t))
#define FR(s,t) (NS*NS+(s)*NS+(t))
#define NR (2*NS*NS)
#define DST(r) ((r)%NS)
#define MEM(g) (((g)+1)%NS)
#define LANE 10                  /* waiter ids: connection, LANE+source, WILL+connection */
#define WILL 20
#ifdef INF
#define MOD(x) ((x)%4)
#define MORE(c) ((c)==0 || next[c]<N)
#define CNT(x) skip
#define INFINITE 1
#else
#define MOD(x) (x)
#define MORE(c) (next[c]<N)
#define CNT(x) x
#define INFINITE 0
#endif
chan ring[NR] = [CAP] of { byte, byte };
chan W[NR] = [6] of { byte };
bool stall[NR], wake[NS], paused[NS*NS], closed[NP];
byte lc[NS*NS], lq[NS*NS];                    /* entry a paused lane holds */
byte next[NP], npend[NP], acked[NP], wpend, wq;    /* w*: the will of connection 1 */
byte gotp[NS*NP], gotg[NS*NP];
byte nd, ne, fin;
#define done (fin==NP && nd==ne)

inline plain(S_,C_,Q_) { assert(Q_ == gotp[(S_)*NP+C_]); gotp[(S_)*NP+C_] = MOD(Q_+1); CNT(nd++) }
inline group(G_,C_,Q_) { assert(Q_ == gotg[(G_)*NP+C_]); gotg[(G_)*NP+C_] = MOD(Q_+1); CNT(nd++) }
#ifdef NOFIFO
#define MAYPUSH(r) (len(ring[r])<CAP)
#else
#define MAYPUSH(r) (len(ring[r])<CAP && len(W[r])==0)
#endif
inline push(R_,W_,C_,Q_,CNT_) {       /* never waits */
  if :: MAYPUSH(R_) -> ring[R_]!C_,Q_; wake[DST(R_)] = 1
     :: else ->
#ifdef STASH
        assert(len(W[R_]) < STASH);
#endif
        W[R_]!W_; stall[R_] = 1; CNT_++
  fi }
inline finish(C_) { if :: !(MORE(C_) && C_==0 && INFINITE) -> acked[C_]++ :: else fi; next[C_] = MOD(next[C_]+1); if :: !MORE(C_) -> fin++ :: else fi }

inline publish(ME_,C_) {           /* one decoded PUBLISH */
  CNT(ne = ne + 2*NS); q = next[C_];
  for (t : 0 .. NS-1) { r = PR(ME_,t); if :: t!=ME_ -> push(r, C_, C_, q, npend[C_]) :: else fi }
  plain(ME_,C_,q); r = FR(ME_,MEM(ME_)); push(r, C_, C_, q, npend[C_]);
#ifdef EARLYACK
  acked[C_]++; assert(npend[C_]==0); acked[C_]--;
#endif
  if :: npend[C_]==0 -> finish(C_) :: else fi }

inline drainF(ME_,T_) {
  r = FR(T_,ME_); k = len(ring[r]);
  do :: k>0 -> ring[r]?c,q; group(T_,c,q); k--;
#ifndef NOWAKE
        if :: stall[r] -> stall[r]=0; wake[T_]=1 :: else fi
#endif
     :: else -> break od }

inline drainP(ME_,T_) {
  r = PR(T_,ME_); k = len(ring[r]);
#ifdef REDO
  if :: paused[PR(T_,ME_)] && len(W[FR(ME_,MEM(ME_))])==0 -> paused[PR(T_,ME_)]=0; k++ :: else fi;
#endif
  do :: k>0 && !paused[PR(T_,ME_)] -> 
        ring[r]?c,q; k--;
        if :: stall[r] -> stall[r]=0; wake[T_]=1 :: else fi;
        plain(ME_,c,q); w = 0;
        push(FR(ME_,MEM(ME_)), LANE+T_, c, q, w);
        if :: w>0 -> paused[PR(T_,ME_)]=1; lc[PR(T_,ME_)]=c; lq[PR(T_,ME_)]=q :: else fi
     :: else -> break od }

inline retry(ME_) {               /* the waiters of my rings, oldest first */
  for (k : 0 .. NR-1) {
    if :: (k%(NS*NS))/NS == ME_ ->
       do :: len(W[k])>0 && len(ring[k])<CAP -> W[k]?w; wake[DST(k)]=1;
             if :: w<LANE -> ring[k]!w,next[w]; npend[w]--;
                   if :: npend[w]==0 && !closed[w] -> finish(w) :: else fi
                :: w>=LANE && w<WILL -> t = w-LANE; ring[k]!lc[PR(t,ME_)],lq[PR(t,ME_)]; paused[PR(t,ME_)]=0;
#ifdef REDO
                   plain(ME_,lc[PR(t,ME_)],lq[PR(t,ME_)]);
#endif
                :: else -> ring[k]!1,wq; wpend--; if :: wpend==0 -> fin++ :: else fi
             fi
          :: else -> if :: len(W[k])>0 -> stall[k]=1 :: else fi; break od
    :: else fi } }

proctype Shard(byte me) {
  byte t, r, c, q, k, w; bool busy;
  do :: 
     d_step { wake[me] = 0; for (t : 0 .. NS-1) { if :: t!=me -> drainF(me,t) :: else fi } }
     d_step { for (t : 0 .. NS-1) { if :: t!=me -> drainP(me,t) :: else fi } }
     d_step { retry(me) }
#ifdef CLOSE
     if :: HOME(1)==me && npend[1]>0 && !closed[1] -> d_step { closed[1] = 1; wq = next[1]+1; ne = ne + 2*NS;
#ifdef DROP
             for (k : 0 .. NR-1) { c = len(W[k]); do :: c>0 -> W[k]?w; c--; if :: w!=1 -> W[k]!w :: else fi :: else -> break od } npend[1] = 0;
#endif
             for (t : 0 .. NS-1) { r = PR(me,t); if :: t!=me -> push(r, WILL+1, 1, wq, wpend) :: else fi }
             plain(me,1,wq); r = FR(me,MEM(me)); push(r, WILL+1, 1, wq, wpend);
             if :: wpend==0 -> fin++ :: else fi }
        :: true fi;
#endif
     d_step { for (k : 0 .. NP-1) { if :: HOME(k)==me && npend[k]==0 && MORE(k) && !closed[k] -> publish(me,k) :: else fi } }
     d_step { busy = 0;
       for (t : 0 .. NS-1) { if :: t!=me && (len(ring[FR(t,me)])>0 || (len(ring[PR(t,me)])>0 && !paused[PR(t,me)])) -> busy=1 :: else fi }
       for (k : 0 .. NP-1) { if :: HOME(k)==me && npend[k]==0 && MORE(k) && !closed[k] -> busy=1 :: else fi } c=0;q=0;k=0;w=0;t=0;r=0 }
     if :: busy -> busy=0 :: else -> end: wake[me] fi
  od }
init { atomic { byte i; for (i : 0 .. NS-1) { run Shard(i) } } }
#ifdef INF
ltl live { <> (acked[2]==N) }
#else
ltl live { <> done }
#endif
