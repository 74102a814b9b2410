/* takeover.pml - Takeover and loading (ARCHITECTURE.md, "A CONNECT"): one client id, principals 0 and 1 (so two session keys), two shards. A CONNECT may
 * be rewritten to the id by its realm on the other shard and move once more. Clean start, expiry and will are chosen as late as read.
 * The rules: a CONNECT below the highest connect_seq that ever attached is closed without an answer; one read per session key at a
 * time, and what arrives meanwhile is applied to the answer.
 * -DOWNED  one id space, the other principal is turned away
 * Faults:  WITHOUT_SEQ, NOSEQ no such number, or only while somebody is attached   WITHOUT_LOAD an answer replaces what is in memory
 *          PREAUTH the old connection falls before the new one is granted   NOMOVE attach on the wrong shard   WILLKEPT a resumed will fires
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NC
#define NC 3              /* CONNECTs  */
#endif
#ifndef NM
#define NM 1              /* messages that arrive for the session */
#endif
#define NK 2
mtype = { NEW, MOVE, PIPE, MOVE2, LOAD, READ, ATT, GONE };
typedef Sess { bit ex; byte q; byte ver; byte exp; byte will };   /* will = conn+1 whose delayed will waits */
mtype st[NC]; byte seq[NC]; bit key[NC]; bit pr[NC]; bit sh[NC];
Sess disk[NK]; Sess blob[NC]; bit hot[NK];
byte att[4];              /* [shard*2+key] = conn+1 */
byte aexp[NK], awill[NK]; /* of the attached connection: expiry 0|1, will 0 none 1 at once 2 delayed */
byte maxatt[NK], nseq, nm, own[NK];
/* ghosts = the standard, told by events only */
bit gex[NK]; byte gq[NK], gw[NK], gown[NK]; byte must[NC]; byte fired[NC];   /* must: 1 fire 2 never */
byte i, k, o, cl, ex, wi, w; bit sp;

inline Fire(c) { assert(must[c] == 1); assert(fired[c] == 0); fired[c]++ }
inline Put(kk) { disk[kk].ver++ }
inline GEnd(kk) {                                   /* ghost: session ends */
  if :: gw[kk] -> must[gw[kk]-1] = 1; gw[kk] = 0 :: else fi; gex[kk] = 0; gq[kk] = 0 }
inline End(kk) {                                    /* broker: session ends */
  if :: disk[kk].will -> w = disk[kk].will-1; Fire(w); disk[kk].will = 0 :: else fi;
  disk[kk].ex = 0; disk[kk].q = 0; hot[kk] = 0; Put(kk) }
inline CloseAtt(c, kk, normal) {                    /* network connection of attached c closes */
  if :: awill[kk] && normal -> must[c] = 2
     :: awill[kk] == 1 && !normal -> must[c] = 1; Fire(c)
     :: awill[kk] == 2 && !normal -> gw[kk] = c+1; disk[kk].will = c+1; Put(kk)
     :: else fi;
  att[sh[c]*2+kk] = 0; st[c] = GONE;
  if :: aexp[kk] == 0 -> GEnd(kk); End(kk) :: else fi; awill[kk] = 0 }

inline Attach(c) {
  k = key[c]; o = att[sh[c]*2+k];
  if
#ifndef WITHOUT_SEQ
  :: maxatt[k] > seq[c] -> st[c] = GONE
#else
#ifndef NOSEQ
  :: o && seq[o-1] > seq[c] -> st[c] = GONE
#endif
#endif
#ifdef OWNED
  :: gex[k] && gown[k] != pr[c] && !(o && seq[o-1] > seq[c]) -> st[c] = GONE     /* 0x85 */
#endif
#ifndef WITHOUT_LOAD
  :: !hot[k] && blob[c].ver != disk[k].ver -> st[c] = LOAD
#endif
  :: else ->
     assert(maxatt[k] < seq[c]);                    /* newest granted CONNECT wins */
     assert(att[(1-sh[c])*2+k] == 0);               /* one attached per key, over all shards */
     if :: o -> CloseAtt(o-1, k, 0) :: else fi;     /* takeover: the old one's own rules first */
#ifdef OWNED
     assert(!gex[k] || gown[k] == pr[c]);
#endif
#ifdef WITHOUT_LOAD
     if :: !hot[k] && !o -> disk[k].ex = blob[c].ex; disk[k].q = blob[c].q; disk[k].will = blob[c].will :: else fi;
#endif
     if :: cl = 0 :: cl = 1 fi; if :: ex = 0 :: ex = 1 fi; if :: wi = 0 :: wi = 1 :: wi = 2 fi;
     if :: cl -> GEnd(k); End(k)
        :: else -> if :: gw[k] -> must[gw[k]-1] = 2; gw[k] = 0 :: else fi;
#ifdef WILLKEPT
#else
                   disk[k].will = 0
#endif
     fi;
     sp = disk[k].ex; assert(sp == gex[k]);          /* session present is true */
     assert(disk[k].q == gq[k]);                     /* nothing lost, nothing of another session */
     disk[k].ex = 1; gex[k] = 1; hot[k] = 1; gown[k] = pr[c]; Put(k);
     aexp[k] = ex; awill[k] = wi; att[sh[c]*2+k] = c+1; st[c] = ATT; maxatt[k] = seq[c]
  fi }

init {
  do
  :: atomic { (nseq < NC) -> st[nseq] = MOVE; nseq++; seq[nseq-1] = nseq;     /* decode: connect_seq; d goes to shard 1 */
       if :: sh[nseq-1] = 0 :: sh[nseq-1] = 1 fi }
  :: atomic { (nm < NM && gex[0]) -> nm++; gq[0]++; disk[0].q++; Put(0) }     /* a message for the session of principal 0 */
  :: atomic { (hot[0] && att[0] == 0 && att[2] == 0) -> hot[0] = 0 }          /* offline session leaves memory */
  :: atomic { (gw[0]) -> must[gw[0]-1] = 1; gw[0] = 0; w = disk[0].will; assert(w); Fire(w-1); disk[0].will = 0; Put(0) } /* delay over */
  :: atomic { (gw[1]) -> must[gw[1]-1] = 1; gw[1] = 0; w = disk[1].will; assert(w); Fire(w-1); disk[1].will = 0; Put(1) }
  :: atomic { (gex[0] && att[0] == 0 && att[2] == 0) -> GEnd(0); End(0) }     /* expiry over */
  :: atomic { (gex[1] && att[1] == 0 && att[3] == 0) -> GEnd(1); End(1) }
  :: atomic { (nseq == NC || nseq > 0) -> i = 0;
     do :: i < nseq-1 -> i++ :: break od;                                     /* pick a connection */
     if
     :: st[i] == MOVE -> st[i] = PIPE
#ifdef PREAUTH
        ; if :: sh[i] == 0 && att[0] -> assert(st[i] == LOAD); CloseAtt(att[0]-1, 0, 0) :: else fi
#endif
     :: st[i] == PIPE -> st[i] = GONE                                          /* refused, failed: touches nothing */
     :: st[i] == PIPE -> if :: pr[i] = 0 :: pr[i] = 1 fi;                      /* granted */
#ifndef OWNED
        key[i] = pr[i];
#endif
        if :: sh[i] == 1 -> st[i] = MOVE2 :: else -> st[i] = LOAD fi           /* claim is immediate */
     :: st[i] == MOVE2 -> st[i] = LOAD;
#ifndef NOMOVE
        sh[i] = 0
#endif
     :: st[i] == LOAD -> k = key[i]; blob[i].ex = disk[k].ex; blob[i].q = disk[k].q; blob[i].will = disk[k].will; blob[i].ver = disk[k].ver;
        st[i] = READ
     :: st[i] == READ -> Attach(i); blob[i].ex = 0; blob[i].q = 0; blob[i].will = 0; blob[i].ver = 0
     :: (st[i] != ATT && st[i] != GONE) -> st[i] = GONE; blob[i].ex = 0; blob[i].q = 0; blob[i].will = 0; blob[i].ver = 0  /* HUP */
     :: st[i] == ATT -> CloseAtt(i, key[i], 0)                                 /* cut */
     :: st[i] == ATT -> CloseAtt(i, key[i], 1)                                 /* DISCONNECT 0x00 */
     :: else
     fi; i = 0; k = 0; o = 0; cl = 0; ex = 0; wi = 0; w = 0; sp = 0 }
  :: atomic { (nseq == NC && gw[0] == 0 && gw[1] == 0) -> i = 0; do :: i < NC && st[i] == GONE -> i++ :: else -> break od;
       if :: i == NC -> break :: else -> i = 0 fi }
  od;
  i = 0; do :: i < NC -> assert((must[i] == 1) == (fired[i] == 1)); i++ :: else -> break od
}
