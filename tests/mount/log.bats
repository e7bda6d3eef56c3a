#!/usr/bin/env bats
# Who changed what, and when: log, history, blame, find; authors; paging and colours at a terminal.

bats_require_minimum_version 1.5.0
load ../support/mount

# The store that every test reads is made once.
setup_file() {
	pitr_prepare
	export PITR_CLOCK_FILE=$BATS_FILE_TMPDIR/clock
	at 12:00:00
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
	at 12:01:00
	put 1001 '{"status":"NEW","price":10}'
	put 1002 '{"status":"NEW","price":20}'
	at 12:10:00
	PITR_REASON=INC-17 put 1001 '{"status":"PAID","price":10,"zip":"04109"}'
	at 12:20:00
	pitr rm orders/1002
	at 12:21:00
	pitr restore orders@2025-03-01T12:05 older >/dev/null
	pitr update-continuous-backups --table-name orders \
		--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=7 >/dev/null
	at 12:30:00
	pitr delete-table --table-name orders >/dev/null
}

setup() {
	pitr_setup_store
	cd "$WORK" || return
	export PITR_CLOCK_FILE=$WORK/clock
	at 12:40:00
	unset PITR_REASON PITR_PAGER PAGER NO_COLOR LESS
	me=$(id -un)
}

teardown() {
	pitr_teardown
}

# at TIME: of 2025-03-01, from now on.
at() {
	echo "$(date -u -d "2025-03-01T$1Z" +%s)000000" >"$PITR_CLOCK_FILE"
}

put() {
	printf '%s' "$2" | pitr put "orders/$1"
}

# told TEXT: what was printed, with runs of blanks as one, and times without fractions.
told() {
	local told
	told=$(sed -E 's/(T[0-9:]{8})\.[0-9]+/\1/g; s/ +/ /g; s/ $//' <<<"$output")
	diff <(echo "$1") <(echo "$told")
}

@test "log tells changes newest first, and what became of the table, though it is gone" {
	run --separate-stderr -0 pitr log orders
	told "2025-03-01T12:30:00 table orders dropped pitr delete-table ($me)
2025-03-01T12:21:00 table orders changed: PointInTimeRecovery.PeriodDays: 35 -> 7 pitr update-continuous-backups ($me)
2025-03-01T12:20:00 seq-4 remove orders/1002.json (53 B) pitr rm ($me)
2025-03-01T12:10:00 seq-3 modify orders/1001.json status: \"NEW\" -> \"PAID\", +zip: \"04109\" (72 B) pitr put ($me): INC-17
2025-03-01T12:01:00 seq-2 insert orders/1002.json (53 B) pitr put ($me)
2025-03-01T12:01:00 seq-1 insert orders/1001.json (53 B) pitr put ($me)
2025-03-01T12:00:00 table orders made pitr create-table ($me)"
	run -0 pitr log
	[ "${#lines[@]}" -eq 8 ]
	[[ "${lines[1]}" == *"table  orders changed"* ]]
	[[ "${lines[2]}" == *"table  older restored from orders as of 2025-03-01T12:05:00  pitr restore ("* ]]
	run -0 pitr log orders/1002 --reverse
	told "2025-03-01T12:01:00 seq-2 insert orders/1002.json (53 B) pitr put ($me)
2025-03-01T12:20:00 seq-4 remove orders/1002.json (53 B) pitr rm ($me)"
}

# numbers ARGUMENTS: of the changes that log shows.
numbers() {
	pitr log orders "$@" | sed -nE 's/.*  seq-([0-9]+) .*/\1/p' | paste -sd' '
}

@test "log chooses" {
	[ "$(numbers --from 2025-03-01T12:10:00 --to 2025-03-01T12:19:59)" = "3" ]
	[ "$(numbers --from 2025-03-01T12:10:00 --to 2025-03-01T12:20:00)" = "4 3" ]
	[ "$(numbers --from seq-2 --to seq-3)" = "3 2" ]
	[ -z "$(numbers --to seq-0)" ]
	run -1 pitr log orders --from seq-5
	[ "$output" = "pitr: orders has no state 5 that can be told; there are 0 to 4" ]
	[ "$(numbers --from -31m)" = "4 3" ]
	[ "$(numbers -n 3 --op insert,modify)" = "3 2 1" ]
	[ "$(numbers --op remove --op modify -n1)" = 4 ]
	[ "$(numbers --by 'reason=INC*' --by 'command=*rm*')" = "4 3" ]
	[ "$(numbers --where "status = 'NEW'" --where 'price < 20')" = "3 1" ]
	[ "$(numbers --grep '"status": "NEW"$')" = "4 3 2 1" ]
	[ "$(numbers --grep 'paid' -i)" = 3 ]
	[ -z "$(numbers --grep paid)" ]
	run -1 pitr log orders --op remove --by INC-17
	[ "$output" = "pitr: no such changes" ]
	run -1 pitr log nowhere
	[ "$output" = "pitr: there is no table nowhere, and none that had the name is kept" ]
}

@test "log says what is wrong with what is asked" {
	run -2 pitr log orders --where 'price >'
	[[ "${lines[0]}" == "pitr log: --where price >: at column 8: expected a value after '>', found end of text" ]]
	run -2 pitr log orders --op delete
	run -2 pitr log orders --by color=red
	run -2 pitr log orders --grep '('
	run -2 pitr log orders --from 2025-03-02 --to 2025-03-01
	run -2 pitr log --from seq-1
	[[ "${lines[0]}" == *"change numbers belong to tables; name one" ]]
	run -2 pitr log orders@seq-2
	run -2 pitr log -n many
	run -2 pitr log --color=green
	run -2 pitr find orders
	run -2 pitr find orders --where 'a = 1' --at 2025-03-01T09
	run -2 pitr find orders/1001 --where 'a = 1'
	run -2 pitr blame
	run -2 pitr blame orders 1001 --at never
}

@test "log in full, in counts, as Streams records" {
	run -0 pitr log orders/1001 -p --op modify
	[ "$(tail -n +2 <<<"$output")" = '@@ -1,5 +1,6 @@
 {
   "id": "1001",
   "price": 10,
-  "status": "NEW"
+  "status": "PAID",
+  "zip": "04109"
 }' ]
	run -0 pitr log --stat
	told " INSERTS MODIFIES REMOVALS SIZE FIRST LAST AUTHOR
 2 1 0 +53 B 2025-03-01T12:01:00 2025-03-01T12:10:00 pitr put ($me)
 0 0 1 -22 B 2025-03-01T12:20:00 2025-03-01T12:20:00 pitr rm ($me)
 2 1 1 +31 B 2025-03-01T12:01:00 2025-03-01T12:20:00 in all"
	run -0 pitr log --stat --json --op remove
	[ "$(jq -c '[.author, .inserts, .removals, .growthBytes]' <<<"$output")" = "[\"pitr rm ($me)\",0,1,-22]" ]
	run -0 pitr log --json
	[ "$(jq -c '[.eventName, .dynamodb.Keys.id.S, .author.by, .author.user, .author.group, .author.reason]' <<<"$output" | tail -3)" = \
		"[\"MODIFY\",\"1001\",\"pitr\",\"$me\",\"$(id -gn)\",\"INC-17\"]
[\"INSERT\",\"1002\",\"pitr\",\"$me\",\"$(id -gn)\",null]
[\"INSERT\",\"1001\",\"pitr\",\"$me\",\"$(id -gn)\",null]" ]
}

@test "history and blame of an item" {
	run -0 pitr history orders 1001
	told "2025-03-01T12:10:00 seq-3 modify status: \"NEW\" -> \"PAID\", +zip: \"04109\" (72 B) pitr put ($me): INC-17
2025-03-01T12:01:00 seq-1 insert (53 B) pitr put ($me)"
	[ "$(pitr history orders/1002.json --json --reverse | jq -r .eventName | paste -sd' ')" = "INSERT REMOVE" ]
	run -0 pitr history older 1001
	told "2025-03-01T12:01:00 seq-1 before what can be told"
	run -1 pitr history orders 9
	[ "$output" = "pitr: orders has no item 9" ]
	run --separate-stderr -0 pitr blame orders 1001
	told "2025-03-01T12:01:00 seq-1 pitr put ($me) id: \"1001\"
2025-03-01T12:01:00 seq-1 pitr put ($me) price: 10
2025-03-01T12:10:00 seq-3 pitr put ($me): INC-17 status: \"PAID\"
2025-03-01T12:10:00 seq-3 pitr put ($me): INC-17 zip: \"04109\""
	# shellcheck disable=SC2154
	[[ "$stderr" == "pitr: orders was dropped at 2025-03-01T12:30:00"*"; this is its last state" ]]
	[ "$(pitr blame orders 1001 --at seq-2 --json | jq -c '[.attribute, .value, .sequenceNumber]' | paste -sd' ')" = \
		'["id","1001",1] ["price",10,1] ["status","NEW",1]' ]
	run -1 --separate-stderr pitr blame orders 1002
	[[ "$stderr" == *"orders has no item 1002; it was removed at 2025-03-01T12:20:00"*", and @seq-3 is the last state that has it" ]]
}

@test "find looks into items now, then, and at any time" {
	run -0 pitr find older --where "status = 'NEW'"
	[ "$output" = $'older/1001.json\nolder/1002.json' ]
	[ "$(pitr find orders --where 'price > 10' --at 2025-03-01T12:15)" = orders/1002.json ]
	run -1 pitr find older --where 'price > 100'
	[ -z "$output" ]
	run -0 pitr find orders --where "status = 'NEW'" --any-time
	told "2025-03-01T12:01:00 2025-03-01T12:10:00 seq-1 orders/1001.json
2025-03-01T12:01:00 2025-03-01T12:20:00 seq-2 orders/1002.json"
	run -0 pitr find orders --where 'price < 100' --any-time --from 2025-03-01T12:05 --json
	[ "$(jq -c '[.path, .sequenceNumber, .to[0:16], .item.price]' <<<"$output")" = \
		'["orders/1001.json",1,"2025-03-01T12:10",10]
["orders/1002.json",2,"2025-03-01T12:20",20]
["orders/1001.json",3,null,10]' ]
	run -0 pitr find orders --where 'price < 100' --any-time --to 2025-03-01T12:05
	[ "${#lines[@]}" -eq 2 ]
}

# at_terminal COMMAND: what a terminal sees of it, and its status.
at_terminal() {
	TERM=${TERM_TYPE-xterm} script -qec "'$PITR' --store '$STORE' $1; echo status \$?" /dev/null </dev/null | tr -d '\r'
}

@test "at a terminal it is paged and coloured" {
	export PAGER='sed "s/^/paged: /"'
	run -0 at_terminal 'log older --color=never'
	told "paged: 2025-03-01T12:21:00 table older restored from orders as of 2025-03-01T12:05:00 pitr restore ($me)
status 0"
	run -0 at_terminal 'log orders/1001 -n1'
	[[ "${lines[0]}" == *$'  \e[34mmodify\e[m  orders/1001.json  \e[36mstatus\e[m: "NEW" -> "PAID", \e[32m+zip\e[m: "04109" '* ]]
	NO_COLOR=1 run -0 at_terminal '--no-pager log orders -n1'
	[[ "${lines[0]}" == "2025-03-01T12:30:00"* ]]
	TERM_TYPE=dumb run -0 at_terminal 'log orders --no-pager -n1'
	[[ "${lines[0]}" == "2025-03-01T12:30:00"* ]]
	PITR_PAGER='echo of ours $LESS; cat' run -0 at_terminal 'log orders -n1'
	[[ "${lines[0]}" == "of ours FRX" ]]
	PITR_PAGER='cat' run -0 at_terminal 'log orders -n1'
	[[ "${lines[0]}" == $'\e[33m2025-03-01T12:30:00'* ]]
	# The pager has what is said, too, and the status is the command's.
	run -0 at_terminal 'log orders --by nobody'
	told $'paged: pitr: no such changes\nstatus 1'
	PITR_PAGER='true' run -0 at_terminal 'log orders'
	[ "$output" = "status 0" ]
	PITR_PAGER=/nowhere/pager run -0 at_terminal 'log orders'
	[ "${lines[1]}" = "status 1" ]
}

@test "elsewhere it is neither, unless colours are wanted" {
	export PAGER='exit 3'
	[ "$(pitr log orders -n1 --color=always | head -c5)" = $'\e[33m' ]
	run -0 pitr log orders -n1
	[[ "$output" == "2025-03-01T12:30:00"* ]]
}

@test "the mount notes user, group, process and reason" {
	require_fuse
	STORE=$WORK/own
	pitr_store "$STORE"
	pitr_mount -o xattr
	mkdir "$MNT/orders"
	echo '{"id":"1001"}' >new
	PITR_REASON='INC-17 "quoted"' cp new "$MNT/orders/1001.json"
	local author pid
	author=$(getfattr --only-values -n user.pitr.author "$MNT/orders/1001.json")
	pid=$(jq .pid <<<"$author")
	[ "$(jq -c del\(.pid\) <<<"$author")" = "{\"by\":\"mount\",\"user\":\"$me\",\"uid\":$(id -u),\"gid\":$(id -g),\"group\":\"$(id -gn)\",\"process\":\"cp\",\"reason\":\"INC-17 \\\"quoted\\\"\"}" ]
	# The same process number with another program is another reason.
	(PITR_REASON=first exec sh -c 'echo "{\"a\":1}" >"$0/1002.json"; PITR_REASON=second exec cp new "$0/1001.json"' "$MNT/orders")
	rm "$MNT/orders/1002.json"
	# Looking waits until it is committed.
	run -1 test -e "$MNT/orders/1002.json"
	run -0 pitr log orders --op insert,remove --json
	[ "$(jq -c '[.author.process, .author.reason]' <<<"$output" | paste -sd' ')" = \
		'["rm",null] ["sh","first"] ["cp","INC-17 \"quoted\""]' ]
	[[ "$(pitr log orders --grep 1001 --by cp)" == *"  cp ($me, pid $pid): INC-17 \"quoted\"" ]]
	# Of settings is told what somebody chose, not what is noted with it.
	mkdir "$MNT/visits"
	sed 's/"id"/"ip"/' "$MNT/visits/.table.json" >new
	cat new >"$MNT/visits/.table.json"
	run -0 pitr log visits
	[[ "${lines[0]}" == *"table  visits changed: "*'"id" -> "ip"'* && "${lines[0]}" != *KeysFrom* ]]
}

@test "what TTL deleted is told apart" {
	STORE=$WORK/own
	pitr_store "$STORE"
	rm "$PITR_CLOCK_FILE"
	cat >records <<-'END'
		{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":1740830400,"Keys":{"id":{"S":"1"}},"NewImage":{"id":{"S":"1"}},"SequenceNumber":"1"}}
		{"eventName":"REMOVE","dynamodb":{"ApproximateCreationDateTime":1740830401,"Keys":{"id":{"S":"1"}},"OldImage":{"id":{"S":"1"}},"SequenceNumber":"2"},"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}}
	END
	pitr import --table orders --key id records 2>/dev/null || pitr import --table orders records
	run -0 pitr history orders 1
	told "2025-03-01T12:00:01 seq-2 remove (16 B) TTL
2025-03-01T12:00:00 seq-1 insert (16 B) import of records"
	[ "$(numbers --by service=ttl)" = 2 ]
}
