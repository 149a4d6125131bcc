#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks docs/model/refresh.pml with spin and clang-19, in build/model: one line for each setting below. Fails if
# one of them is not as expected. A line of the list as argument: only that one, without printing it.
# What led to where a search stopped: cd build/model/NAME && spin -p -g -l -k refresh.pml.trail FLAGS ../../../docs/model/refresh.pml
# Flags are split into words on purpose.
# shellcheck disable=SC2086
set -eu
cd "$(dirname "$0")/../.."
model=$PWD/docs/model/refresh.pml

# NAME EXPECTED FLAGS. EXPECTED is "holds", or what the search must stop at: a property (P1 to P4), or "happens".
settings() {
  cat <<'TEXT'
strict                 holds   -DINTENTS=4 -DCRASHES=2
strict,revoked         holds   -DINTENTS=4 -DCRASHES=2 -DREVOCATION=1
grace                  holds   -DINTENTS=4 -DGRACE
grace,two-crashes      holds   -DCRASHES=2 -DGRACE
failover               holds   -DFAILOVERS=1
failover,no-crash      holds   -DFAILOVERS=1 -DINTENTS=4 -DCRASHES=0
failover,grace         holds   -DFAILOVERS=1 -DGRACE -DCRASHES=0
failover,revoked       holds   -DFAILOVERS=1 -DREVOCATION=1
failover,two-lost      holds   -DFAILOVERS=1 -DLOST_WRITES=2
failover,two-lost,revoked holds -DFAILOVERS=1 -DLOST_WRITES=2 -DREVOCATION=1 -DCRASHES=0

refreshed              happens -DREACH=REFRESHED
refreshed-twice        happens -DREACH=REFRESHED_TWICE
in-doubt               happens -DREACH=DOUBT
needs-reauth           happens -DREACH=SIGN_IN_AGAIN
last-attempt           happens -DREACH=LAST_ATTEMPT
saved-by-last-attempt  happens -DREACH=SAVED_BY_LAST_ATTEMPT
late-install           happens -DREACH=LATE_INSTALL
late-tokens-dropped    happens -DREACH=LATE_TOKENS_DROPPED
repeated-in-grace      happens -DREACH=REPEATED_IN_GRACE -DGRACE
family-revoked         happens -DREACH=FAMILY_REVOKED
put-back               happens -DREACH=PUT_BACK -DFAILOVERS=1
tombstone-put-back     happens -DREACH=TOMBSTONE_PUT_BACK -DFAILOVERS=1 -DREVOCATION=1
tombstone-met          happens -DREACH=TOMBSTONE_MET -DREVOCATION=1

no-intent              P1      -DMUTATION=NO_INTENT
no-last-look           P1      -DMUTATION=NO_LAST_LOOK
last-not-recorded      P1      -DMUTATION=LAST_NOT_RECORDED
no-wait-for-intent     P1      -DMUTATION=NO_WAIT_FOR_INTENT
grace-from-latest      P1      -DMUTATION=GRACE_FROM_LATEST -DGRACE
no-hold                P1      -DMUTATION=NO_HOLD -DFAILOVERS=1
blind-demotion         P2      -DMUTATION=BLIND_DEMOTION
enter-over-lease       P2      -DMUTATION=ENTER_OVER_LEASE
blind-install          P3      -DMUTATION=BLIND_INSTALL -DREVOCATION=1
blind-commit           P3      -DMUTATION=BLIND_COMMIT -DFAILOVERS=1 -DREVOCATION=1
blind-restore          P3      -DMUTATION=BLIND_RESTORE -DFAILOVERS=1 -DLOST_WRITES=2 -DREVOCATION=1
tombstone-loses        P3      -DMUTATION=TOMBSTONE_LOSES -DFAILOVERS=1 -DREVOCATION=1
no-put-back            P4      -DMUTATION=NO_PUT_BACK -DFAILOVERS=1
revision-first         P4      -DMUTATION=REVISION_FIRST -DFAILOVERS=1
revision-first,two-lost P4     -DMUTATION=REVISION_FIRST -DFAILOVERS=1 -DLOST_WRITES=2

as-built-revision      P3      -DAS_BUILT_REVISION -DFAILOVERS=1 -DREVOCATION=1
as-built-hold          P1      -DAS_BUILT_HOLD -DFAILOVERS=1
TEXT
}

# check NAME EXPECTED FLAGS: leaves a line in build/model/NAME/line, and a file `wrong` if it is not as expected.
check() {
  name=$1
  expected=$2
  shift 2
  folder=build/model/$name
  mkdir -p "$folder"
  (
    cd "$folder"
    case $expected in
      P*) only=-DONLY=${expected#P} ;;
      *) only= ;;
    esac
    # The compiler takes longer than a search that ends early.
    optimize=-O0
    [ "$expected" != holds ] || optimize=-O1
    spin -a "$@" $only "$model" >spin.log 2>&1
    clang-19 $optimize -w -DSAFETY -DCOLLAPSE -DMEMLIM=450 -o pan pan.c
    ./pan -m5000 -w20 >pan.log 2>&1 || true
    stop=$(sed -n 's/^pan:[0-9]*: *\(.*\) (at depth.*/\1/p' pan.log)
    case $stop in
      'assertion violated (0=='*) found=P$(echo "$stop" | tr -dc 1-9) ;;
      'assertion violated '*'!='*) found=happens ;;
      '')
        found=unfinished
        if grep -q 'errors: 0' pan.log && ! grep -Eiq 'max search depth|not completed' pan.log; then found=holds; fi
        ;;
      *) found="stops: $stop" ;;
    esac
    result=ok
    [ "$found" = "$expected" ] || { result=WRONG && touch wrong; }
    states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.log)
    memory=$(sed -n 's/^ *\([0-9]*\)\.[0-9]*.total actual memory usage.*/\1/p' pan.log)
    printf '%-5s %-26s %-8s %9s states %4s MB\n' "$result" "$name" "$found" "${states:-?}" "${memory:-?}" >line
  )
}

if [ $# -gt 0 ]; then
  check $1
  exit
fi
rm -rf build/model
settings | grep . | tr -s ' ' | xargs -P 2 -d '\n' -n 1 docs/model/check.sh
settings | while read -r name _; do
  if [ -n "$name" ]; then cat "build/model/$name/line"; else echo; fi
done
wrong=$(find build/model -name wrong | wc -l)
[ "$wrong" = 0 ] || {
  echo "$wrong settings are not as expected; the logs are in build/model."
  exit 1
}
