#!/usr/bin/env bash
# How long closing a small file takes while nothing is forgotten, and while a table of many versions loses its past in the
# background of the same mount.
#
#   PITR=build/pitr PITRFS=build/pitrfs retention_writes.sh      ITEMS=10000 VERSIONS=20 SECONDS_EACH=6
set -eu -o pipefail
. "$(dirname "$0")/../support/bench.bash"
pitr=${PITR:-build/pitr} pitrfs=${PITRFS:-build/pitrfs}
! bench_is_quick || : "${ITEMS:=2000}" "${SECONDS_EACH:=2}"
items=${ITEMS:-10000} versions=${VERSIONS:-20} seconds=${SECONDS_EACH:-6}
work=$(mktemp -d "${TMPDIR:-/tmp}/pitr-retention.XXXXXX")
daemon=

finish() {
	[ -z "$daemon" ] || fusermount3 -u "$work/mnt" || true
	[ -z "$daemon" ] || wait "$daemon" || true
	rm -rf "$work"
}
trap finish EXIT

# Changes of the last 30 days: every item again and again.
changes() {
	awk -v items="$items" -v versions="$versions" -v now="$(date +%s)" 'BEGIN {
		step = 30 * 86400 / (items * versions)
		for (v = 0; v < versions; v++) for (i = 0; i < items; i++) {
			n = v * items + i
			printf "{\"eventName\":\"%s\",\"dynamodb\":{\"ApproximateCreationDateTime\":%.6f,\"SequenceNumber\":\"%d\",", \
				v ? "MODIFY" : "INSERT", now - 31 * 86400 + n * step, n + 1
			printf "\"Keys\":{\"id\":{\"S\":\"%06d\"}},\"NewImage\":{\"id\":{\"S\":\"%06d\"},\"n\":{\"N\":\"%d\"}}}}\n", i, i, n
		}
	}'
}

# measure: closes small files in a table of their own, reading one in ten; prints the median and the 99th percentile of closing, in us.
measure() {
	python3 - "$work/mnt/busy" "$seconds" <<-'END'
		import sys, time
		directory, seconds = sys.argv[1], float(sys.argv[2])
		closing, count = [], 0
		end = time.perf_counter() + seconds
		while time.perf_counter() < end:
		    began = time.perf_counter()
		    with open(f"{directory}/{count % 500}.json", "w") as file:
		        file.write('{"n":%d,"text":"%s"}' % (count, "x" * 200))
		    closing.append(time.perf_counter() - began)
		    count += 1
		    if count % 10 == 0:
		        open(f"{directory}/{(count * 7) % min(count, 500)}.json").read()
		    time.sleep(0.001)
		closing.sort()
		print(*(f"{closing[int(len(closing) * share)] * 1e6:.0f}" for share in (.5, .99)))
	END
}

mkdir "$work/mnt"
"$pitr" init "$work/store" &>/dev/null
changes | "$pitr" --store "$work/store" import --table history - >/dev/null
"$pitrfs" "$work/store" "$work/mnt" -f &
daemon=$!
until mountpoint -q "$work/mnt"; do kill -0 "$daemon"; sleep 0.05; done
mkdir "$work/mnt/busy"

measure >/dev/null
read -r quiet quiet99 <<<"$(measure)"
"$pitr" --store "$work/store" update-continuous-backups --table-name history --point-in-time-recovery-specification \
	PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=1 >/dev/null
read -r busy busy99 <<<"$(measure)"
what="closing a file while $((items * versions / 1000)),000 versions go"
bench_tell mount "$what" us "$busy" 'at most' 1.5 'while none do' "$quiet"
bench_tell mount "$what, 99th of 100" us "$busy99" 'at most' 0 'while none do' "$quiet99"
