#!/bin/sh
# A hostile child for tests. $BAD names what it does; $1 is a tag of digits that appears in the command line of every
# process it makes, so that a test can find them whatever else they hide. What "lingers" would live for five minutes.
tag=$1
self=$0
linger() { exec sleep "300.$tag"; }
silent() { exec </dev/null >/dev/null 2>&1; }

case $BAD in
# --- the main process ends at once, something stays
background) (silent; linger) & ;;
background-holds-stdout) (linger) & ;;
background-writes-forever) (while :; do echo noise; sleep 0.05; done) & ;;
many-children) i=0; while [ $i -lt 60 ]; do (silent; linger) & i=$((i + 1)); done ;;
deep-tree) BAD=deep-tree-20 sh "$self" "$tag" & sleep 0.2 ;;
deep-tree-*)
  depth=$((${BAD#deep-tree-} - 1))
  [ $depth -gt 0 ] && BAD=deep-tree-$depth sh "$self" "$tag" &
  linger ;;
setsid) (silent; exec setsid sleep "300.$tag") & sleep 0.1 ;;
setsid-holds-stdout) (exec setsid sleep "300.$tag") & sleep 0.1 ;;
own-group) bash -c "set -m; sleep 300.$tag </dev/null >/dev/null 2>&1 &" ;;
nohup) (silent; trap '' HUP; linger) & ;;
daemon) (silent; setsid sh -c "sleep 300.$tag & exit 0" &) ; sleep 0.1 ;;
daemon-holds-stdout) (setsid sh -c "sleep 300.$tag & exit 0" &) ; sleep 0.1 ;;
empty-environment) (silent; exec env -i sleep "300.$tag") & ;;
empty-environment-own-group) bash -c "set -m; env -i sleep 300.$tag </dev/null >/dev/null 2>&1 & sleep 0.1" ;;
stopped-helper) (silent; linger) & kill -STOP $!; sleep 0.05 ;;
ignores-term-helper) (silent; trap '' TERM; linger) & ;;
respawns) (silent; trap '' TERM; while :; do sleep "300.$tag"; done) & ;;
respawns-in-sessions)
  (silent; BAD=respawn-pair setsid sh "$self" "$tag" &) ; sleep 0.1 ;;
respawn-pair)
  # Each watches the other and makes it anew in a session of its own.
  silent; trap '' TERM
  while :; do BAD=respawn-pair-watch setsid sh "$self" "$tag" $$; sleep 0.01; done ;;
respawn-pair-watch)
  trap '' TERM
  while kill -0 "$2" 2>/dev/null; do sleep 0.01; done
  BAD=respawn-pair exec setsid sh "$self" "$tag" ;;
moving) (silent; BAD=moving-step setsid sh "$self" "$tag" 200 &) ; sleep 0.1 ;;
moving-step)
  # Never the same process for long.
  silent; sleep 0.02; [ "$2" -gt 0 ] && BAD=moving-step setsid sh "$self" "$tag" $(($2 - 1)) & ;;
odd-name) (silent; cp "$(command -v sleep)" "./a) R 1 1 (b" && exec "./a) R 1 1 (b" "300.$tag") & sleep 0.1 ;;
closes-everything) (exec <&- >&- 2>&-; setsid sleep "300.$tag") & sleep 0.1 ;;
fails-with-helper) (silent; linger) & exit 3 ;;
dies-with-helper) (silent; linger) & kill -KILL $$ ;;

# --- the main process stays, and has to be ended
hangs) linger ;;
hangs-in-child) sleep "300.$tag"; : ;;
ignores-term) trap '' TERM INT HUP; while :; do sleep "300.$tag"; done ;;
stops-itself) kill -STOP $$; linger ;;
stops-its-group) (silent; linger) & kill -STOP 0; linger ;;
forks-on-term) trap '(silent; trap "" TERM; linger) &' TERM; while :; do sleep 0.05; done ;;
floods) trap '' TERM; while :; do echo "flood flood flood flood flood flood flood flood"; done ;;
floods-both) (trap '' TERM; while :; do echo flood >&2; done) & trap '' TERM; while :; do echo flood; done ;;
hangs-with-session) (silent; trap '' TERM; exec setsid sleep "300.$tag") & linger ;;
hangs-with-empty-session) (silent; exec env -i setsid sleep "300.$tag") & linger ;;
hangs-with-stopped) (silent; linger) & kill -STOP $!; linger ;;
hangs-without-streams) exec <&- >&- 2>&-; linger ;;
leaves-on-term) trap 'setsid sh -c "sleep 300.$tag >/dev/null 2>&1 &"; exit 0' TERM; while :; do sleep 0.05; done ;;

# --- beyond level group: no group, no session, no mark and no parent; one has gone there before the script goes on
vanishes) (silent; env -i setsid sh -c "sleep 300.$tag & exit 0") ;;
vanishes-while-hanging) (silent; env -i setsid sh -c "sleep 300.$tag & exit 0"); linger ;;

# --- how it treats its streams
echo) cat ;;
reads-slowly) while dd bs=65536 count=1 2>/dev/null | { read -r _ || exit 1; }; do sleep 0.01; done; echo read ;;
never-reads) sleep 0.2; echo done ;;
closes-stdin) exec <&-; sleep 0.1; echo done ;;
exits-at-once) exit 0 ;;
*) echo "bad-child: no behaviour is called '$BAD'" >&2; exit 64 ;;
esac
