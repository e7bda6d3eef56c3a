#!/usr/bin/env bats
# The three scenarios of the public guide to point-in-time recovery, with the tools people would use. Each ends in the right
# state, item for item: what is right is worked out by jq from the file that was imported, and from nothing else.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	cd "$WORK" || return
	export PITR_CLOCK_FILE=$WORK/clock
}

teardown() {
	cd /
	pitr_teardown
}

now() {
	echo "$(date -u -d "$1" +%s)000000" >"$PITR_CLOCK_FILE"
}

# The items of a table, one a line, by key: what the command line tells, and what stands in the mount.
plain='def plain: if has("S") then .S elif has("N") then (.N | tonumber) elif has("M") then (.M | map_values(plain))
	elif has("L") then (.L | map(plain)) else error("another type") end;'
scan() {
	pitr scan --table-name "$1" | jq -cS "$plain .Items[] | map_values(plain)" | sort
}
files() {
	find "$1" -name '*.json' ! -name .table.json -exec cat {} + | jq -cS . | sort
}

# truth FILTER FILE: the state that those records make which the filter lets through.
truth() {
	jq -s -cS "$plain [.[] | select($1)] | reduce .[] as \$r ({};
		if \$r.eventName == \"REMOVE\" then del(.[\$r.dynamodb.Keys | tostring])
		else .[\$r.dynamodb.Keys | tostring] = \$r.dynamodb.NewImage end) | .[] | map_values(plain)" "$2" | sort
}

# morning: Streams records of orders. They come in from 06:00 on; from 09:15:01 to 09:15:40 a script removes the first 5,000;
# all the time, then too, others come in and are paid.
morning() {
	awk '
	function put(name, time, id, status) {
		printf "{\"eventName\":\"%s\",\"dynamodb\":{\"ApproximateCreationDateTime\":%.3f,\"SequenceNumber\":\"%021d\",\"Keys\":{\"id\":{\"S\":\"%s\"}}%s}}\n",
			name, time, ++sequence, id, status == "" ? "" : sprintf(",\"NewImage\":{\"id\":{\"S\":\"%s\"},\"status\":{\"S\":\"%s\"},\"total\":{\"N\":\"%d.5\"}}", id, status, id)
	}
	BEGIN {
		for (i = 1; i <= 5300; i++) put("INSERT", 1740808800 + i * 2, i, "PLACED")
		for (i = 1; i <= 5000; i++) {
			put("REMOVE", 1740820501 + i * 0.0078, i, "")
			if (i % 250 == 0) put("INSERT", 1740820501 + i * 0.0078, 6000 + i / 250, "PLACED")
			if (i % 100 == 0) put("MODIFY", 1740820501 + i * 0.0078, 5000 + i / 100, "PAID")
		}
		for (i = 1; i <= 200; i++) put(i % 2 ? "INSERT" : "MODIFY", 1740820800 + i, i % 2 ? 7000 + i : 5100 + i, i % 2 ? "PLACED" : "SHIPPED")
	}'
}

@test "a script removed 5,000 orders at 9:15, and orders went on before and after" {
	morning >records
	now 2025-03-01T10:30:00Z
	pitr import --table orders records
	truth '.eventName != "REMOVE"' records >right
	truth '.dynamodb.ApproximateCreationDateTime <= 1740820500' records >before
	[ "$(wc -l <right)" -eq 5420 ]
	[ "$(wc -l <before)" -eq 5300 ]
	pitr_mount -o "clock_file=$PITR_CLOCK_FILE"
	[ ! -e "$MNT/orders/1002.json" ]
	window=(pitr undo --table orders --from 2025-03-01T09:15 --to 2025-03-01T09:16 --op remove)
	run -0 "${window[@]}" --dry-run
	[ "${lines[-2]}" = "orders, 2025-03-01T09:15:00Z to 2025-03-01T09:16:00Z: 5000 changes chosen; nothing was done yet" ]
	[ "${lines[-1]}" = "  5000 items come back" ]

	"${window[@]}" --in-place
	scan orders | diff - right
	eventually [ -e "$MNT/orders/1002.json" ]
	[ "$(jq -r .id "$MNT/orders/1002.json")" = 1002 ]

	# The table as it was at 9:15, which lacks what came later, and what the orders were while they were gone.
	pitr restore-table-to-point-in-time --source-table-name orders --target-table-name orders-0915 \
		--restore-date-time 2025-03-01T09:15:00Z >/dev/null
	scan orders-0915 | diff - before
	pitr scan --table-name orders --at 2025-03-01T10:00:00 --select COUNT | jq -e '.Count == 420'
}

# edits: one a line, BLOCK ATTRIBUTE VALUE ID. A deployment writes wrong prices, and right labels, in six blocks; after each the
# shop sells, also what has a wrong price just then, and changes prices of other things and of one that was wrong.
edits() {
	local round id
	for round in 0 1 2 3 4 5; do
		for ((id = round * 20; id < round * 20 + 20; id++)); do
			echo "deploy-$round price 0.01 $id"
		done
		for ((id = 150 + round; id < 180; id += 6)); do
			echo "deploy-$round label $round $id"
		done
		echo "deploy-$round price 0.01 $((round * 7))"
		for ((id = round; id < 140; id += 3)); do
			echo "shop-$round stock $((50 - round)) $id"
		done
		for ((id = 150 + round; id < 180; id += 6)); do
			echo "shop-$round price $((id + round)).5 $id"
		done
	done
	echo "shop-5 price 4.5 5"
}

# blocks: Streams records of the edits, whole images as if all had been made, from 10:00 on, with the block each belongs to.
blocks() {
	jq -nR -c --slurpfile base base 'foreach inputs as $line (
		{ time: 1740823200, items: ($base | map({ (.id): . }) | add) };
		($line | split(" ")) as [$block, $attribute, $value, $id] | .time += 3 | .block = $block | .key = "p" + $id
		| .items[.key][$attribute] = ($value | tonumber);
		{ block, record: { eventName: "MODIFY", dynamodb: { ApproximateCreationDateTime: .time,
			SequenceNumber: "\(.time)", Keys: { id: { S: .key } }, NewImage: (.items[.key]
				| map_values(if type == "string" then { S: . } else { N: tostring } end)) } } })' edits
}

@test "a deployment wrote wrong prices for an hour, and others wrote good ones" {
	for id in {0..199}; do
		echo "{\"id\":\"p$id\",\"price\":$id.5,\"stock\":100,\"label\":-1}"
	done >base
	edits >edits
	# What is right: everything but the wrong prices.
	jq -nR -cS --slurpfile base base '($base | map({ (.id): . }) | add) as $items
		| reduce (inputs | split(" ")) as [$block, $attribute, $value, $id] ($items;
			if $value == "0.01" then . else .["p" + $id][$attribute] = ($value | tonumber) end) | .[]' edits | sort >right
	now 2025-03-01T11:30:00Z
	pitr import --table products --key id --at 2025-03-01T08:00 base
	blocks >blocks
	for block in {deploy,shop}-{0..5}; do
		jq -c --arg block "$block" 'select(.block == $block).record' blocks >"$block"
	done
	for round in 0 1 2 3 4 5; do
		pitr import --table products deploy-$round
		pitr import --table products shop-$round
	done
	[ "$(scan products | jq -s 'map(select(.price == 0.01)) | length')" -eq 119 ]

	window=(pitr undo --table products --from 2025-03-01T10:00 --to 2025-03-01T11:00 --by 'source=deploy-*' --where 'price < 1')
	# What the shop sold in between are conflicts: they would be left as they are.
	run --separate-stderr -1 "${window[@]}" --dry-run --json
	[ "$(jq -s 'map(select(.action == "conflict")) | length' <<<"$output")" -gt 50 ]
	[ "$(tail -1 <<<"$output" | jq .dryRun)" = true ]
	[ "$(scan products | jq -s 'map(select(.price == 0.01)) | length')" -eq 119 ]

	# Attribute by attribute only one is left, whose price the shop has set right itself.
	run --separate-stderr -1 "${window[@]}" --conflicts merge --into products-fixed
	[ "$(grep -c '^conflict' <<<"$output")" -eq 1 ]
	[ "${lines[0]}" = "conflict   p5.json" ]
	[[ $output == *"undone in products-fixed"*"1 conflict is left alone"* ]]
	scan products-fixed | diff - right
	run -1 "${window[@]}" --conflicts merge --in-place
	scan products | diff - right
	pitr_mount -o "clock_file=$PITR_CLOCK_FILE"
	files "$MNT/products" | diff - right
}

# booking TIME ACCOUNT ENTRY AMOUNT: a Streams record; AMOUNT "-" removes.
booking() {
	local keys="\"account\":{\"S\":\"$2\"},\"entry\":{\"N\":\"$3\"}" name=MODIFY image=
	if [ "$4" = - ]; then
		name=REMOVE
	else
		image=",\"NewImage\":{$keys,\"amount\":{\"N\":\"$4\"},\"text\":{\"S\":\"entry $3\"}}"
	fi
	echo "{\"eventName\":\"$name\",\"dynamodb\":{\"ApproximateCreationDateTime\":$1,\"SequenceNumber\":\"$1\",\"Keys\":{$keys}$image}}"
}

# settings TABLE: what a restore has to carry over.
settings() {
	pitr describe-table --table-name "$1" | jq -S '.Table | {KeySchema, AttributeDefinitions,
		BillingModeSummary: .BillingModeSummary.BillingMode, ReadUnits: .ProvisionedThroughput.ReadCapacityUnits,
		GSI: [.GlobalSecondaryIndexes[]? | {IndexName, KeySchema, Projection}]}'
}

@test "an auditor wants the books as of the quarter's end" {
	end=$(date -u -d 2025-03-31T23:59:59Z +%s)
	now 2025-03-20T08:00:00Z
	pitr create-table --table-name books --billing-mode PROVISIONED --provisioned-throughput ReadCapacityUnits=7,WriteCapacityUnits=3 \
		--attribute-definitions AttributeName=account,AttributeType=S AttributeName=entry,AttributeType=N \
		--key-schema AttributeName=account,KeyType=HASH AttributeName=entry,KeyType=RANGE >/dev/null
	settings books >settings
	# Entries of eleven days before the end and nine after it; some of the quarter's are changed or removed later.
	for i in {1..60}; do
		booking $((end - 950000 + i * 15000)) "acc-$((i % 7))" "$i" "$i.25"
	done >bookings
	booking "$end" acc-0 100 1000 >>bookings
	booking $((end + 1)) acc-0 101 1001 >>bookings
	for i in {1..40}; do
		booking $((end + i * 15000)) "acc-$((i % 7))" $((i * 2)) "$(((i * 7) % 3 ? i : 0))"
		[ $((i % 5)) -ne 0 ] || booking $((end + i * 15000 + 1)) "acc-$((i % 7))" "$i" -
	done >>bookings
	now 2025-04-10T09:00:00Z
	pitr import --table books bookings
	pitr update-table --table-name books --billing-mode PAY_PER_REQUEST >/dev/null
	truth ".dynamodb.ApproximateCreationDateTime <= $end" bookings >right
	[ "$(wc -l <right)" -eq 61 ]
	run ! diff <(scan books) right

	# On the auditor's day: by the command of the guide, and by copying a directory.
	now 2025-04-20T09:00:00Z
	pitr restore-table-to-point-in-time --source-table-name books --target-table-name books-2025q1 \
		--restore-date-time 2025-03-31T23:59:59Z >/dev/null
	pitr_mount -o "clock_file=$PITR_CLOCK_FILE"
	cp -r "$MNT/books/@2025-03-31T23:59:59" "$MNT/restore/books-audit"
	for table in books-2025q1 books-audit; do
		eventually [ -d "$MNT/$table" ]
		scan $table | diff - right
		files "$MNT/$table" | diff - right
		settings $table | diff settings -
	done
	diff -r --exclude=.table.json "$MNT/books/@2025-03-31T23:59:59" "$MNT/books-audit"
	diff -r --exclude=.table.json "$MNT/books-2025q1" "$MNT/books-audit"
	[ "$(settings books | jq -r .BillingModeSummary)" = PAY_PER_REQUEST ]
}
