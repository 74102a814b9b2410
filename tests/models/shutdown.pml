/* shutdown.pml - Ending without loss (ARCHITECTURE.md, "Shutdown"): a connection on shard 0, perhaps stashed, a publish lane to shard 1, which owns the
 * group, a forward lane to shard 2, which may have a request open at shard 1. A pool job may hang until its deadline.
 * The rule: the order to take nothing in is itself answered; then control rounds; a shard answers only with no stash, no paused lane, no
 * waiting will; nobody leaves its loop before everybody has answered Flushed.
 * -DNOJOIN  no request is open    -DROUNDS=n  rounds after the first    -DCAP=n  entries of a lane
 * Faults:  ROUNDS=1   NOWAITSTASH answers although something waits   POOLFOREVER a job without deadline
 *          ONEPERTURN (with CAP=2) a turn drains one entry, not all that the snapshot saw
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifdef NOJOIN
#define JOINS 0
#else
#define JOINS 1
#endif
#ifndef CAP
#define CAP 1
#endif
#ifdef ONEPERTURN
#define DRAIN 1
#else
#define DRAIN CAP
#endif
#ifndef N
#define N 3
#endif
chan ctl[3] = [3] of { byte };            /* 0 NoIngress, 1.. rounds, 100 flush, 101 leave, 50 join request (to shard 1), 51 its answer (to shard 2) */
chan ans = [3] of { byte };
chan pub = [CAP] of { byte }; chan fwd = [CAP] of { byte };
byte stash, paused, acked, sent, queued, flushed = 255; bool asked, noingress, pooljob, joinOpen; byte gone; bool quiesced;
#define DIRTY(me) ((me==0 && stash!=0) || (me==1 && paused!=0) || (me==2 && owe==100 && joinOpen))
#ifdef NOWAITSTASH
#define CLEAN(me) true
#else
#define CLEAN(me) (!DIRTY(me))
#endif
proctype Shard(byte me) { byte m, x, k; bool have, left; byte owe = 255;
  do
  :: left -> break
  :: !left && (len(ctl[me])>0 || (me==0 && (stash && len(pub)<CAP || !noingress && !stash && sent<N)) || (me==1 && ((len(pub)>0 && !paused) || (paused && len(fwd)<CAP))) ||
       (me==2 && len(fwd)>0) || (owe!=255 && CLEAN(me)) || (me==2 && JOINS && !asked && owe!=100 && flushed==255)) ->
     have = len(ctl[me])>0;                                                       /* snapshot */
     k = DRAIN;                                                                    /* lanes, up to what the snapshot can have seen */
     do :: k > 0 -> k--; atomic {
        if :: me==2 -> if :: len(fwd)>0 -> fwd?m; queued++ :: else fi
           :: me==1 -> if :: paused && len(fwd)<CAP -> fwd!paused; paused = 0 :: else fi;
                       if :: !paused && len(pub)>0 -> pub?m; if :: len(fwd)<CAP -> fwd!m :: else -> paused = m fi :: else fi
           :: me==0 -> if :: stash && len(pub)<CAP -> pub!stash; stash = 0; acked++ :: else fi
        fi; m = 0 }
        :: k == 0 -> break od;
     if :: have -> ctl[me]?x;
           if :: x==50 -> assert(!(gone & 4)); ctl[2]!51
              :: x==51 -> joinOpen = 0
              :: x==101 -> left = 1
              :: x==100 -> atomic { if :: me==2 -> flushed = queued :: else fi };
#ifdef EARLYEXIT
                 left = 1; ans!me
#else
                 owe = 100
#endif
              :: else -> if :: x==0 && me==0 -> noingress = 1 :: else fi; owe = x
           fi; x = 0
        :: else fi;
     if :: owe!=255 && CLEAN(me) -> owe = 255; ans!me :: else fi;
     if :: me==0 && !noingress && !stash && sent<N -> atomic { sent++; if :: len(pub)<CAP -> pub!sent; acked++ :: else -> stash = sent fi }
        :: me==2 && JOINS && !asked && owe!=100 && flushed==255 && !left -> if :: true -> skip :: true -> asked = 1; joinOpen = 1; assert(!(gone & 2)); ctl[1]!50 fi
        :: else fi
  od; atomic { gone = gone | (1<<me); assert(!(me==2 && joinOpen)) } }
active proctype Pool() { pooljob = 1;
#ifdef POOLFOREVER
  if :: true -> pooljob = 0 :: true -> false fi
#else
  if :: true -> pooljob = 0 :: true -> pooljob = 0 /* deadline */ fi
#endif
}
active proctype Coordinator() { byte r, i, x;
  r = 0;
  do :: r <= ROUNDS -> 
        for (i : 0 .. 2) { ctl[i]!r } for (i : 0 .. 2) { ans?x } 
        if :: r==0 -> (!pooljob) :: else fi; r++
     :: else -> break od;
  atomic { quiesced = 1; assert(!stash && !paused && empty(pub) && empty(fwd)) };
  for (i : 0 .. 2) { ctl[i]!100 } for (i : 0 .. 2) { ans?x }
#ifndef EARLYEXIT
  for (i : 0 .. 2) { ctl[i]!101 }
#endif
  (gone == 7); assert(flushed == acked) }
init { atomic { run Shard(0); run Shard(1); run Shard(2) } }
ltl live { <> (gone == 7) }
