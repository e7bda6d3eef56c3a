#!/usr/bin/env bash
# How long closing a small file takes while nothing is forgotten, and while a table of many versions loses its past in the
# background of the same mount. The two lines are to be alike.
#
#   PITR=build/pitr PITRFS=build/pitrfs retention_writes.sh      ITEMS=20000 VERSIONS=20 SECONDS_EACH=10
set -eu -o pipefail
pitr=${PITR:-build/pitr} pitrfs=${PITRFS:-build/pitrfs}
[ -z "${QUICK-}" ] || : "${ITEMS:=2000}" "${SECONDS_EACH:=3}"
items=${ITEMS:-20000} versions=${VERSIONS:-20} seconds=${SECONDS_EACH:-10}
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

# measure WHAT: closes small files in a table of their own, reading one in ten.
measure() {
	python3 - "$work/mnt/busy" "$seconds" "$1" <<-'END'
		import sys, time
		directory, seconds, what = sys.argv[1], float(sys.argv[2]), sys.argv[3]
		closing, reading, count = [], [], 0
		end = time.perf_counter() + seconds
		while time.perf_counter() < end:
		    began = time.perf_counter()
		    with open(f"{directory}/{count % 500}.json", "w") as file:
		        file.write('{"n":%d,"text":"%s"}' % (count, "x" * 200))
		    closing.append(time.perf_counter() - began)
		    count += 1
		    if count % 10 == 0:
		        began = time.perf_counter()
		        open(f"{directory}/{(count * 7) % min(count, 500)}.json").read()
		        reading.append(time.perf_counter() - began)
		    time.sleep(0.001)
		def at(times, share):
		    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000
		print(f"{what:<28} {count} written; ms: " + "; ".join(
		    f"{kind} " + " ".join(f"{name} {at(times, share):.2f}" for name, share in
		        (("median", .5), ("p99", .99), ("p99.9", .999), ("most", 1)))
		    for kind, times in (("close", closing), ("read", reading))))
	END
}

used() {
	"$pitr" --store "$work/store" status --json | jq -c '[.. | numbers] | max' 2>/dev/null || true
}

mkdir "$work/mnt"
"$pitr" init "$work/store" >/dev/null
changes | "$pitr" --store "$work/store" import --table history - >/dev/null
"$pitrfs" "$work/store" "$work/mnt" -f &
daemon=$!
until mountpoint -q "$work/mnt"; do kill -0 "$daemon"; sleep 0.05; done
mkdir "$work/mnt/busy"

measure 'warming up' >/dev/null
measure 'nothing is forgotten'
"$pitr" --store "$work/store" update-continuous-backups --table-name history --point-in-time-recovery-specification \
	PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=1 >/dev/null
measure "$((items * versions)) versions are forgotten"
