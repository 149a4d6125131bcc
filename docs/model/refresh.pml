// SPDX-License-Identifier: Apache-2.0
//
// The refresh transaction as a model, for spin. `./dev model` checks it; check.sh says with which settings.
//
// Two replicas refresh one grant at one provider. What a replica does between two waits is one step here, with
// the name of the function that does it: Begin, CallProvider, Install, Demote and Enter of
// server/refresh/transaction.cc; MayPresent, RecordIntent and RecordFailure of grant_changes.cc; Settle, Judge
// and Compare of server/vault. Between any two steps the others may do anything: a replica dies and comes back
// without memory, or is stopped for as long as it takes; a request, the provider's answer or the store's is
// lost; a request arrives late; the store fails over and has lost its last LOST_WRITES writes; the grant is
// revoked.
//
// What must hold, whatever happens:
//
//   P1  A refresh token is presented once. Again only in the one last attempt, which is recorded, or, where the
//       provider has a grace period, inside that, counted from the first time. An answer which says that
//       nothing was consumed (REFUSED) does not count.
//   P2  No failure is written over tokens that are newer than those it is about, nor while another replica has
//       the lease and may be about to write how its request ended.
//   P3  A grant whose revocation was acknowledged is never active again: no write replaces a tombstone, and
//       after a failover one that somebody knows of is there again when the hold ends. Whoever knows of it
//       never goes back.
//   P4  Tokens that were granted to a replica are never lost while it lives: no write replaces a generation by
//       an older one, and after a failover one that somebody has is there again when the hold ends.
//
// P1 is excused when a failover loses a write that nobody who lives until the end of the hold remembers.
//
// What is left out, and why nothing is missed by that:
//
//   * Time is what somebody finds to have passed. Whoever waits for the end of an intent or a lease, or asks
//     whether a grace period is over, may find so at any moment, and from then on it is so for everybody. A
//     lease outlives the call that it is for; grace periods end in the order in which they began. A stopped
//     process is one that takes no step meanwhile. One thing must not be late: a replica that lives has
//     compared its memory with the store when the hold ends. Whether failover_hold is long enough for that is
//     a matter of measuring.
//   * Begin is one step, from WaitOutHold to the commit, on a record that was read last: what happens in between
//     makes the commit fail. It is either a mismatch, and Begin goes round, or there was a failover, and what
//     was asked before it is not done after it (store/redis/link.cc, Met).
//   * Tokens are their generation: a repeat inside the grace period is granted the generation that the first one
//     was. Whether an access token is still valid is either, whenever somebody asks; so forced refreshes,
//     backoff and min_ttl need no mention.
//   * The store does a commit whole or not at all (one script, one transaction). "Told" is whether its answer
//     arrives: without it CommitIntent gives up and Install tries again.
//   * Intents have numbers, which stand for their owner's name, their end, and the lease taken with them.
//   * Join: a process has one flight for a grant. More grants share nothing. The record is always there: no
//     failover loses the sign-in itself.
//   * Recovery files: who has new tokens that the store refuses goes on trying, and P4 says so while it lives. A file
//     makes it live on: what is replayed is Install, before the next process may present anything.
//   * RevokeGrant is one write (Bury); that the outbox tells the provider is left out.
//
// The search is bounded: INTENTS attempts, two generations, CRASHES, FAILOVERS, one REVOCATION. Mistakes that need
// more would not be found. MUTATION makes one on purpose; REACH claims that something cannot happen which can.
// Spin must object to each.
//
// And to each AS_BUILT_..., which is how the code is where the properties need a little more than it does. They
// matter only after a failover that has lost writes:
//
//   REVISION  A put names the revision that it replaces. After lost writes there may be two records of one
//             revision. CachedRecords::Commit compares the store with memory before; but a failover between that
//             and the commit, and a record that memory had no room for, go unnoticed. Needed: a put names the very
//             record.
//   HOLD      Between the look at the hold in Begin and the commit there is a moment, a very short one, in which
//             the failover may come about. Needed: the store refuses what was decided before.

#ifndef INTENTS
#define INTENTS 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef FAILOVERS
#define FAILOVERS 0
#endif
#ifndef LOST_WRITES
#define LOST_WRITES 1
#endif
#ifndef REVOCATION
#define REVOCATION 0
#endif

#ifndef MUTATION
#define MUTATION 0
#endif
#define NO_INTENT 1            // the token is sent without an intent in the record
#define BLIND_DEMOTION 2       // a failure is written whatever the record and the lease are by now
#define NO_HOLD 3              // nobody waits after a failover
#define NO_PUT_BACK 4          // memory is not compared with the store
#define TOMBSTONE_LOSES 5      // the put-back goes by generation and revision only
#define GRACE_FROM_LATEST 6    // the grace period counts from the latest attempt
#define NO_LAST_LOOK 7         // nobody looks at the time before sending
#define BLIND_INSTALL 8        // late tokens are written over whatever is there
#define LAST_NOT_RECORDED 9    // the last attempt looks like any other
#define NO_WAIT_FOR_INTENT 10  // who finds an intent does not wait for its end, nor for the lease's
#define BLIND_RESTORE 11       // what is put back replaces any lower revision, judged or not
#define ENTER_OVER_LEASE 12    // who may not present the token says so while another has the lease
#define REVISION_FIRST 13      // of what both sides have the higher revision wins, also over later tokens
#define BLIND_COMMIT 14        // memory is not asked before something is written over a record

#ifndef REACH
#define REACH 0
#endif
#define REFRESHED 1
#define REFRESHED_TWICE 2
#define DOUBT 3
#define SIGN_IN_AGAIN 4
#define LAST_ATTEMPT 5
#define SAVED_BY_LAST_ATTEMPT 6
#define LATE_INSTALL 7         // over NEEDS_REAUTH
#define LATE_TOKENS_DROPPED 8  // somebody else has installed newer ones
#define REPEATED_IN_GRACE 9
#define PUT_BACK 10
#define TOMBSTONE_PUT_BACK 11
#define TOMBSTONE_MET 12       // by new tokens
#define FAMILY_REVOKED 13
// The search stops where `what` happens, if that was to be impossible.
#define HAPPENS(what) assert(REACH != what)
// ... and where a property does not hold: what spin prints then is 0 == property.
#ifndef ONLY
#define ONLY 0                 // the property that is looked at; 0: all
#endif
#define MUST(property, condition)                                             \
  if                                                                          \
  :: (ONLY == 0 || ONLY == property) && !(condition) -> assert(0 == property) \
  :: else                                                                     \
  fi

// --- Records

// 15 bits, so that a record is a value. 0: none. `first`: the first intent for this generation.
#define RECORD(revision, generation, state, intent, first, last) \
  (((revision) << 11) | ((generation) << 9) | ((state) << 7) | ((intent) << 4) | ((first) << 1) | (last))
#define REVISION(r) ((r) >> 11)
#define GENERATION(r) (((r) >> 9) & 3)
#define STATE(r) (((r) >> 7) & 3)
#define INTENT(r) (((r) >> 4) & 7)
#define FIRST(r) (((r) >> 1) & 7)
#define LAST(r) ((r) & 1)
#define AS_REVISION(r, revision) (((r) & 2047) | ((revision) << 11))
#define ACTIVE 0
#define IN_DOUBT 1
#define NEEDS_REAUTH 2
#define REVOKED 3
#define TOMBSTONE(r) (STATE(r) == REVOKED)

#define HAS(set, n) (((set) >> (n)) & 1)
#define ADD(set, n) set = set | (1 << (n))
#define REMOVE(set, n) set = set & (255 - (1 << (n)))

// --- The store

short record = RECORD(1, 0, ACTIVE, 0, 0, 0);
byte lease;  // the intent with which it was taken; 0: nobody has it
byte failovers = FAILOVERS;
bit hold;
byte revocations = REVOCATION;
// Before the last write, and before the one before that.
short record_1 = RECORD(1, 0, ACTIVE, 0, 0, 0);
short record_2 = RECORD(1, 0, ACTIVE, 0, 0, 0);
byte lease_1;
byte lease_2;

// --- Time

byte intents;     // written so far; numbered from 1
byte waiting[2];  // by replica: its intent, until it sends
bit ended[2];     // ... and whether somebody has found that its end has passed
#ifdef GRACE
byte outworn;  // what was begun with this intent, or one before it, is no longer inside a grace period
#else
#define outworn 7
#endif

inline IntentEnds(n) {
  ended[0] = ended[0] || (n != 0 && waiting[0] == n);
  ended[1] = ended[1] || (n != 0 && waiting[1] == n)
}

// It outlives the intent with which it was taken. What has ended does not come back with a failover.
inline LeaseEnds() {
  IntentEnds(lease);
  lease_1 = (lease_1 == lease -> 0 : lease_1);
  lease_2 = (lease_2 == lease -> 0 : lease_2);
  lease = 0
}

// --- The provider

byte newest;  // the generation whose refresh token it takes
byte late;    // a set: generations whose refresh token is in a request that may yet arrive
bit family_revoked;

// --- What is watched. No replica looks at it.

byte sent;  // a set: generations whose refresh token was presented
byte sent_last;  // the same, in a last attempt
#ifdef GRACE
byte sender[3];  // by generation: the intent under which it was presented first
#endif
bit excused;  // a failover has lost what nobody remembers

// --- What replicas remember

short memory[2] = (FAILOVERS > 0 -> RECORD(1, 0, ACTIVE, 0, 0, 0) : 0);
byte crashes = CRASHES;
// A record that is being put back, and what the store had in its place.
short ours[2];
short theirs[2];
bit compared[2] = true;  // since the last failover

// Judge (vault/verdict.cc): whether `mine` is put in the place of what the store has.
#if MUTATION == TOMBSTONE_LOSES
#define TOMBSTONES_DIFFER(mine, stored) false
#else
#define TOMBSTONES_DIFFER(mine, stored) (TOMBSTONE(mine) != TOMBSTONE(stored))
#endif
#if MUTATION == REVISION_FIRST
#define GENERATIONS_DIFFER(mine, stored) false
#else
#define GENERATIONS_DIFFER(mine, stored) (GENERATION(mine) != GENERATION(stored))
#endif
#define WINS(mine, stored)                                                        \
  (TOMBSTONES_DIFFER(mine, stored) -> TOMBSTONE(mine)                             \
   : (GENERATIONS_DIFFER(mine, stored) -> GENERATION(mine) > GENERATION(stored) \
      : REVISION(mine) > REVISION(stored)))
// As the revision that it was, or written anew where the store has a higher one.
#define REPLACEMENT(mine, stored) \
  (REVISION(mine) > REVISION(stored) -> (mine) : AS_REVISION(mine, REVISION(stored) + 1))

#if MUTATION == NO_PUT_BACK
#define REMEMBERS_BETTER(i, r) false
#else
#define REMEMBERS_BETTER(i, r) (memory[i] != 0 && WINS(memory[i], r))
#endif

// Whether a commit that replaces `seen` is done.
#ifdef AS_BUILT_REVISION
#define UNCHANGED(seen) (REVISION(record) == REVISION(seen))
#else
#define UNCHANGED(seen) (record == (seen))
#endif
// Memory has what is newer than `seen`: the store has to be compared with it before anything is written.
#if MUTATION == BLIND_COMMIT
#define MAY_COMMIT(i, seen) UNCHANGED(seen)
#else
#define MAY_COMMIT(i, seen) (UNCHANGED(seen) && !REMEMBERS_BETTER(i, seen))
#endif

// Memory matters as long as it may be newer than the store.
#define MAY_LOSE (failovers > 0 || hold)
#define Remember(i)                                                                            \
  MUST(3, memory[i] == 0 || !TOMBSTONE(memory[i]) || TOMBSTONE(record));                       \
  MUST(4, memory[i] == 0 || TOMBSTONE(record) || GENERATION(record) >= GENERATION(memory[i])); \
  memory[i] = (MAY_LOSE -> record : 0)

// What a failover goes back to, and what is in memory of it. Older revisions in memory make no difference.
#if LOST_WRITES == 1
#define KEPT_BY_WRITE(i) 0
#else
#define KEPT_BY_WRITE(i) (memory[i] == record -> memory[i] : 0)
#endif
#define Write(new_record, new_lease)                                                          \
  assert(REVISION(record) < 15);                                                              \
  MUST(3, !TOMBSTONE(record) || TOMBSTONE(new_record));                                       \
  MUST(4, TOMBSTONE(new_record) || GENERATION(new_record) >= GENERATION(record));             \
  if                                                                                          \
  :: failovers > 0 ->                                                                         \
    record_2 = (LOST_WRITES > 1 -> record_1 : 0);                                             \
    lease_2 = (LOST_WRITES > 1 -> lease_1 : 0);                                               \
    record_1 = record;                                                                        \
    lease_1 = lease;                                                                          \
    memory[0] = KEPT_BY_WRITE(0);                                                             \
    memory[1] = KEPT_BY_WRITE(1)                                                              \
  :: else                                                                                     \
  fi;                                                                                         \
  record = new_record;                                                                        \
  lease = new_lease

// CachedRecords: what a read, or a commit that was refused, shows is compared with memory.
inline Settle(i) {
  if
  :: REMEMBERS_BETTER(i, record) ->
    HAPPENS(PUT_BACK);
    Write(REPLACEMENT(memory[i], record), lease)
  :: else
  fi;
  Remember(i)
}

// PutBack: after a failover every replica compares what it remembers. Unlike in Settle, others may write between
// the question and the write.
inline Compare(i) {
  atomic {
    hold && !compared[i] && ours[i] == 0 ->
    if
    :: REMEMBERS_BETTER(i, record) ->
      ours[i] = memory[i];
      theirs[i] = record
    :: else ->
      if
      :: MUTATION == NO_PUT_BACK || memory[i] == 0
      :: else -> Remember(i)
      fi;
      compared[i] = true
    fi
  }
}

#if MUTATION == BLIND_RESTORE
#define STILL_BEHIND(i) \
  (REVISION(ours[i]) > REVISION(theirs[i]) -> REVISION(record) < REVISION(ours[i]) : UNCHANGED(theirs[i]))
#else
#define STILL_BEHIND(i) UNCHANGED(theirs[i])
#endif

inline Mend(i) {
  atomic {
    ours[i] != 0 ->
    if
    :: STILL_BEHIND(i) ->
      HAPPENS(PUT_BACK);
      if
      :: TOMBSTONE(ours[i]) -> HAPPENS(TOMBSTONE_PUT_BACK)
      :: else
      fi;
      Write(REPLACEMENT(ours[i], theirs[i]), lease);
      Remember(i);
      compared[i] = true
    :: else  // compared again
    fi;
    ours[i] = 0;
    theirs[i] = 0
  }
}

inline MustBeKept(i) {
  MUST(3, memory[i] == 0 || TOMBSTONE(record) || !TOMBSTONE(memory[i]));
  MUST(4, memory[i] == 0 || TOMBSTONE(record) || GENERATION(memory[i]) <= GENERATION(record))
}

inline EndHold() {
  atomic {
    hold && compared[0] && compared[1] ->
    MustBeKept(0);
    MustBeKept(1);
    hold = false;
    if
    :: failovers == 0 ->
      memory[0] = 0;
      memory[1] = 0
    :: else
    fi
  }
}

// --- What goes wrong

inline Excuse() {
  excused = true;
  sent = 0;
  sent_last = 0
}

inline Die() {
  crashes--;
  if
  :: !compared[_pid] -> Excuse()
  :: else
  fi;
  waiting[_pid] = 0;
  ended[_pid] = false;
  memory[_pid] = 0;
  ours[_pid] = 0;
  theirs[_pid] = 0;
  compared[_pid] = true
}

inline FailOver(to, to_lease) {
  if
  :: memory[0] != record && memory[1] != record -> Excuse()
  :: else
  fi;
  failovers--;
#if LOST_WRITES > 1
  // Whoever was told that another had written has forgotten what it had.
  if
  :: REVISION(memory[0]) < REVISION(record) -> memory[0] = 0
  :: true
  fi;
  if
  :: REVISION(memory[1]) < REVISION(record) -> memory[1] = 0
  :: true
  fi;
#endif
  record = to;
  lease = to_lease;
  record_1 = (failovers > 0 -> record : 0);
  lease_1 = (failovers > 0 -> lease : 0);
  record_2 = record_1;
  lease_2 = lease_1;
  hold = true;
  ours[0] = 0;
  ours[1] = 0;
  theirs[0] = 0;
  theirs[1] = 0;
  compared[0] = memory[0] == 0;
  compared[1] = memory[1] == 0
}

inline Arrive(g) {
  atomic {
    HAS(late, g) ->
    REMOVE(late, g);
    if
    :: g == newest -> newest++
    :: else -> Reuse(g)
    fi
  }
}

// The provider is shown a refresh token that it has replaced, outside a grace period.
inline Reuse(g) {
  HAPPENS(FAMILY_REVOKED);
  family_revoked = true
}

// One write, whatever else the grant is doing.
inline RevokeGrant(i) {
  atomic {
    revocations > 0 && !TOMBSTONE(record) ->
    revocations--;
    Settle(i);
    if
    :: !TOMBSTONE(record) ->
      Write(RECORD(REVISION(record) + 1, GENERATION(record), REVOKED, 0, 0, 0), lease);
      if
      :: Remember(i)
      :: true  // nobody is told
      fi
    :: else
    fi
  }
}

// --- The replicas

#ifdef AS_BUILT_HOLD
#define WAITS_OUT_HOLD true
#else
#define WAITS_OUT_HOLD !HOLDS
#endif
#if MUTATION == NO_HOLD
#define HOLDS false
#else
#define HOLDS hold
#endif

#if MUTATION == GRACE_FROM_LATEST
#define FIRST_OF(r) me
#else
#define FIRST_OF(r) (INTENT(r) != 0 -> FIRST(r) : me)
#endif

// Time passes: up to some intent, no grace period lasts any longer.
inline LetGraceEnd() {
#ifdef GRACE
  do
  :: outworn < intents -> outworn++
  :: break
  od
#else
  skip
#endif
}

#define INSIDE_GRACE(r) (FIRST(r) > outworn)

inline RecordIntent() {
  intents++;
  me = intents;
  waiting[_pid] = me;
  before = record & 127;
#if MUTATION == NO_INTENT
  Write(AS_REVISION(record, REVISION(record) + 1), me)
#elif MUTATION == LAST_NOT_RECORDED
  Write(RECORD(REVISION(record) + 1, generation, STATE(record), me, FIRST_OF(record), 0), me)
#else
  Write(RECORD(REVISION(record) + 1, generation, STATE(record), me, FIRST_OF(record), last_attempt), me)
#endif
}

// The moment of sending.
inline Present() {
  MUST(1, excused || !HAS(sent_last, generation));
  MUST(1, excused || last_attempt || !HAS(sent, generation) || in_grace);
  if
  :: last_attempt -> HAPPENS(LAST_ATTEMPT)
  :: !last_attempt && HAS(sent, generation) -> HAPPENS(REPEATED_IN_GRACE)
  :: else
  fi;
  if
  :: excused
  :: !excused && last_attempt -> ADD(sent_last, generation)
  :: !excused && !last_attempt ->
#ifdef GRACE
    sender[generation] = (HAS(sent, generation) -> sender[generation] : me);
#endif
    ADD(sent, generation)
  fi
}

// The answer says that nothing was consumed.
inline Discount() {
  if
  :: last_attempt -> REMOVE(sent_last, generation)
#ifdef GRACE
  :: !last_attempt && sender[generation] == me ->
    sender[generation] = 0;
#else
  :: !last_attempt ->
#endif
    REMOVE(sent, generation)
  :: else
  fi
}

#define NOT_SENT 1
#define NO_ANSWER 2
#define REFUSED 3
#define INVALID_GRANT 4
#define GRANTED 5

// What becomes of a request. Its answer may yet be lost.
inline AskProvider() {
  if
  :: outcome = NO_ANSWER  // lost on the way
  :: outcome = NO_ANSWER;
    ADD(late, generation)
  :: outcome = REFUSED
  :: family_revoked -> outcome = INVALID_GRANT
  :: !family_revoked && generation == newest ->
    newest++;
    outcome = GRANTED
#ifdef GRACE
  :: !family_revoked && generation + 1 == newest && (in_grace || last_attempt) -> outcome = GRANTED
  :: !family_revoked && generation < newest && (generation + 1 < newest || !in_grace) ->
#else
  :: !family_revoked && generation < newest ->
#endif
    Reuse(generation);
    outcome = INVALID_GRANT
  fi
}

// What a failure makes of the record. `before` is its intent as it was before ours.
#define DEMOTED(r)                                                                   \
  (outcome == INVALID_GRANT || (outcome == NO_ANSWER && LAST(r))                     \
   -> RECORD(REVISION(r) + 1, GENERATION(r), NEEDS_REAUTH, 0, 0, 0)                  \
   : (outcome == NO_ANSWER                                                           \
      -> RECORD(REVISION(r) + 1, GENERATION(r), IN_DOUBT, INTENT(r), FIRST(r), 0)    \
      : RECORD(REVISION(r) + 1, GENERATION(r), STATE(r), 0, 0, 0) | before))

inline Forget() {
  current = 0;
  before = 0;
  me = 0;
  generation = 0;
  last_attempt = 0;
  in_grace = 0;
  outcome = 0
}

// A demotion without a call: the rules allow none, or not while the access token is valid.
inline Enter() {
#if MUTATION != ENTER_OVER_LEASE
  if
  :: lease != 0 -> LeaseEnds()
  :: else
  fi;
#endif
  if
  :: LAST(record) ->
    HAPPENS(SIGN_IN_AGAIN);
    MUST(2, lease == 0);
    Write(RECORD(REVISION(record) + 1, generation, NEEDS_REAUTH, 0, 0, 0), lease);
    Remember(_pid)
  :: !LAST(record) && STATE(record) != IN_DOUBT ->
    HAPPENS(DOUBT);
    MUST(2, lease == 0);
    Write(RECORD(REVISION(record) + 1, generation, IN_DOUBT, INTENT(record), FIRST(record), 0), lease);
    Remember(_pid)
  :: else
  fi
}

active [2] proctype Replica() {
  short current;     // current_, from the intent on
  byte before;       // before_: only its intent matters
  byte me;           // the intent
  byte generation;   // generation_
  byte outcome;
  bit last_attempt;
  bit in_grace;

end_idle:
  if
  :: atomic { crashes > 0 && memory[_pid] != 0 && MAY_LOSE -> Die(); goto end_idle }
  :: atomic {
       // Begin: WaitOutHold, Reload
       WAITS_OUT_HOLD && intents < INTENTS && GENERATION(record) < 2 &&
       (STATE(record) == ACTIVE || STATE(record) == IN_DOUBT) ->
       Settle(_pid);
       if
       :: STATE(record) == REVOKED || STATE(record) == NEEDS_REAUTH -> goto end_idle
       :: else
       fi;
       generation = GENERATION(record);
       // WaitForChange, until the intent has ended. MayPresent.
       if
       :: MUTATION != NO_WAIT_FOR_INTENT -> IntentEnds(INTENT(record))
       :: else
       fi;
       LetGraceEnd();
#ifdef GRACE
       in_grace = sender[generation] == 0 || sender[generation] > outworn;
#endif
       if
       :: INTENT(record) == 0 || (!LAST(record) && INSIDE_GRACE(record)) -> last_attempt = false
       :: INTENT(record) != 0 && !LAST(record) && !INSIDE_GRACE(record) -> last_attempt = true
       :: INTENT(record) != 0 && (LAST(record) || !INSIDE_GRACE(record)) ->
         Enter();
         Forget();
         goto end_idle
       fi;

       // TryBegin. Whoever finds a lease waits for its end: it outlives the intent. In the grace period whoever
       // wrote the intent is not waited for any longer (EndLeaseOfIntent).
       if
       :: lease == 0 || MUTATION == NO_WAIT_FOR_INTENT
       :: lease != 0 && MUTATION != NO_WAIT_FOR_INTENT && (lease != INTENT(record) || last_attempt) -> LeaseEnds()
       :: lease != 0 && MUTATION != NO_WAIT_FOR_INTENT && lease == INTENT(record) && !last_attempt -> lease = 0
       fi;
       RecordIntent();
       if
       :: Remember(_pid);
         current = record;
         goto CallProvider
       :: waiting[_pid] = 0;  // nobody knows whether it is written: it gives up
         Forget();
         goto end_idle
       fi
     }
  fi;

CallProvider:
  if
  :: atomic { crashes > 0 -> Die(); Forget(); goto end_idle }
  :: atomic {
       if
       :: HOLDS -> outcome = NOT_SENT
       :: !HOLDS && (MUTATION == NO_LAST_LOOK || !ended[_pid]) -> Present()
       :: MUTATION != NO_LAST_LOOK -> outcome = NOT_SENT  // a slow store, a stopped process
       fi;
       waiting[_pid] = 0;
       ended[_pid] = false;
       if
       :: outcome == NOT_SENT -> goto Demote
       :: else
       fi
     }
  fi;

  if
  :: atomic { crashes > 0 -> AskProvider(); Die(); Forget(); goto end_idle }
  :: atomic { AskProvider() }
  fi;

Finish:
  if
  :: atomic { crashes > 0 -> Die(); Forget(); goto end_idle }
  :: atomic {
       if
       :: outcome != NO_ANSWER -> outcome = NO_ANSWER  // the answer is lost
       :: outcome == REFUSED -> Discount()
       :: outcome == GRANTED ->
         if
         :: last_attempt -> HAPPENS(SAVED_BY_LAST_ATTEMPT)
         :: else
         fi
       :: outcome == NO_ANSWER || outcome == INVALID_GRANT
       fi;
       if
       :: outcome == GRANTED -> goto Install
       :: else -> goto Demote
       fi
     }
  fi;

Install:
  if
  :: atomic { crashes > 0 -> Die(); Forget(); goto end_idle }
  :: atomic {
       if
       :: MUTATION != BLIND_INSTALL && !MAY_COMMIT(_pid, current) ->
         Settle(_pid);
         current = record;
         if
         :: TOMBSTONE(current) ->
           HAPPENS(TOMBSTONE_MET);  // they go to the outbox
           Forget();
           goto end_idle
         :: !TOMBSTONE(current) && GENERATION(current) > generation ->
           HAPPENS(LATE_TOKENS_DROPPED);
           Forget();
           goto end_idle
         :: else -> goto Install
         fi
       :: else
       fi;
       // InstallTokens, also over a generation that the store has gone back to.
       if
       :: STATE(record) == NEEDS_REAUTH -> HAPPENS(LATE_INSTALL)
       :: else
       fi;
       if
       :: generation == 0 -> HAPPENS(REFRESHED)
       :: else -> HAPPENS(REFRESHED_TWICE)
       fi;
       Write(RECORD(REVISION(record) + 1, generation + 1, ACTIVE, 0, 0, 0), (lease == me -> 0 : lease));
       if
       :: Remember(_pid);
         Forget();
         goto end_idle
       :: goto Install  // it is not told
       fi
     }
  fi;

Demote:
  if
  :: atomic { crashes > 0 -> Die(); Forget(); goto end_idle }
  :: atomic {
       if
       :: MUTATION != BLIND_DEMOTION && !MAY_COMMIT(_pid, current) -> Settle(_pid)
       :: MUTATION != BLIND_DEMOTION && MAY_COMMIT(_pid, current) && lease != me  // it has lost the lease
       :: lease == me && MUTATION != BLIND_DEMOTION -> LeaseEnds()
       :: MUTATION == BLIND_DEMOTION || (MAY_COMMIT(_pid, current) && lease == me) ->
         current = AS_REVISION(current, REVISION(record));
         MUST(2, GENERATION(record) == GENERATION(current) && (lease == me || lease == 0));
         Write(DEMOTED(current), 0);
         if
         :: STATE(record) == IN_DOUBT -> HAPPENS(DOUBT)
         :: STATE(record) == NEEDS_REAUTH -> HAPPENS(SIGN_IN_AGAIN)
         :: else
         fi;
         if
         :: Remember(_pid)
         :: true  // it is not told
         fi
       fi;
       Forget();
       goto end_idle
     }
  fi
}

active proctype World() {
end_world:
  do
  :: Arrive(0)
  :: Arrive(1)
#if REVOCATION > 0
  :: RevokeGrant(0)
  :: RevokeGrant(1)
#endif
#if FAILOVERS > 0
  :: atomic { failovers > 0 && record != record_1 -> FailOver(record_1, lease_1) }
#if LOST_WRITES > 1
  :: atomic { failovers > 0 && record_1 != record_2 -> FailOver(record_2, lease_2) }
#endif
  :: Compare(0)
  :: Compare(1)
  :: Mend(0)
  :: Mend(1)
  :: EndHold()
#endif
  od
}
