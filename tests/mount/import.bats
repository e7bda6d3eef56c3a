#!/usr/bin/env bats
# `pitr import`: formats, bad lines, interruptions, order. Nothing is mounted here.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup_store
	cd "$WORK" || return
	echo 1740832200000000 >clock # 2025-03-01T12:30:00Z
	export PITR_CLOCK_FILE=$WORK/clock
}

teardown() {
	pitr_teardown
}

# change TIME SEQUENCE ID N: a Streams record; N "-" removes.
change() {
	if [ "$4" = - ]; then
		printf '{"eventName":"REMOVE","dynamodb":{"ApproximateCreationDateTime":%s,"Keys":{"id":{"S":"%s"}},"SequenceNumber":"%s"}}\n' \
			"$1" "$3" "$2"
	else
		printf '{"eventName":"MODIFY","dynamodb":{"ApproximateCreationDateTime":%s,"Keys":{"id":{"S":"%s"}},"NewImage":{"id":{"S":"%s"},"n":{"N":"%s"}},"SequenceNumber":"%s"}}\n' \
			"$1" "$3" "$3" "$4" "$2"
	fi
}

# sum FILTER: of the JSON summary in the file `summary`.
sum() {
	jq -c "$1" summary
}

@test "Streams records, each at its time" {
	{
		change 1740830000 1 a 1
		change 1740830100 2 b 1
		change 1740830200 3 a 2
		change 1740830300 4 b -
	} >changes
	run --separate-stderr pitr import --table orders changes
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	# shellcheck disable=SC2154
	[ "$stderr" = "orders: 4 lines, 4 changes brought in (2 inserts, 1 modification, 1 removal)
from 2025-03-01T11:53:20 to 2025-03-01T11:58:20" ]
	[ "$(pitr get orders/a@1740830199 | jq .n)" = 1 ]
	[ "$(pitr get orders/a@1740830200 | jq .n)" = 2 ]
	[ "$(pitr get orders/b@1740830299 | jq .n)" = 1 ]
	run pitr get orders/b@1740830300
	[ "$status" -eq 1 ]
	[ "$(pitr status --json | jq -c '.tables[0] | [.items, .changes, .firstChange, .lastChange, .periodDays]')" = \
		'[1,4,"2025-03-01T11:53:20Z","2025-03-01T11:58:20Z",null]' ]
}

@test "Kinesis records name their table, may come twice and out of order" {
	kinesis() {
		printf '{"awsRegion":"us-east-2","eventID":"%s","eventName":"%s","userIdentity":null,"recordFormat":"application/json","tableName":"flights","dynamodb":{"ApproximateCreationDateTime":%s,"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"},"n":{"N":"%s"}},"SizeBytes":1%s},"eventSource":"aws:dynamodb"}\n' "$@"
	}
	micro=',"ApproximateCreationDateTimePrecision":"MICROSECOND"'
	{
		kinesis e2 MODIFY 1740830000002 2 ''
		kinesis e1 INSERT 1740830000001 1 ''
		kinesis e3 MODIFY 1740830000003004 3 "$micro"
		kinesis e1 INSERT 1740830000001 1 ''
	} | pitr import --json - >summary
	[ "$(sum '[.table, .lines, .inserted, .modified, .unchanged]')" = '["flights",4,1,2,1]' ]
	[ "$(sum '[.first, .last]')" = '["2025-03-01T11:53:20.001Z","2025-03-01T11:53:20.003004Z"]' ]
	[ "$(pitr get flights/a@1740830000.003003 | jq .n)" = 2 ]
	[ "$(pitr get flights/a | jq .n)" = 3 ]
}

@test "items in DynamoDB JSON and in plain JSON, now or at a time" {
	printf '{"Item":{"id":{"N":"1"},"b":{"B":"AAEC"}}}\n{"Item":{"id":{"N":"2"}}}\n' >items
	run --separate-stderr pitr import --table items items
	[ "$status" -eq 1 ]
	[[ "$stderr" == "pitr: there is no table items yet, and items do not say what its key is: name it (--key id)"* ]]
	pitr import --table items --key id items
	[ "$(pitr describe-table --table-name items | jq -c .Table.AttributeDefinitions)" = '[{"AttributeName":"id","AttributeType":"N"}]' ]
	[ "$(pitr get items/1 | jq -c .)" = '{"id":1,"b":{"$binary":"AAEC"}}' ]
	printf '{"pk":"x","sk":1,"n":1.50}\n' >plain
	pitr import --table composite --key pk:S,sk:N --at 2024-12-31T23:59:59 plain
	[ "$(pitr get composite/x/1@2025-01-01 | jq -c .)" = '{"pk":"x","sk":1,"n":1.5}' ]
	run pitr get composite/x/1@2024-12-31T23:59:58
	[ "$status" -eq 1 ]
	run pitr import --table items --key a,b,c items
	[ "$status" -eq 2 ]
	run pitr import --table items --at someday items
	[ "$status" -eq 2 ]
}

@test "gzip, several members, and standard input" {
	change 1740830000 1 a 1 | gzip >changes.gz
	change 1740830001 2 a 2 | gzip >>changes.gz
	pitr import --table one changes.gz
	pitr import --table two - <changes.gz
	gunzip <changes.gz | pitr import --table three -
	[ "$(pitr get one/a | jq .n)" = 2 ]
	pitr get one/a@1740830000 >expected
	pitr get two/a@1740830000 | cmp - expected
	pitr get three/a@1740830000 | cmp - expected
	head -c 40 changes.gz >cut.gz
	run --separate-stderr pitr import --table four cut.gz
	[ "$status" -eq 1 ]
	[[ "$stderr" == "pitr: cut.gz: "*"Nothing was imported."* ]]
}

@test "several files are one history" {
	change 1740830002 3 a 3 >first
	change 1740830000 1 a 1 >second
	change 1740830001 2 a 2 | gzip >third
	pitr import --json --table orders first second third >summary
	[ "$(sum '[.inserted, .modified, .removed]')" = '[1,2,0]' ]
	[ "$(pitr get orders/a | jq .n)" = 3 ]
	[ "$(pitr get orders/a@1740830001 | jq .n)" = 2 ]
	run pitr import --table orders first nowhere
	[ "$status" -eq 1 ]
	run pitr import --table orders .
	[ "$status" -eq 1 ]
	[[ "$output" == *"is a directory"* ]]
}

@test "changes of one second keep the order of their sequence numbers" {
	{
		change 1740830000 100000000000000000000000000000000000003 a 3
		change 1740830000 99999999999999999999999999999999999999 a 1
		change 1740830000 100000000000000000000000000000000000002 a -
		change 1740830001 7 a 4
	} >changes
	pitr import --json --table orders changes >summary
	[ "$(sum '[.inserted, .modified, .removed]')" = '[2,1,1]' ]
	[ "$(pitr get orders/a@seq-1 | jq .n)" = 1 ]
	run pitr get orders/a@seq-2
	[ "$status" -eq 1 ]
	[ "$(pitr get orders/a@seq-3 | jq .n)" = 3 ]
	[ "$(pitr get orders/a@1740830000 | jq .n)" = 3 ]
}

@test "a bad line stops the import with nothing written, and says where and why" {
	{
		change 1740830000 1 a 1
		echo '{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":1,"Keys":{"id":{"S":"b"}}}}'
		change 1740830001 2 b 1
	} >changes
	run --separate-stderr pitr import --table orders changes
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$stderr" = "pitr: changes line 2: the change record has no NewImage: record the stream with StreamViewType NEW_IMAGE or NEW_AND_OLD_IMAGES
Nothing was imported. --skip-bad leaves bad lines out." ]
	[ "$(pitr list-tables | jq -c .TableNames)" = '[]' ]
	change 1740832201 3 c 1 >future
	run --separate-stderr pitr import --table orders future
	[ "$status" -eq 1 ]
	[[ "$stderr" == "pitr: future line 1: its time, 2025-03-01T12:30:01Z, is in the future"* ]]
}

@test "--skip-bad counts bad lines and writes them to a file" {
	{
		echo '{broken'
		change 1740830000 1 a 1
		printf 'not \xff utf-8\n'
		echo '{"no":"key"}'
	} >changes
	run --separate-stderr pitr import --skip-bad --json --table orders changes
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.lines, .changes, .bad, .rejects]' <<<"$output")" = '[4,1,3,"import-rejects-20250301T123000Z.jsonl"]' ]
	[[ "$stderr" == *", 3 bad
"*"bad lines, with reasons: import-rejects-20250301T123000Z.jsonl" ]]
	jq -c '[.source, .line]' import-rejects-20250301T123000Z.jsonl >lines
	printf '["changes",1]\n["changes",3]\n["changes",4]\n' | diff - lines
	[ "$(head -1 import-rejects-*.jsonl | jq -r .text)" = '{broken' ]
	[ "$(sed -n 2p import-rejects-*.jsonl | jq -r .base64 | base64 -d | od -An -tx1 | tr -d ' ')" = 6e6f7420ff207574662d38 ]
	jq -e '.error | length > 5' import-rejects-*.jsonl >/dev/null
	pitr import --skip-bad --rejects mine.jsonl --table orders changes
	[ "$(wc -l <mine.jsonl)" = 3 ]
	run pitr import --rejects mine.jsonl --table orders changes
	[ "$status" -eq 2 ]
	change 1740830009 2 a 9 >good
	pitr import --skip-bad --rejects none.jsonl --table orders good
	[ ! -e none.jsonl ]
	run pitr import --skip-bad --rejects /nonexistent/x --table orders changes
	[ "$status" -eq 1 ]
}

@test "an import that was killed goes on when it is run again" {
	pitr incident | head -n 4000 >incident
	pitr import --table whole incident
	"$PITR" --store "$STORE" import --table orders incident >log 2>&1 3>&- &
	while [ "$(pitr status --json | jq '[.tables[] | select(.name == "orders") | .changes] | add // 0')" = 0 ]; do
		kill -0 $! || break
	done
	kill -KILL $! || true
	wait $! || true
	there=$(pitr status --json | jq '.tables[] | select(.name == "orders") | .changes')
	echo "killed with $there of 4000 changes there"
	pitr import --json --table orders incident >summary
	[ "$(sum '[.alreadyThere, .inserted + .modified + .removed]')" = "[$there,$((4000 - there))]" ]
	same='[.tables[] | del(.id, .name, .latest, .earliest)] | .[0] == .[1]'
	[ "$(pitr status --json | jq "$same")" = true ]
	for id in 1002 1003 1500 9999; do
		for at in 2025-03-01T06:05:00 2025-03-01T06:20:00 latest; do
			pitr get orders/$id@$at >one 2>&1 || true
			pitr get whole/$id@$at 2>&1 | sed 's/whole/orders/' | diff - one
		done
	done
	pitr import --json --table orders incident >summary
	[ "$(sum '[.alreadyThere, .inserted + .modified + .removed]')" = '[4000,0]' ]
}

@test "a table's history grows at its end only" {
	{
		change 1740830000 1 a 1
		change 1740830010 2 a 2
	} >changes
	pitr import --table orders changes
	change 1740830005 3 b 1 >late
	run --separate-stderr pitr import --table orders late
	[ "$status" -eq 1 ]
	[ "$stderr" = "pitr: orders: history can only grow at its end: line 1 of late is of 2025-03-01T11:53:25Z, the table's last change is of 2025-03-01T11:53:30Z
Nothing was imported." ]
	change 1740830010 3 b 1 >same
	change 1740830011 4 a 3 >>same
	pitr import --json --table orders changes same >summary
	[ "$(sum '[.alreadyThere, .inserted, .modified]')" = '[2,1,1]' ]
	# What was changed here since then stands at the end too.
	pitr put orders <<<'{"id":"a","n":9}'
	change 1740830020 5 a 4 >later
	run pitr import --table orders later
	[ "$status" -eq 1 ]
	pitr import --json --table orders changes same >summary
	[ "$(sum .alreadyThere)" = 4 ]
}

@test "several key attributes want --key" {
	echo '{"eventName":"INSERT","eventSourceARN":"arn:aws:dynamodb:eu-west-1:1:table/songs/stream/x","dynamodb":{"ApproximateCreationDateTime":1740830000,"Keys":{"pk":{"S":"a"},"sk":{"N":"1"}},"NewImage":{"pk":{"S":"a"},"sk":{"N":"1"}},"SequenceNumber":"1"}}' >changes
	run --separate-stderr pitr import changes
	[ "$status" -eq 1 ]
	[[ "$stderr" == "pitr: there is no table songs yet, and its key has 2 attributes: "*"(--key pk,sk)"* ]]
	pitr import --key pk,sk changes
	[ "$(pitr get songs/a/1 | jq -c .)" = '{"pk":"a","sk":1}' ]
	pitr import changes
	run pitr import --key sk,pk changes
	[ "$status" -eq 1 ]
}

@test "without a source there is nothing to import" {
	run pitr import --table orders
	[ "$status" -eq 2 ]
	run --separate-stderr pitr import --table orders nowhere
	[ "$status" -eq 1 ]
	[[ "$stderr" == "pitr: nowhere: No such file or directory"* ]]
}
