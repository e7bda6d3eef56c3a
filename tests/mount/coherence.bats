#!/usr/bin/env bats
# Several mounts and the command line on one store: what one changes the others see within 100 ms, although their
# kernels had it cached.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
	pitr create-table --table-name visits --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=customer,AttributeType=S AttributeName=number,AttributeType=N \
		--key-schema AttributeName=customer,KeyType=HASH AttributeName=number,KeyType=RANGE >/dev/null
	echo '{"id":"1001","total":1}' | pitr put orders
	pitr_mount
	OTHER=$WORK/other
	mkdir "$OTHER"
	pitr_mount_at "$STORE" "$OTHER"
}

teardown() {
	pitr_teardown
}

# soon COMMAND...: true before long. How long it takes as a rule is measured in a test of its own; here a busy machine
# has its time.
soon() {
	local end=$((${EPOCHREALTIME/[.,]/} + 2000000))
	until "$@"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt $end ] || return 1
	done
}

has() {
	grep -qF -- "$2" "$1" 2>/dev/null
}

is_absent() {
	[ ! -e "$1" ]
}

lists() {
	local -a names=("$1"/*)
	[ "${names[*]##*/}" = "$2" ]
}

@test "what the command line changes is seen in a mount that had it cached" {
	local i
	has "$MNT/orders/1001.json" '"total": 1'
	for i in {2..20}; do
		pitr put orders/1001 <<<"{\"total\":$i,\"padding\":\"$(printf "%${i}s")\"}"
		soon has "$MNT/orders/1001.json" "\"total\": $i"
		[ "$(stat -c %s "$MNT/orders/1001.json")" -eq "$(cat "$MNT/orders/1001.json" | wc -c)" ]
	done
	pitr put orders/1002 <<<'{"total":5}'
	soon has "$MNT/orders/1002.json" '"total": 5'
	soon lists "$MNT/orders" '1001.json 1002.json'
	pitr rm orders/1001
	soon is_absent "$MNT/orders/1001.json"
	soon lists "$MNT/orders" 1002.json
}

@test "what a mount changes is seen by the command line at once" {
	local i
	for i in {2..10}; do
		echo "{\"total\":$i}" >"$MNT/orders/1001.json"
		sync "$MNT/orders"
		pitr get orders/1001 | grep -q "\"total\": $i"
	done
	rm "$MNT/orders/1001.json"
	gone() { ! pitr get orders/1001 2>/dev/null; }
	eventually -t 1 gone
}

@test "as a rule it takes less than 100 ms" {
	local i start took=()
	for i in {100..120}; do
		has "$MNT/orders/1001.json" total
		start=${EPOCHREALTIME/[.,]/}
		echo "{\"total\":$i}" >"$OTHER/orders/1001.json"
		soon has "$MNT/orders/1001.json" "\"total\": $i"
		took+=($((${EPOCHREALTIME/[.,]/} - start)))
	done
	printf '%s\n' "${took[@]}" | sort -n | tee "$WORK/took"
	[ "$(sed -n 11p "$WORK/took")" -lt 100000 ]
}

@test "two mounts see each other's items" {
	local i
	for i in {2..12}; do
		echo "{\"total\":$i}" >"$MNT/orders/1001.json"
		soon has "$OTHER/orders/1001.json" "\"total\": $i"
		echo "{\"total\":$i,\"b\":true}" >"$OTHER/orders/1001.json"
		soon has "$MNT/orders/1001.json" '"b": true'
	done
	rm "$MNT/orders/1001.json"
	soon is_absent "$OTHER/orders/1001.json"
	echo '{"total":0}' >"$OTHER/orders/1001.json"
	soon has "$MNT/orders/1001.json" '"total": 0'
	[ "$(pitr status --json | jq '.tables[] | select(.name == "orders") | .changes')" -eq 25 ]
}

@test "two mounts see each other's tables and partitions" {
	mkdir "$MNT/customers"
	soon test -d "$OTHER/customers"
	soon lists "$OTHER" 'customers orders restore visits'
	mkdir "$MNT/visits/ann"
	echo '{"page":"/"}' >"$MNT/visits/ann/1.json"
	soon has "$OTHER/visits/ann/1.json" '"/"'
	soon lists "$OTHER/visits" ann
	rm "$OTHER/visits/ann/1.json"
	soon is_absent "$MNT/visits/ann/1.json"
	rmdir "$OTHER/visits/ann"
	[ -d "$MNT/visits/ann" ]
	rmdir "$MNT/visits/ann"
	pitr put visits/bob/1 <<<'{"page":"/b"}'
	soon has "$MNT/visits/bob/1.json" /b
	pitr rm visits/bob/1
	soon is_absent "$MNT/visits/bob"
	soon lists "$MNT/visits" '*'
	rmdir "$OTHER/customers"
	soon is_absent "$MNT/customers"
	pitr delete-table --table-name visits >/dev/null
	soon is_absent "$MNT/visits"
	pitr create-table --table-name visits --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
	soon test -d "$MNT/visits"
	echo '{"n":1}' >"$MNT/visits/1.json"
	soon has "$OTHER/visits/1.json" '"n": 1'
}

@test ".table.json follows what others do" {
	count() { [ "$(jq .ItemCount "$MNT/orders/.table.json")" = "$1" ]; }
	count 1
	pitr put orders/1002 <<<'{}'
	soon count 2
	[ "$(stat -c %s "$MNT/orders/.table.json")" -eq "$(cat "$MNT/orders/.table.json" | wc -c)" ]
	jq '.DeletionProtectionEnabled = true' "$OTHER/orders/.table.json" >"$WORK/table"
	cp "$WORK/table" "$OTHER/orders/.table.json"
	is_protected() { jq -e .DeletionProtectionEnabled "$MNT/orders/.table.json"; }
	soon is_protected
}

@test "a shell that stands in a directory keeps its way" {
	mkdir "$MNT/customers" "$MNT/visits/ann"
	cd "$MNT/visits/ann"
	local i
	for i in 1 2 3; do
		echo '{}' >"$i.json"
		pitr put "visits/ann/1$i" <<<'{}'
		pitr put "orders/1$i" <<<'{}'
	done
	soon lists . '1.json 2.json 3.json 11.json 12.json 13.json' || soon lists . '1.json 11.json 12.json 13.json 2.json 3.json'
	[ "$(/bin/pwd)" = "$MNT/visits/ann" ]
	cd "$MNT/customers"
	echo '{}' >1.json
	pitr put customers/2 <<<'{}'
	soon lists . '1.json 2.json'
	[ "$(/bin/pwd)" = "$MNT/customers" ]
	cd /
}

@test "an import reaches into past views that were shown" {
	cat >"$WORK/changes.jsonl" <<-'END'
		{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":1740830400,"SequenceNumber":"1","Keys":{"id":{"S":"1"}},"NewImage":{"id":{"S":"1"}}}}
	END
	pitr import --table past "$WORK/changes.jsonl" 2>/dev/null
	soon lists "$MNT/past" 1.json
	lists "$MNT/past/@2025-03-01T13:00:00" 1.json
	lists "$MNT/@2025-03-01T13:00:00" past
	lists "$MNT/@2025-03-01T13:00:00/past" 1.json
	sed 's/1740830400/1740831000/; s/"S":"1"/"S":"2"/g; s/"SequenceNumber":"1"/"SequenceNumber":"2"/' "$WORK/changes.jsonl" >"$WORK/more.jsonl"
	pitr import --table past "$WORK/more.jsonl" 2>/dev/null
	soon lists "$MNT/past/@2025-03-01T13:00:00" '1.json 2.json'
	soon lists "$MNT/@2025-03-01T13:00:00/past" '1.json 2.json'
	[ "$(cat "$MNT/past/@2025-03-01T13:00:00/2.json" | jq -r .id)" = 2 ]
}

# change ID N MINUTE: a line of a file that brings in an item, or changes it.
change() {
	jq -cn --arg id "$1" --arg n "$2" --argjson time $((1740830400 + $3 * 60)) '{
		eventName: (if $n == "1" then "INSERT" else "MODIFY" end),
		dynamodb: { ApproximateCreationDateTime: $time, SequenceNumber: ($n + $id), Keys: { id: { S: $id } },
			NewImage: { id: { S: $id }, n: { N: $n } } } }'
}

@test "an import reaches into past items that are open and were read" {
	local past=$MNT/past/@2025-03-01T13:00:00
	{ change 1 1 0 && change 2 1 0; } >"$WORK/changes.jsonl"
	pitr import --table past "$WORK/changes.jsonl" 2>/dev/null
	pitr_umount
	pitr_mount -o ro
	exec 5<"$past/1.json"
	[ "$(cat "$past/1.json" "$past/2.json" | jq -c .n | paste -sd' ')" = "1 1" ]
	{ change 1 2 10 && change 2 3 10; } >"$WORK/more.jsonl"
	pitr import --table past "$WORK/more.jsonl" 2>/dev/null
	soon has "$past/1.json" '"n": 2'
	soon has "$past/2.json" '"n": 3'
	[ "$(jq .n <&5)" = 1 ]
	exec 5<&-
}

@test "many writers at once lose nothing" {
	local writer i writers=()
	for writer in a b c d; do
		(
			root=$MNT
			[[ $writer == [cd] ]] && root=$OTHER
			for i in {1..100}; do
				echo "{\"n\":$i}" >"$root/orders/$writer$i.json"
				echo "{\"n\":$i,\"by\":\"$writer\"}" >"$root/orders/shared.json"
			done
		) 3>&- &
		writers+=($!)
	done
	for i in {1..20}; do pitr put "orders/e$i" <<<'{}'; done
	wait "${writers[@]}"
	all() { [ "$(ls "$1/orders" | wc -l)" -eq 422 ]; }
	eventually all "$MNT"
	eventually all "$OTHER"
	cmp "$MNT/orders/shared.json" "$OTHER/orders/shared.json"
	[ "$(pitr status --json | jq '.tables[] | select(.name == "orders") | .items')" -eq 422 ]
}

@test "readers see whole versions while others write" {
	(
		for i in {1..150}; do
			head -c $((i * 50)) /dev/zero | tr '\0' "$((i % 10))" | sed 's/.*/{"text":"&"}/' >"$WORK/doc"
			cp "$WORK/doc" "$OTHER/orders/1001.json"
		done
	) 3>&- &
	local writer=$! reads=0
	while kill -0 $writer 2>/dev/null; do
		jq -e '.total == 1 or (.text | test("^(.)\\1*$"))' "$MNT/orders/1001.json" >/dev/null
		reads=$((reads + 1))
	done
	wait $writer
	[ $reads -gt 5 ]
}
