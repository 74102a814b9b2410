/* packetid.pml - Packet ids of messages that are denied after they were sent (ARCHITECTURE.md, "Commit and acknowledge"). Broker to reader, messages 0
 * (its author is revoked) and 1, two ids, the connection is cut and resumed.
 * The rule: an id whose PUBLISH was on the wire is parked, not released, until PUBCOMP or the end of the session.
 * -DQOS=n, -DNCUT=n
 * Faults:  WITHOUT_PARK released at once   RELFIRST the state after PUBREC is not resumed
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS
#define QOS 2
#endif
#ifndef NCUT
#define NCUT 2
#endif
mtype = { PUB, REC, REL, COMP, ACK };
mtype = { FREE, SENT, RELD, PARK };
chan b2c = [4] of { mtype, byte, byte }; chan c2b = [4] of { mtype, byte };
mtype bst[2] = FREE; byte bm[2]; byte nxt; bit rev; byte ncut; bit has[2], pend[2]; byte dlv[2], acked[2];
byte i, m; mtype t;
inline Flush() { do :: b2c?[t,i,m] -> b2c?t,i,m :: else -> break od; do :: c2b?[t,i] -> c2b?t,i :: else -> break od; t = 0; i = 0; m = 0 }
inline Resume(x) {
  if :: bst[x] == SENT && bm[x] == 0 && rev ->
#ifndef WITHOUT_PARK
        bst[x] = PARK
#else
        bst[x] = FREE                                        /* withheld, id released */
#endif
     :: bst[x] == SENT && !(bm[x] == 0 && rev) -> b2c!PUB,x,bm[x]
     :: bst[x] == RELD ->
#ifdef RELFIRST
        bst[x] = FREE
#else
        b2c!REL,x,0
#endif
     :: else fi }
init {
  do
  :: atomic { !rev -> rev = 1 }                                                    /* revocation of author 0, receipt */
  :: atomic { nxt < 2 && nxt == 0 && rev -> nxt = 1 }                              /* withheld before it ever got an id */
  :: atomic { nxt < 2 && !(nxt == 0 && rev) && (bst[0] == FREE || bst[1] == FREE) && len(b2c) < 4 ->
       if :: bst[0] == FREE -> i = 0 :: bst[1] == FREE -> i = 1 fi;
       bst[i] = SENT; bm[i] = nxt; b2c!PUB,i,nxt; nxt++; i = 0 }
  :: atomic { len(b2c) > 0 && len(c2b) < 4 -> b2c?t,i,m;                           /* the reader */
       if :: t == PUB && QOS == 2 -> if :: !has[i] -> dlv[m]++; has[i] = 1 :: else fi; c2b!REC,i
          :: t == PUB && QOS == 1 -> dlv[m]++; pend[i] = 1
          :: t == REL -> has[i] = 0; c2b!COMP,i
       fi; t = 0; i = 0; m = 0; assert(QOS == 1 || (dlv[0] < 2 && dlv[1] < 2)) }
  :: atomic { pend[0] && len(c2b) < 4 -> pend[0] = 0; c2b!ACK,0 }
  :: atomic { pend[1] && len(c2b) < 4 -> pend[1] = 0; c2b!ACK,1 }
  :: atomic { len(c2b) > 0 && len(b2c) < 4 -> c2b?t,i;                             /* the broker */
       if :: t == REC && bst[i] == SENT -> bst[i] = RELD; b2c!REL,i,0
          :: t == REC && bst[i] != SENT -> b2c!REL,i,0                             /* 0x92 */
          :: t == COMP && (bst[i] == RELD || bst[i] == PARK) -> bst[i] = FREE; acked[bm[i]] = 1
          :: t == ACK && bst[i] == SENT -> bst[i] = FREE; acked[bm[i]] = 1
          :: t == ACK && bst[i] == PARK -> bst[i] = FREE
          :: else fi; t = 0; i = 0;
       assert(!acked[1] || dlv[1]) }                                               /* done means received: message 1 not lost */
  :: atomic { ncut < NCUT -> ncut++; Flush(); pend[0] = 0; pend[1] = 0; Resume(0); Resume(1) }             /* cut, reconnect with clean start 0 */
  :: atomic { nxt == 2 && len(b2c) == 0 && len(c2b) == 0 && !pend[0] && !pend[1] && bst[0] != SENT && bst[1] != SENT && bst[0] != RELD && bst[1] != RELD -> break }
  od;
  assert(dlv[1] == 1 || (QOS == 1 && dlv[1] >= 1))
}
