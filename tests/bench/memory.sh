#!/usr/bin/env bash
# Memory of the mount: its own peak resident set while `find` walks a table of many items twice, and after reading
# one item at many different instants. The figures must not grow from one step to the next.
#
#   PITR=build/pitr PITRFS=build/pitrfs memory.sh      ITEMS=1000000 INSTANTS=10000
set -eu -o pipefail
pitr=${PITR:-build/pitr} pitrfs=${PITRFS:-build/pitrfs}
[ -z "${QUICK-}" ] || : "${ITEMS:=100000}" "${INSTANTS:=2000}"
items=${ITEMS:-1000000} instants=${INSTANTS:-10000}
work=$(mktemp -d "${TMPDIR:-/tmp}/pitr-memory.XXXXXX")
daemon=

finish() {
	[ -z "$daemon" ] || fusermount3 -u "$work/mnt" || true
	[ -z "$daemon" ] || wait "$daemon" || true
	rm -rf "$work"
}
trap finish EXIT

peak() {
	local now most
	now=$(awk '/^VmRSS/{print $2}' "/proc/$daemon/status")
	most=$(awk '/^VmHWM/{print $2}' "/proc/$daemon/status")
	# The store's pages are the page cache's, not the mount's: count what is its own.
	local own
	own=$(awk '/^RssAnon/{print $2}' "/proc/$daemon/status")
	printf '%-44s resident %7d KiB   peak %7d KiB   of its own %6d KiB\n' "$1" "$now" "$most" "$own"
}

mkdir "$work/mnt"
"$pitr" init "$work/store" >/dev/null
seq "$items" | awk '{printf "{\"id\":\"%07d\",\"n\":%d,\"text\":\"item number %d\"}\n", $1, $1, $1}' |
	"$pitr" --store "$work/store" import --table things --key id - >/dev/null
"$pitrfs" "$work/store" "$work/mnt" -f -o ro &
daemon=$!
until mountpoint -q "$work/mnt"; do kill -0 "$daemon"; sleep 0.05; done

peak 'mounted'
find "$work/mnt/things" -type f | wc -l | sed 's/^/  find: /'
peak "find over $items items"
find "$work/mnt/things" -type f | wc -l | sed 's/^/  find: /'
peak 'find again'
now=$(date +%s)
for ((i = 0; i < instants; i++)); do printf '%s/things/@%d.%06d/%07d.json\n' "$work/mnt" "$now" "$i" $((i % items + 1)); done >"$work/paths"
sleep 1
xargs cat <"$work/paths" | wc -c | sed 's/^/  bytes read: /'
peak "$instants instants"
xargs cat <"$work/paths" | wc -c | sed 's/^/  bytes read: /'
peak 'the same again'
