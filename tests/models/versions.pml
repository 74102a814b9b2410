/* versions.pml - Versions of a policy (ARCHITECTURE.md, "Epochs"): publisher X on shard 0, reader S on shard 1, a login on shard 1. Content c says whether
 * X may publish and S may read and log in; shards adopt when they like; the receipt is the lowest content adopted; a stamp is the
 * number of a version. Claims: what takes effect was allowed by some content between receipt and newest; what is withheld was denied
 * by one since it was accepted.
 * The rules: what is stamped newer than the shard waits for the shard; numbers are durable and grow at every start; a stamp is the version
 * that was asked, not that of the answer; author and reader have stamps of their own.
 * Faults:  WITHOUT_NEWER   WITHOUT_NUM   ONESTAMP   LATESTAMP the answer's version   NOWILL a will is not judged when it fires
 *          EXPIREDOUT an expired author counts as revoked   NOLOGIN no second look at attach   INFLIGHT what is in flight is judged by its start
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NV
#define NV 3
#endif
#define NMSG 2
mtype = { NONE, ASK, STORED, WILL, LANE, QUEUE, WIRE, DONE, DROP };
bit okx[5], oks[5]; byte num[5]; byte cur = 1, v[2] = 1, r = 1;
mtype ms[NMSG] = NONE; byte stamp[NMSG], since[NMSG]; byte asked[NMSG];   /* since = content under which it was accepted */
bit xexp; byte restarts; byte nrc;
byte sst = 1;                              /* stamp of S's subscription, decided by oks */
byte lst = 0, lpin, ltry;                 /* login: 0 none 1 pipeline 2 ready to attach 3 attached 4 failed */
byte i, j; bit a;

inline Rcpt() { if :: v[0] < v[1] -> r = v[0] :: else -> r = v[1] fi }
inline SomeAllow(both, lo) { a = 0; j = lo; do :: j <= cur -> a = a || (oks[j] && (okx[j] || !both)); j++ :: else -> break od; j = 0 }
inline SomeDeny(lo) { a = 0; j = lo; do :: j <= cur -> a = a || !(oks[j] && okx[j]); j++ :: else -> break od; j = 0 }
inline Accept(m, next) { since[m] = v[0]; stamp[m] = num[v[0]]; ms[m] = next }
inline Drop(m) { SomeDeny(since[m]); assert(a); a = 0; ms[m] = DROP; stamp[m] = 0; since[m] = 0; asked[m] = 0 }
#define AUTHOR(m) (stamp[m] == num[v[1]] || okx[v[1]])      /* two compares for the author's right */
#define READER    (sst == num[v[1]] || oks[v[1]])          /* and two for the reader's */
#if defined(ONESTAMP)
#define MAYSEND(m) (AUTHOR(m) && (stamp[m] == num[v[1]] || oks[v[1]]))
#elif defined(INFLIGHT)
#define MAYSEND(m) (nrc || (AUTHOR(m) && READER))          /* a retransmission is not asked again */
#else
#define MAYSEND(m) (AUTHOR(m) && READER)
#endif
inline Encode(m) {                        /* QUEUE -> WIRE, at every start of a PUBLISH, DUP or not */
  if
#ifdef EXPIREDOUT
  :: xexp -> Drop(m)
#endif
  :: else ->
     if
     :: MAYSEND(m) -> sst = num[v[1]];
           SomeAllow(1, r); assert(a); a = 0; ms[m] = WIRE
        :: else -> Drop(m) fi
  fi }

init {
  okx[1] = 1; oks[1] = 1; num[1] = 1;
  do
  :: atomic { cur < NV -> cur++; num[cur] = cur; if :: okx[cur] = 0 :: okx[cur] = 1 fi; if :: oks[cur] = 0 :: oks[cur] = 1 fi }
  :: atomic { v[0] < cur -> v[0] = cur; Rcpt() }
  :: atomic { v[1] < cur -> v[1] = cur; Rcpt() }
  :: atomic { restarts == 0 && cur < NV ->                              /* restart with an edited file */
       restarts = 1; cur++; if :: okx[cur] = 0 :: okx[cur] = 1 fi; if :: oks[cur] = 0 :: oks[cur] = 1 fi;
#ifndef WITHOUT_NUM
       num[cur] = cur;
#else
       num[cur] = 1;                                                    /* numbering begins again */
#endif
       v[0] = cur; v[1] = cur; r = cur; lst = 0; lpin = 0; ltry = 0;
       i = 0; do :: i < NMSG -> if :: ms[i] == ASK -> ms[i] = DONE :: ms[i] == WIRE -> ms[i] = QUEUE :: else fi; i++ :: else -> break od; i = 0 }
  :: atomic { !xexp -> xexp = 1 }                                       /* X's token expires, X is disconnected: withdraws nothing */
  /* publisher side, shard 0: stamp and check at ingress */
  :: atomic { !xexp && okx[v[0]] -> i = 0; do :: i < NMSG-1 -> i++ :: break od;
       if :: ms[i] == NONE -> if :: Accept(i, LANE) :: Accept(i, STORED) :: Accept(i, WILL) fi
          :: ms[i] == NONE -> ms[i] = ASK; asked[i] = v[0]               /* outside authorization */
          :: else fi; i = 0 }
  :: atomic { i = 0; do :: i < NMSG-1 -> i++ :: break od;
       if :: ms[i] == ASK -> since[i] = asked[i];
#ifdef LATESTAMP
             stamp[i] = num[v[0]];                                       /* stamped when the answer came */
#else
             stamp[i] = num[asked[i]];                                   /* stamped with what was asked */
#endif
             ms[i] = LANE; asked[i] = 0
          :: ms[i] == STORED -> if :: okx[v[0]] -> stamp[i] = num[v[0]]; ms[i] = LANE :: else -> Drop(i) fi   /* PUBREL */
          :: ms[i] == WILL && xexp ->
#ifdef NOWILL
             stamp[i] = num[v[0]]; ms[i] = LANE                          /* fired without asking again */
#else
             if :: okx[v[0]] -> stamp[i] = num[v[0]]; ms[i] = LANE :: else -> Drop(i) fi
#endif
          :: ms[i] == LANE -> ms[i] = QUEUE
#ifndef WITHOUT_NEWER
          :: ms[i] == QUEUE && stamp[i] <= num[v[1]] -> Encode(i)
#else
          :: ms[i] == QUEUE -> Encode(i)
#endif
          :: ms[i] == WIRE -> ms[i] = DONE; stamp[i] = 0; since[i] = 0   /* acknowledged */
          :: ms[i] == WIRE && nrc < 2 -> ms[i] = QUEUE; nrc++            /* reader reconnects: DUP */
          :: else fi; i = 0 }
  /* a login on shard 1: pinned, may wait, decided again at attach, at most twice */
  :: atomic { lst == 0 -> lst = 1; lpin = v[1]; ltry = 0 }
  :: atomic { lst == 1 -> if :: oks[lpin] -> lst = 2 :: else -> lst = 4 fi }
  :: atomic { lst == 2 ->
#ifndef NOLOGIN
       if :: lpin != v[1] && ltry < 2 -> lpin = v[1]; ltry++; lst = 1
          :: lpin != v[1] && ltry == 2 -> lst = 4
          :: else ->
#else
       if :: true ->
#endif
             SomeAllow(0, r); assert(a); a = 0; lst = 3 fi }
  :: atomic { lst >= 3 -> lst = 0; lpin = 0; ltry = 0 }
  :: atomic { cur == NV && (ms[0] == DONE || ms[0] == DROP) && (ms[1] == DONE || ms[1] == DROP) -> break }
  od }
