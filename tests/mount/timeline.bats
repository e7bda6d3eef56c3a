#!/usr/bin/env bats
# A table's changes over time as a chart: what it counts, what stands out, and the pictures themselves.

bats_require_minimum_version 1.5.0
load ../support/mount

# A table that gets an order a minute for six hours, loses one now and then, and 60 within half a minute.
setup_file() {
	pitr_prepare
	awk 'BEGIN {
		begin = 1740808800
		for (i = 0; i < 360; i++) {
			put(i, begin + i * 60)
			if (i % 40 == 39) remove(i - 1, begin + i * 60)
			if (i == 200)
				for (k = 0; k < 60; k++) remove(100 + k, begin + i * 60 + 1 + int(k / 2))
		}
	}
	function put(key, time) {
		printf "{\"eventName\":\"INSERT\",\"dynamodb\":{\"ApproximateCreationDateTime\":%d,\"Keys\":{\"id\":{\"S\":\"%d\"}},\"NewImage\":{\"id\":{\"S\":\"%d\"}},\"SequenceNumber\":\"%d\"}}\n", time, key, key, ++sequence
	}
	function remove(key, time) {
		if (gone[key]++) return
		printf "{\"eventName\":\"REMOVE\",\"dynamodb\":{\"ApproximateCreationDateTime\":%d,\"Keys\":{\"id\":{\"S\":\"%d\"}},\"OldImage\":{\"id\":{\"S\":\"%d\"}},\"SequenceNumber\":\"%d\"}}\n", time, key, key, ++sequence
	}' >"$BATS_FILE_TMPDIR/orders.jsonl"
	pitr import --table orders "$BATS_FILE_TMPDIR/orders.jsonl"
}

setup() {
	pitr_setup_store
}

@test "the bars add up to what happened, and the burst is named with its author" {
	pitr timeline orders --json >"$WORK/timeline"
	[ "$(jq -c 'select(.table) | [.from, .inserted, .modified, .itemsBefore]' "$WORK/timeline")" = '["2025-03-01T06:00:00Z",360,0,0]' ]
	jq -se '(.[0].removed == ([.[1:][] | .removed // 0] | add)) and (.[0].inserted == ([.[1:][] | .inserted // 0] | add))' "$WORK/timeline"
	[ "$(jq -s '[.[] | select(.spike)] | length' "$WORK/timeline")" -eq 1 ]
	jq -e 'select(.spike) | .spike == "removed" and .from[:19] == "2025-03-01T09:20:01" and .to[:19] == "2025-03-01T09:20:30"
		and .by[0].author == "import of orders.jsonl"' "$WORK/timeline"
	pitr timeline orders >"$WORK/chart"
	grep -Eq '2025-03-01T09:20:01  (5[0-9]|60) deletes in 29 s, by import of orders.jsonl; before it: orders/@seq-[0-9]+/$' "$WORK/chart"
	grep -q '▼' "$WORK/chart"
	# It is as wide as it may be, and no wider.
	[ "$(head -n 18 "$WORK/chart" | wc -L)" -le 80 ]
	COLUMNS=200 pitr timeline orders >"$WORK/wide"
	[ "$(head -n 18 "$WORK/wide" | wc -L)" -gt 100 ]
	# A stretch by numbers has the changes at both its ends, as in log; one before all that can be told has nothing.
	[ "$(pitr timeline orders --from seq-100 --to seq-103 --json | jq -c 'select(.table)
		| [.inserted - .removed, .itemsAfter - .itemsBefore, .inserted + .removed]')" = '[4,4,4]' ]
	[ "$(pitr log orders --from seq-100 --to seq-103 | wc -l)" -eq 4 ]
	[ "$(pitr timeline orders --from seq-1 --to seq-2 --json | jq -c 'select(.table) | [.inserted, .itemsBefore]')" = '[2,0]' ]
	run -1 pitr timeline orders --from 2024-01-01 --to 2024-02-01
	[[ $output == *"--to 2024-02-01 is before 2025-03-01T06:00:00: that is the first state of orders"* ]]
	# A shorter stretch counts only what lies in it.
	[ "$(pitr timeline orders --from 2025-03-01T07:00:00 --to 2025-03-01T07:59:59 --json | jq 'select(.table) | .inserted')" -eq 60 ]
	[ "$(pitr timeline orders --from 2025-03-01T08:00:01 --to 2025-03-01T08:00:20)" = 'nothing changed in orders in that time' ]
}

@test "where the terminal knows no UTF-8 it is plain ASCII, and colours only where they are wanted" {
	LC_ALL=C pitr timeline orders >"$WORK/chart"
	run -1 grep -P '[^\x00-\x7f]|\x1b' "$WORK/chart"
	grep -q '^- deletes  *.*v' "$WORK/chart"
	pitr timeline orders --color=always | grep -q $'\e\\[31m'
}

@test "the picture for a report is whole, valid XML, and says the same" {
	pitr timeline orders --svg "$WORK/chart.svg" >"$WORK/chart"
	[ -s "$WORK/chart" ]
	if command -v xmllint >"$WORK/which"; then
		xmllint --noout "$WORK/chart.svg"
	fi
	grep -q '<svg xmlns="http://www.w3.org/2000/svg"' "$WORK/chart.svg"
	grep -Eq '<title>09:[0-9]{2}: [0-9]+ deletes</title>' "$WORK/chart.svg"
	grep -Eq '>2025-03-01T09:20:01  (5[0-9]|60) deletes in 29 s, by import of orders.jsonl</text>' "$WORK/chart.svg"
	run -1 grep -Ei 'href|url\(|<script' "$WORK/chart.svg"
	pitr timeline orders --svg - | cmp - "$WORK/chart.svg"
	run -1 pitr timeline orders --svg "$WORK/none/chart.svg"
	[[ $output == *"could not be written"* ]]
	run -1 pitr timeline nothing
	run -2 pitr timeline orders more
	run -2 pitr timeline orders --from 2025-03-01T08:00 --to 2025-03-01T07:00
	[[ $output == *"--from is later than --to"* ]]
	run -2 pitr timeline orders --from 2025-03-01T08
	[[ $output == *"--from: cannot read '2025-03-01T08' as a time"* ]]
}
