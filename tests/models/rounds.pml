/* rounds.pml - How many control rounds make a shutdown quiet (ARCHITECTURE.md, "Shutdown"): A pushes to the group's owner G over `publish`, G to the
 * member's shard M over `forward`; both hold CAP entries, A has a stash. A turn drains its lanes (publish only while forward has
 * room), then answers. The rule: rounds repeat until one in which no shard held or moved anything.
 * Faults:  WITHOUT_ROUNDS two rounds are taken to be enough   ONE a single round
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CAP
#define CAP 1
#endif
#ifndef NMSG
#define NMSG 3
#endif
byte stash, pub, fwd, got, sent, round; bit no, an[3], busy, clean;
#define ANS(s) if :: round -> an[s] = 1 :: else fi
init { do
  :: atomic { !no && sent < NMSG -> sent++; if :: pub < CAP && !stash -> pub++ :: else -> stash++ fi }
  :: atomic { !no -> no = 1; round = 1 }
  :: atomic { !an[0] && (round || stash) -> if :: stash -> busy = 1 :: else fi;                      /* A's turn */
       do :: stash && pub < CAP -> stash--; pub++ :: else -> break od; ANS(0) }
  :: atomic { !an[1] && (round || pub) -> if :: pub -> busy = 1 :: else fi;                          /* G's turn */
       do :: pub && fwd < CAP -> pub--; fwd++ :: else -> break od; ANS(1) }
  :: atomic { !an[2] && (round || fwd) -> if :: fwd -> busy = 1 :: else fi; got = got + fwd; fwd = 0; ANS(2) }
  :: atomic { an[0] && an[1] && an[2] -> an[0] = 0; an[1] = 0; an[2] = 0;
#ifndef WITHOUT_ROUNDS
       if :: busy -> busy = 0 :: else -> clean = 1; break fi
#elif defined(ONE)
       clean = 1; break
#else
       if :: round == 1 -> round = 2 :: else -> clean = 1; break fi
#endif
     }
  od; assert(got == sent) }
