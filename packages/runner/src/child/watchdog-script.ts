/**
 * The watchdog's program, for any POSIX shell. $1: the marker as it begins in the environment of our jobs; $2: a
 * cgroup to be killed as a whole, or empty. Standard input: the pipe from the runner. Descriptor 3: the table of jobs,
 * lines of "pid start-time".
 */
export const watchdogScript = String.raw`
trap '' HUP INT TERM
while read -r word; do
  [ "$word" = bye ] && exit 0
done

# Sets state, ppid, session, threads and start of process $1. A name may hold anything, line ends too; it ends at the last ")".
look_at() {
  line=
  while IFS= read -r part; do line=$part; done 2>/dev/null < "/proc/$1/stat" || return 1
  set -- ${"$"}{line##*") "}
  [ $# -ge 20 ] || return 1
  state=$1 ppid=$2 session=$4 threads=${"$"}{18} start=${"$"}{20}
}

# Whether the group $1, whose leader started at $2, is still ours: its number may have been given to another leader. To the
# kernel 0 and 1 as the number of a group are everybody in our own, and everybody.
is_ours() {
  [ "$1" -gt 1 ] || return 1
  look_at "$1" || return 0
  [ "$start" = "$2" ]
}

kill_groups() {
  while read -r pid began; do
    [ -n "$pid" ] && is_ours "$pid" "$began" && kill -s KILL -- "-$pid" && found=1
  done < /proc/self/fd/3
}

# Descendants and session members of the jobs, as "pid:start" words, looked up while their parents still live.
list_family() {
  family=' '
  while read -r pid began; do
    [ -n "$pid" ] && is_ours "$pid" "$began" && family="$family$pid:$began "
  done < /proc/self/fd/3
  [ "$family" = ' ' ] && return
  all=
  for path in /proc/[0-9]*; do
    pid=${"$"}{path#/proc/}
    look_at "$pid" && all="$all$pid $ppid $session $start
"
  done
  grew=1
  while [ "$grew" = 1 ]; do
    grew=0
    while read -r pid ppid session start; do
      case $family in *" $pid:"*) continue ;; esac
      case $family in *" $ppid:"* | *" $session:"*) family="$family$pid:$start " grew=1 ;; esac
    done <<LIST
$all
LIST
  done
}

kill_family() {
  for word in $family; do
    pid=${"$"}{word%:*}
    look_at "$pid" && [ "$start" = "${"$"}{word#*:}" ] || continue
    # Of a zombie with threads only the first of them has ended.
    [ "$state" = Z ] && [ "$threads" -le 1 ] && continue
    kill -s KILL "$pid" && found=1
  done
}

kill_marked() {
  # There may be more threads than one program can be given the names of.
  for path in $(printf '%s\0' /proc/[0-9]*/task/*/environ | xargs -0 grep -lsF -e "$marker"); do
    pid=${"$"}{path#/proc/}
    kill -s KILL "${"$"}{pid%%/*}" && found=1
  done
}

# What kills the group as a whole passes over those whose first thread has ended. Who was put there from outside of our PID
# namespace is 0 to us, and 0 to the kernel is us.
kill_fenced() {
  for pid in $(cat "$1"/*/cgroup.procs); do
    [ "$pid" -gt 1 ] && kill -s KILL "$pid" && found=1
  done
}

marker=$1
exec 2>/dev/null
[ -n "$2" ] && echo 1 > "$2/cgroup.kill"
list_family
quiet=0 round=0
while [ "$quiet" -lt 2 ] && [ "$round" -lt 100 ]; do
  found=0 round=$((round + 1))
  kill_groups
  kill_family
  kill_marked
  [ -n "$2" ] && kill_fenced "$2"
  if [ "$found" = 0 ]; then quiet=$((quiet + 1)); else quiet=0; fi
  sleep 0.02 || sleep 1
done
[ -n "$2" ] && rmdir "$2"/* "$2"
exit 0
`;
