#!/usr/bin/env bash
# Memory of the mount: its peak resident set while `find` walks a table of many items twice, while grep reads a part of it in order (what
# is prefetched is in it), and while one item is read at each of many instants, twice. For -o ro and a snapshot, and for a writable mount
# and the live table. Not to be above 64 MiB, nor to grow from one walk to the next.
#
#   PITR=build/pitr PITRFS=build/pitrfs BENCH_STORE=build/bench/store-1000000 memory.sh      FILES=50000 INSTANTS=5000
set -eu -o pipefail
. "$(dirname "$0")/../support/bench.bash"
pitr=${PITR:-build/pitr} pitrfs=${PITRFS:-build/pitrfs} store=${BENCH_STORE:?names a store with a table orders}
! bench_is_quick || : "${FILES:=10000}" "${INSTANTS:=1000}"
files=${FILES:-50000} instants=${INSTANTS:-5000}
work=$(mktemp -d "${TMPDIR:-/tmp}/pitr-memory.XXXXXX")
daemon=

unmount() {
	fusermount3 -u "$work/mnt" || fusermount3 -uz "$work/mnt" || true
	wait "$daemon" || true
	daemon=
}

finish() {
	[ -z "$daemon" ] || unmount
	rm -rf "$work"
}
trap finish EXIT

# The peak since it was asked for last, in KiB, into the variable named, and into `most` when it is the most so far.
peak() {
	local -n kib=$1
	# shellcheck disable=SC2034
	kib=$(awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status")
	[ "$kib" -le "$most" ] || most=$kib
	echo 5 >"/proc/$daemon/clear_refs"
}

# Messages so far.
messages() {
	rm -f "$work/counts"
	kill -USR1 "$daemon"
	until [ -s "$work/counts" ]; do sleep 0.01; done
	jq 'add' "$work/counts"
}

walk() {
	local found
	found=$(timeout 300 find "$1" -name '*.json' -not -name '.*' | wc -l)
	[ "$found" -eq "$items" ] || { echo "memory.sh: $found of $items items were found" >&2 && exit 1; }
}

# A part of the table, in the order it is listed.
grep_part() {
	seq -f "$1/order-%07.0f.json" 0 $((files - 1)) | timeout 300 xargs grep -h '"customer": "customer-7"' | wc -l >/dev/null
}

read_instants() {
	local i
	for ((i = 0; i < instants; i++)); do
		printf '%s/orders/@%d.%06d/order-%07d.json\n' "$work/mnt" $((1735689600 + items / 100 + i)) "$i" $((i % items))
	done | timeout 300 xargs cat >/dev/null
}

# measure NAME OPTIONS DIRECTORY
measure() {
	local first second rest most=0 name=$1 before counts
	"$pitrfs" "$store" "$work/mnt" -f -o "${2}count_file=$work/counts" &
	daemon=$!
	until mountpoint -q "$work/mnt"; do kill -0 "$daemon"; sleep 0.01; done
	before=$(messages)
	walk "$work/mnt/$3"
	counts=$(awk -v messages="$(($(messages) - before))" -v items="$items" 'BEGIN { printf "%.4f messages/item", messages / items }')
	peak first
	echo "  $name: $first KiB in the first walk" >&2
	walk "$work/mnt/$3"
	peak second
	echo "  $name: $second KiB in the second" >&2
	grep_part "$work/mnt/$3"
	read_instants
	read_instants
	peak rest
	echo "  $name: $rest KiB in reading $files files, and one at $instants instants twice" >&2
	unmount
	bench_tell mount "memory, $name" MiB "$(awk -v kib="$most" 'BEGIN { print kib / 1024 }')" 'at most' 64 '' '' "$counts"
	bench_tell mount "memory again, $name" KiB "$second" 'at most' 1.1 'first walk' "$first"
}

mkdir "$work/mnt"
items=$("$pitr" --store "$store" status --json | jq '.tables[] | select(.name == "orders").items')
last=$((1735689600 + items / 10 - 1))
many=$(sed ':again; s/\B[0-9]\{3\}\>/,&/; t again' <<<"$items")
measure "walking $many items, -o ro" ro, "orders/@$last"
measure "walking $many items, writable" "" orders
