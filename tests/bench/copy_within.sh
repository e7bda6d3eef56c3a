#!/usr/bin/env bash
# Restoring a snapshot by cp -r within a mount, beside the same copy from one directory of the disk to another: by turns,
# medians. Both have been read before.
#
#   PITR=build/pitr PITRFS=build/pitrfs copy_within.sh      FILES=10000 RUNS=5
set -eu -o pipefail
cd "$(dirname "$0")/../.."
. tests/bench/copies/copies.bash

make_files "$WORK/orders"
pitr init >/dev/null
cat "$WORK"/orders/* | jq -c . | pitr import --table orders --key id - >/dev/null
sleep 1
T=$(date -u +%FT%T)
sleep 1
mkdir "$WORK/disk"
pitr_mount -o "count_file=$WORK/counts"
count_messages
diff -rq -x .table.json "$WORK/orders" "$MNT/orders/@$T"
for ((run = 1; run <= RUNS; run++)); do
	run_once disk cp -r "$WORK/orders" "$WORK/disk/$run"
	count_messages
	run_once mount cp -r "$MNT/orders/@$T" "$MNT/restore/fixed-$run"
	counts=$(messages)
	run_once committed sync "$MNT"
done
diff -rq -x .table.json "$WORK/orders" "$MNT/fixed-$RUNS"

what="cp -r orders/@T restore/x, $FILES items"
bench_tell copies "$what" us/file "$(per_file mount)" 'at most' 2.5 'ext4 to ext4' "$(per_file disk)" "$counts"
bench_tell copies "$what, until all is committed then" us/file "$(per_file committed)" 'at most' 0
