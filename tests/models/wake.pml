/* wake.pml - How a sleeping shard is woken (ARCHITECTURE.md, "Lanes"), under total store order: a plain store stays in its thread's buffer until
 * that drains or an exchange flushes it. Shard B consumes a lane with room for one (producer: shard A) and an inbox (A and C post).
 * The rule: to notify, exchange(state, NOTIFIED), and write the eventfd if it was SLEEPING; a turn begins with exchange(state, AWAKE);
 * before waiting exchange(state, SLEEPING), and another turn if that was NOTIFIED. At a full ring exchange(stalled, 1), one more try,
 * then sleep; the consumer does exchange(stalled, 0) after a batch and notifies if it was 1. W retires memory: unlink, fence, look.
 * Faults:  LOADSTATE, SKIPNOTIFIED read the state and leave the exchange out (not SLEEPING; NOTIFIED already)
 *          TWOSTATE no third state   NORETRY no second try   LOADSTALL, PLAINSTALL `stalled` without exchange
 *          BLINDSLEEP overlooks NOTIFIED   LATEAWAKE drains before it says AWAKE   NOFENCE the retiring writer has none
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef N
#define N 2
#endif
mtype = { AWAKE, SLEEPING, NOTIFIED };
mtype st[2] = AWAKE;                      /* 0 = A, 1 = B */
bool ev[2]; byte writes[2];               /* eventfd, winners since the last exchange(SLEEPING) */
byte tail, head; bool stalled; byte inbox; byte got, goti;
byte sbt, sbh; bool sbtV, sbhV, sbsV;     /* store buffers: A.tail, B.head, A.stalled */
bool ptr = 1, freed, using; byte turnB;
#define FLUSHA  if :: sbtV -> tail=sbt; sbtV=0 :: else fi; if :: sbsV -> stalled=1; sbsV=0 :: else fi
#define FLUSHB  if :: sbhV -> head=sbh; sbhV=0 :: else fi
active proctype DrainBuffers() {          /* the memory system: FIFO per thread is trivial, A has tail before stalled */
  end: do :: atomic { sbtV -> tail=sbt; sbtV=0 } :: atomic { sbsV && !sbtV -> stalled=1; sbsV=0 } :: atomic { sbhV -> head=sbh; sbhV=0 } od }

inline notify(i, o, seen) {
#ifdef TWOSTATE
  atomic { if :: o==0 -> FLUSHA :: o==1 -> FLUSHB :: else fi }; seen = st[i];
  if :: seen == SLEEPING -> atomic { writes[i]++; assert(writes[i] <= 1); ev[i] = 1 } :: else fi
#else
#ifdef LOADSTATE
  seen = st[i];
  if :: seen != SLEEPING -> skip :: else ->
#endif
#ifdef SKIPNOTIFIED
  seen = st[i];
  if :: seen == NOTIFIED -> skip :: else ->
#endif
  atomic { if :: o==0 -> FLUSHA :: o==1 -> FLUSHB :: else fi; seen = st[i]; st[i] = NOTIFIED;
    if :: seen == SLEEPING -> writes[i]++; assert(writes[i] <= 1) :: else fi }   /* one winner per sleep; its write may come late */
  if :: seen == SLEEPING -> ev[i] = 1 :: else fi
#if defined(LOADSTATE) || defined(SKIPNOTIFIED)
  fi
#endif
#endif
}
inline sleep(i, o, seen) {
  atomic { if :: o==0 -> FLUSHA :: else -> FLUSHB fi; seen = st[i]; st[i] = SLEEPING; writes[i] = 0 }
#ifdef BLINDSLEEP
  atomic { ev[i] -> ev[i] = 0 }
#else
  if :: seen == NOTIFIED -> skip :: else -> atomic { ev[i] -> skip } fi
#endif
}
inline wakeup(i, o) {
  atomic { if :: o==0 -> FLUSHA :: else -> FLUSHB fi; st[i] = AWAKE };
  if :: ev[i] -> ev[i] = 0 :: else fi
}
active proctype A() { mtype x; byte n = 0, h;      /* sends N messages through the lane, one post to the inbox */
  do
  :: wakeup(0,0);
     do :: n < N -> h = head;
           if :: n - h < 1 -> n++; atomic { if :: sbtV -> tail=sbt :: else fi; sbt = n; sbtV = 1 }; notify(1,0,x)
              :: else ->
#ifdef PLAINSTALL
                 sbsV = 1;
#else
                 atomic { FLUSHA; stalled = 1 };
#endif
#ifndef NORETRY
                 h = head; if :: n - h < 1 -> skip :: else -> break fi
#else
                 break
#endif
           fi
        :: n == N -> break od;
     if :: n == N -> break :: else fi;
     sleep(0,0,x)
  od;
  atomic { FLUSHA; inbox++ }; notify(1,0,x) }      /* MPSC push is itself an exchange */
active proctype C() { mtype x; atomic { inbox++ }; notify(1,2,x) }
active proctype B() { mtype x; byte t, k, s;
  do
  ::
#ifdef LATEAWAKE
     goti = goti + inbox; inbox = 0; t = tail; wakeup(1,1);
#else
     wakeup(1,1); atomic { goti = goti + inbox; inbox = 0 }; t = tail;
#endif
     using = ptr; if :: using -> assert(!freed) :: else fi; 
     if :: using -> assert(!freed); using = 0 :: else fi;    /* the turn reads the trie */
     if :: t > got -> got = t; atomic { FLUSHB; sbh = t; sbhV = 1 };
#ifdef LOADSTALL
           s = stalled; if :: s -> stalled = 0 :: else fi;
#else
           atomic { FLUSHB; s = stalled; stalled = 0 };
#endif
           if :: s -> notify(0,1,x) :: else fi
        :: else fi;
     turnB = 1 - turnB;
     if :: got==N && goti==2 -> break :: else fi;
     sleep(1,1,x)
  od }
bool wb; byte wt; mtype ws;
active proctype Wr() {                             /* QSBR writer on a third thread */
#ifdef NOFENCE
  wb = 1; ws = st[1]; wt = turnB;                  /* unlink still in the store buffer */
  if :: ws == SLEEPING -> freed = 1; ptr = 0 :: else -> ptr = 0; endw: atomic { turnB != wt || st[1]==SLEEPING -> freed = 1 } fi
#else
  ptr = 0; wt = turnB; ws = st[1];
  if :: ws == SLEEPING -> freed = 1 :: else -> endx: atomic { (turnB != wt || st[1]==SLEEPING) -> freed = 1 } fi
#endif
}
ltl live { <> (got==N && goti==2) }
