#!/usr/bin/env bash
# How long it takes from the command that mounts a store until the first ls has its answer: of a store of many items and changes, and of
# an empty one, in turns. Beside the times, how many pages of memory the mount has touched by then, which no other process disturbs.
#
#   PITR=build/pitr PITRFS=build/pitrfs BENCH_STORE=build/bench/store-1000000 mount_time.sh      RUNS=21
set -eu -o pipefail
. "$(dirname "$0")/../support/bench.bash"
pitr=${PITR:-build/pitr} pitrfs=${PITRFS:-build/pitrfs} store=${BENCH_STORE:?names a store with a table orders}
runs=${RUNS:-21}
work=$(mktemp -d "${TMPDIR:-/tmp}/pitr-mount-time.XXXXXX")
daemon=

unmount() {
	fusermount3 -u "$work/mnt" || fusermount3 -uz "$work/mnt" || true
	while mountpoint -q "$work/mnt"; do sleep 0.01; done
}

finish() {
	! mountpoint -q "$work/mnt" || unmount
	[ -z "$daemon" ] || wait "$daemon" || true
	rm -rf "$work"
}
trap finish EXIT

mount_and_list() {
	"$pitrfs" "$1" "$work/mnt"
	timeout 60 ls "$work/mnt" >/dev/null
}

# Page faults of the mount until it has answered, all in memory.
faults() {
	"$pitrfs" "$1" "$work/mnt" -f &
	daemon=$!
	until mountpoint -q "$work/mnt"; do kill -0 "$daemon"; sleep 0.01; done
	timeout 60 ls "$work/mnt" >/dev/null
	awk '{ sub(/.*\) /, ""); print $8 }' "/proc/$daemon/stat"
	unmount
	wait "$daemon"
	daemon=
}

mkdir "$work/mnt"
"$pitr" init "$work/empty" &>/dev/null
for ((run = 0; run <= runs; run++)); do
	for which in "$store" "$work/empty"; do
		bench_time "$work/times-$(basename "$which")" mount_and_list "$which"
		unmount
	done
	# The first brings both into memory.
	[ $run -gt 0 ] || rm "$work"/times-*
done
faults "$store" >"$work/faults-store"
faults "$work/empty" >"$work/faults-empty"

items=$("$pitr" --store "$store" status --json | jq "[.. | .items? // empty] | max" | sed ":again; s/\B[0-9]\{3\}\>/,&/; t again")
ms() {
	bench_median "$1" | awk '{ print $1 / 1000 }'
}
bench_tell mount "mounting $items items, until ls answers" ms "$(ms "$work/times-$(basename "$store")")" 'at most' 1.3 \
	'an empty store' "$(ms "$work/times-empty")" "$(cat "$work/faults-store") pages touched; $(cat "$work/faults-empty")"
