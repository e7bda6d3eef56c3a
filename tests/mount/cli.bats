#!/usr/bin/env bats
# Every verb of the command line: what it prints and where, its exceptions, its exit status. Nothing is mounted here.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup_store
	unset PITR_REASON PITR_TZ PITR_CLOCK_FILE
	cd "$WORK" || return
}

teardown() {
	pitr_teardown
}

make_orders() {
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
}

make_songs() {
	pitr create-table --table-name songs --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=artist,AttributeType=S AttributeName=year,AttributeType=N \
		--key-schema AttributeName=artist,KeyType=HASH AttributeName=year,KeyType=RANGE >/dev/null
}

# expect STATUS STDOUT STDERR, after `run --separate-stderr`.
expect() {
	# shellcheck disable=SC2154
	printf 'status %s\nstdout: %s\nstderr: %s\n' "$status" "$output" "$stderr"
	[ "$status" -eq "$1" ] && [ "$output" = "$2" ] && [ "$stderr" = "$3" ]
}

# exception NAME OPERATION TEXT, likewise. (`run` takes away the empty line in front.)
exception() {
	expect 1 "" "An error occurred ($1) when calling the $2 operation: $3"
}

# --- The program -------------------------------------------------------------------------------------------------

@test "without a verb it shows how it is used, on stderr, status 2" {
	run --separate-stderr "$PITR"
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[[ "$stderr" == "usage: pitr"* ]]
}

@test "unknown verbs and options are wrong usage" {
	run --separate-stderr "$PITR" frobnicate
	expect 2 "" "pitr: there is no verb frobnicate; \`pitr help\` lists them"
	run --separate-stderr pitr status --frobnicate
	expect 2 "" "pitr status: unknown option --frobnicate
\`pitr help status\` shows how it is used."
	run --separate-stderr pitr get-item --table-name
	[ "$status" -eq 2 ]
	run --separate-stderr "$PITR" --frobnicate status
	[ "$status" -eq 2 ]
}

@test "help tells of every verb, on stdout" {
	"$PITR" --version | grep -qx 'pitr [0-9.]*'
	"$PITR" help >help
	"$PITR" --help | cmp - help
	verbs=$(awk '/^  [a-z-]+ / { print $1 }' help)
	for verb in init mount umount status import put get rm restore backup hold settings gc du \
		create-table describe-table list-tables delete-table put-item get-item delete-item; do
		grep -qx "$verb" <<<"$verbs"
	done
	for verb in $verbs; do
		"$PITR" help "$verb" >one 2>two
		head -1 one | grep -q "^usage: pitr $verb"
		[ ! -s two ]
		"$PITR" "$verb" --help | cmp - one
	done
}

@test "the store: --store before or after the verb, PITR_STORE, the default" {
	"$PITR" status --store "$STORE" | grep -q "^store *$STORE$"
	PITR_STORE=$STORE "$PITR" status | grep -q "^store *$STORE$"
	PITR_STORE=/nonexistent "$PITR" --store "$STORE" status | grep -q "^store *$STORE$"
	run --separate-stderr env -u PITR_STORE "$PITR" status
	expect 1 "" "pitr: there is no store at $HOME/.local/share/pitr; make one with: pitr init $HOME/.local/share/pitr"
	env -u PITR_STORE "$PITR" init
	env -u PITR_STORE "$PITR" status | grep -q "^store *$HOME/.local/share/pitr$"
}

@test "a full or closed output is a failure, a reader that goes away is none" {
	make_orders
	run bash -c '"$PITR" --store "$STORE" list-tables >/dev/full'
	[ "$status" -eq 1 ]
	[[ "$output" == "pitr: standard output: No space left on device" ]]
	run bash -c 'set -o pipefail; "$PITR" --store "$STORE" incident | head -n 1 >/dev/null'
	[ "$status" -eq 0 ] || [ "$status" -eq 141 ]
}

# --- init and status ---------------------------------------------------------------------------------------------

@test "init makes a store once, and only in an empty directory" {
	run --separate-stderr "$PITR" init deep/new
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ "$stderr" == "made an empty store: deep/new"* ]]
	run --separate-stderr "$PITR" init deep/new
	expect 1 "" "pitr: deep/new is a store already"
	mkdir full
	touch full/file
	run "$PITR" init full
	[ "$status" -eq 1 ]
	run "$PITR" init one two
	[ "$status" -eq 2 ]
	[ "$(stat -c %a deep/new)" = 700 ]
}

@test "status tells the store, its tables and its mounts" {
	make_orders
	echo '{"id":"1","n":12}' | pitr put orders
	pitr status >text
	grep -qx "store     $STORE" text
	grep -qx "mounted   nowhere" text
	grep -Eq '^orders +1 +6 B +1 +20[0-9T:.-]+ +20[0-9T:.-]+ +35 days$' text
	pitr status --json >json
	[ "$(jq -r .store json)" = "$STORE" ]
	[ "$(jq -c '[.mounts, .tables[0].name, .tables[0].items, .tables[0].bytes, .tables[0].changes, .tables[0].periodDays]' json)" = \
		'[[],"orders",1,6,1,35]' ]
	[ "$(jq -r '.tables[0].firstChange == .tables[0].lastChange' json)" = true ]
	[ "$(jq .pendingJournals json)" = 0 ]
}

# --- Tables ------------------------------------------------------------------------------------------------------

@test "create-table, describe-table, delete-table answer as AWS does" {
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >created
	[ "$(jq -c '.TableDescription | [.TableName, .TableStatus, .KeySchema, .AttributeDefinitions, .ItemCount, .BillingModeSummary]' created)" = \
		'["orders","ACTIVE",[{"AttributeName":"id","KeyType":"HASH"}],[{"AttributeName":"id","AttributeType":"S"}],0,{"BillingMode":"PAY_PER_REQUEST"}]' ]
	pitr put-item --table-name orders --item '{"id":{"S":"1"}}'
	pitr describe-table --table-name orders >described
	[ "$(jq .Table.ItemCount described)" = 1 ]
	jq -r .Table.CreationDateTime described | grep -Eqx '20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{6})?\+00:00'
	jq --indent 4 . described | cmp - described
	pitr describe-table --table-name "$(jq -r .Table.TableArn described)" | cmp - described
	pitr delete-table --table-name orders >deleted
	[ "$(jq -r .TableDescription.TableStatus deleted)" = DELETING ]
	[ "$(jq -r .TableDescription.TableId deleted)" = "$(jq -r .Table.TableId described)" ]
	[ "$(pitr list-tables | jq -c .TableNames)" = '[]' ]
}

@test "create-table takes AWS's options in shorthand, in JSON, and from files" {
	pitr create-table --table-name songs --region eu-west-1 --profile me --output json --no-cli-pager --endpoint-url http://x \
		--attribute-definitions AttributeName=artist,AttributeType=S AttributeName=year,AttributeType=N \
		--key-schema AttributeName=artist,KeyType=HASH AttributeName=year,KeyType=RANGE \
		--provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=6 \
		--global-secondary-indexes 'IndexName=by-year,KeySchema=[{AttributeName=year,KeyType=HASH}],Projection={ProjectionType=INCLUDE,NonKeyAttributes=[a,b]},ProvisionedThroughput={ReadCapacityUnits=1,WriteCapacityUnits=2}' \
		--local-secondary-indexes '[{"IndexName":"local","KeySchema":[{"AttributeName":"artist","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]' \
		--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE --sse-specification Enabled=true \
		--tags Key=a,Value=b 'Key=c,Value=d e' --table-class STANDARD --deletion-protection-enabled >shorthand
	cat >request.json <<-'JSON'
		{"TableName":"songs2","KeySchema":[{"AttributeName":"artist","KeyType":"HASH"},{"AttributeName":"year","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"artist","AttributeType":"S"},{"AttributeName":"year","AttributeType":"N"}],
		"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6},
		"GlobalSecondaryIndexes":[{"IndexName":"by-year","KeySchema":[{"AttributeName":"year","KeyType":"HASH"}],
		"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a","b"]},
		"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2}}],
		"LocalSecondaryIndexes":[{"IndexName":"local","KeySchema":[{"AttributeName":"artist","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}],
		"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"},"SSESpecification":{"Enabled":true},
		"TableClass":"STANDARD","DeletionProtectionEnabled":true}
	JSON
	pitr create-table --cli-input-json file://request.json >json
	plain='.TableDescription | del(.TableId, .CreationDateTime, .TableName, .TableArn, .GlobalSecondaryIndexes[].IndexArn, .LocalSecondaryIndexes[].IndexArn)'
	diff <(jq "$plain" shorthand) <(jq "$plain" json)
	[ "$(jq -c .TableDescription.GlobalSecondaryIndexes[0].Projection shorthand)" = '{"NonKeyAttributes":["a","b"],"ProjectionType":"INCLUDE"}' ]
	# An option goes before the file.
	pitr create-table --cli-input-json file://request.json --table-name songs3 --no-deletion-protection-enabled >json
	[ "$(jq -c '.TableDescription | [.TableName, .DeletionProtectionEnabled]' json)" = '["songs3",false]' ]
	jq -c .KeySchema request.json >keys.json
	pitr create-table --table-name songs4 --key-schema file://keys.json \
		--attribute-definitions "$(jq -c .AttributeDefinitions request.json)" --billing-mode PAY_PER_REQUEST
	[ "$(pitr list-tables | jq -c .TableNames)" = '["songs","songs2","songs3","songs4"]' ]
}

@test "what is wrong with a request's form is wrong usage" {
	run --separate-stderr pitr create-table --table-name orders --key-schema AttributeName=id,KeyType=HASH
	expect 2 "" "pitr create-table: --attribute-definitions is required
\`pitr help create-table\` shows how it is used."
	run --separate-stderr pitr create-table --table-name orders --key-schema id --attribute-definitions '[]'
	[ "$status" -eq 2 ]
	[[ "$stderr" == "pitr create-table: --attribute-definitions: "* ]] || [[ "$stderr" == *"--key-schema: expected '=' at character 3 of: id"* ]]
	run --separate-stderr pitr put-item --table-name orders --item '{"id":'
	[ "$status" -eq 2 ]
	[[ "$stderr" == "pitr put-item: --item: line 1, column "* ]]
	run --separate-stderr pitr put-item --table-name orders --item file://nowhere.json
	[ "$status" -eq 2 ]
	[[ "$stderr" == "pitr put-item: --item: nowhere.json: No such file or directory"* ]]
	run --separate-stderr pitr put-item --cli-input-json '{"TableName":"orders","Frob":1}' --item '{}'
	[ "$status" -eq 2 ]
	[[ "$stderr" == 'pitr put-item: --cli-input-json: PutItem has no parameter "Frob"'* ]]
	run pitr list-tables --output table
	[ "$status" -eq 2 ]
	run pitr list-tables --query 'TableNames['
	[ "$status" -eq 2 ]
	run pitr list-tables extra
	[ "$status" -eq 2 ]
}

@test "exceptions have AWS's names and texts, on stderr, status 1" {
	make_orders
	pitr describe-table --table-name nothere 2>raw || [ $? -eq 1 ]
	printf '\nAn error occurred (ResourceNotFoundException) when calling the DescribeTable operation: %s\n' \
		'Requested resource not found: Table: nothere not found' | cmp - raw
	run --separate-stderr pitr describe-table --table-name nothere
	exception ResourceNotFoundException DescribeTable "Requested resource not found: Table: nothere not found"
	run --separate-stderr pitr delete-table --table-name nothere
	exception ResourceNotFoundException DeleteTable "Requested resource not found: Table: nothere not found"
	for verb in put-item:--item:PutItem get-item:--key:GetItem delete-item:--key:DeleteItem; do
		IFS=: read -r verb option operation <<<"$verb"
		run --separate-stderr pitr "$verb" --table-name nothere "$option" '{"id":{"S":"1"}}'
		exception ResourceNotFoundException "$operation" "Requested resource not found"
	done
	run --separate-stderr pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH
	exception ResourceInUseException CreateTable "Table already exists: orders"
	run --separate-stderr pitr put-item --table-name orders --item '{"n":{"N":"1"}}'
	exception ValidationException PutItem "One or more parameter values were invalid: Missing the key id in the item"
	run --separate-stderr pitr put-item --table-name orders --item '{"id":{"N":"1"}}'
	exception ValidationException PutItem "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N"
	run --separate-stderr pitr get-item --table-name orders --key '{"nr":{"S":"1"}}'
	exception ValidationException GetItem "The provided key element does not match the schema"
	run --separate-stderr pitr put-item --table-name orders --item '{"id":{"S":"1"},"n":{"N":"1x"}}'
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"(ValidationException)"*"The parameter cannot be converted to a numeric value: 1x"* ]]
	run --separate-stderr pitr put-item --table-name orders --item '{"id":{"S":"1"}}' --return-values ALL_NEW
	exception ValidationException PutItem "ReturnValues can only be ALL_OLD or NONE"
	run --separate-stderr pitr list-tables --limit 101
	[[ "$stderr" == *"(ValidationException) when calling the ListTables operation: 1 validation error detected: Value '101' at 'limit'"* ]]
}

@test "an item over 400 KB is refused" {
	make_orders
	printf '{"id":{"S":"1"},"x":{"S":"%0409594d"}}' 0 >fits.json
	pitr put-item --table-name orders --item file://fits.json
	printf '{"id":{"S":"2"},"x":{"S":"%0409600d"}}' 0 >big.json
	run --separate-stderr pitr put-item --table-name orders --item file://big.json
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"(ValidationException) when calling the PutItem operation: Item size has exceeded the maximum allowed size"* ]]
}

@test "what is not done here is refused, not ignored" {
	make_orders
	run --separate-stderr pitr put-item --table-name orders --item '{"id":{"S":"1"}}' --expected '{"id":{"Exists":false}}'
	exception ValidationException PutItem "Expected is not supported by pitr"
	run pitr get-item --table-name orders --key '{"id":{"S":"1"}}' --attributes-to-get id
	[ "$status" -eq 1 ]
	[ -z "$(pitr get-item --table-name orders --key '{"id":{"S":"1"}}')" ]
}

@test "a protected table is not deleted" {
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST --deletion-protection-enabled \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH
	run --separate-stderr pitr delete-table --table-name orders
	exception ValidationException DeleteTable "1 validation error detected: Table 'orders' can't be deleted while DeletionProtectionEnabled is set to True"
}

@test "list-tables in pages" {
	for name in bbb ccc aaa; do
		pitr create-table --table-name $name --billing-mode PAY_PER_REQUEST \
			--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
	done
	pitr list-tables | jq --indent 4 . | cmp - <(pitr list-tables)
	[ "$(pitr list-tables | jq -c .)" = '{"TableNames":["aaa","bbb","ccc"]}' ]
	[ "$(pitr list-tables --max-items 2 | jq -c .)" = '{"TableNames":["aaa","bbb"],"NextToken":"bbb"}' ]
	[ "$(pitr list-tables --max-items 2 --starting-token bbb | jq -c .)" = '{"TableNames":["ccc"]}' ]
	[ "$(pitr list-tables --max-items 3 | jq -c .)" = '{"TableNames":["aaa","bbb","ccc"]}' ]
	[ "$(pitr list-tables --limit 1 --exclusive-start-table-name aaa | jq -c .)" = '{"TableNames":["bbb"],"LastEvaluatedTableName":"bbb"}' ]
}

# --- Items, as AWS has them --------------------------------------------------------------------------------------

@test "put-item, get-item, delete-item" {
	make_orders
	run --separate-stderr pitr put-item --table-name orders --item '{"id":{"S":"1"},"n":{"N":"1e3"},"s":{"SS":["b","a"]}}'
	expect 0 "" ""
	pitr get-item --table-name orders --key '{"id":{"S":"1"}}' --consistent-read >got
	cat >expected <<-'JSON'
		{
		    "Item": {
		        "id": {
		            "S": "1"
		        },
		        "n": {
		            "N": "1000"
		        },
		        "s": {
		            "SS": [
		                "a",
		                "b"
		            ]
		        }
		    }
		}
	JSON
	diff expected got
	pitr get-item --table-name orders --key 'id={S=1}' | cmp - got
	run --separate-stderr pitr get-item --table-name orders --key '{"id":{"S":"2"}}'
	expect 0 "" ""
	[ "$(pitr put-item --table-name orders --item '{"id":{"S":"1"}}' --return-values ALL_OLD | jq -c .Attributes.n)" = '{"N":"1000"}' ]
	run --separate-stderr pitr put-item --table-name orders --item '{"id":{"S":"3"}}' --return-values ALL_OLD
	expect 0 "" ""
	[ "$(pitr delete-item --table-name orders --key '{"id":{"S":"1"}}' --return-values ALL_OLD | jq -c .)" = '{"Attributes":{"id":{"S":"1"}}}' ]
	run --separate-stderr pitr delete-item --table-name orders --key '{"id":{"S":"1"}}' --return-values ALL_OLD
	expect 0 "" ""
	pitr put-item --table-name orders --item '{"id":{"S":"4"}}' --return-consumed-capacity TOTAL >capacity
	[ "$(tr -d ' \n' <capacity)" = '{"ConsumedCapacity":{"TableName":"orders","CapacityUnits":1.0}}' ]
	[ "$(pitr get-item --table-name orders --key '{"id":{"S":"4"}}' --return-consumed-capacity TOTAL | jq -c .ConsumedCapacity.CapacityUnits)" = 0.5 ]
}

@test "a sort key, and numbers that are equal as keys" {
	make_songs
	pitr put-item --table-name songs --item '{"artist":{"S":"a/b"},"year":{"N":"1.990e3"},"t":{"S":"x"}}'
	[ "$(pitr get-item --table-name songs --key '{"year":{"N":"1990.0"},"artist":{"S":"a/b"}}' | jq -r .Item.t.S)" = x ]
	[ "$(pitr get songs/a%2Fb/1990 | jq -r .t)" = x ]
	run pitr get songs/a%2Fb
	[ "$status" -eq 1 ]
	[[ "$output" == "pitr: songs has a sort key: write songs/PARTITION/NAME" ]]
}

@test "get-item --at" {
	echo 1740832200000000 >clock
	export PITR_CLOCK_FILE=$WORK/clock
	make_orders
	echo 1740832300000000 >clock
	pitr put-item --table-name orders --item '{"id":{"S":"1"},"n":{"N":"1"}}'
	echo 1740832400000000 >clock
	pitr put-item --table-name orders --item '{"id":{"S":"1"},"n":{"N":"2"}}'
	echo 1740832500000000 >clock
	key='{"id":{"S":"1"}}'
	[ "$(pitr get-item --table-name orders --key "$key" | jq -r .Item.n.N)" = 2 ]
	[ "$(pitr get-item --table-name orders --key "$key" --at 2025-03-01T12:33:19.999999 | jq -r .Item.n.N)" = 1 ]
	[ "$(pitr get-item --table-name orders --key "$key" --at 2025-03-01T12:33:20 | jq -r .Item.n.N)" = 2 ]
	[ -z "$(pitr get-item --table-name orders --key "$key" --at 2025-03-01T12:31:00)" ]
	run --separate-stderr pitr get-item --table-name orders --key "$key" --at 2025-03-01
	[ "$status" -eq 1 ]
	run pitr get-item --table-name orders --key "$key" --at 2026-01-01
	[ "$status" -eq 1 ]
}

# --- Items, for people -------------------------------------------------------------------------------------------

@test "put and get plain JSON" {
	make_orders
	run --separate-stderr pitr put orders <<<'{"n":1.50,"id":"1","b":{"$binary":"AAEC"}}'
	expect 0 "" ""
	pitr get orders/1 >got
	printf '{\n  "id": "1",\n  "b": {\n    "$binary": "AAEC"\n  },\n  "n": 1.5\n}\n' | diff - got
	pitr get orders/1.json | cmp - got
	pitr get orders 1 | cmp - got
	pitr get orders/1 --json=dynamodb >dynamodb
	[ "$(jq -c . dynamodb)" = '{"id":{"S":"1"},"b":{"B":"AAEC"},"n":{"N":"1.5"}}' ]
	pitr put orders --dynamodb dynamodb
	pitr get orders/1 | cmp - got
	[ "$(pitr status --json | jq .tables[0].changes)" = 1 ]
	run --separate-stderr pitr get orders/2
	expect 1 "" "pitr: orders has no item 2"
	run --separate-stderr pitr get nothere/2
	expect 1 "" "pitr: there is no table nothere; \`pitr list-tables\` names those there are"
	run pitr get orders
	[ "$status" -eq 2 ]
	run pitr get orders/1 --json=yaml
	[ "$status" -eq 2 ]
}

@test "put takes one item, a list, or lines, all or nothing" {
	make_orders
	printf '[{"id":"1"},\n{"id":"2"}]' | pitr put orders
	printf '{"id":"3"}\n\n{"id":"4"}\r\n{"id":"5"}' >lines
	pitr put orders lines
	[ "$(pitr describe-table --table-name orders | jq .Table.ItemCount)" = 5 ]
	run --separate-stderr pitr put orders <<<'{"id":"6"}
{"id":7}'
	expect 1 "" "pitr: line 2: One or more parameter values were invalid: Type mismatch for key id expected: S actual: N"
	run pitr put orders <<<'[{"id":"6"},7]'
	[ "$status" -eq 1 ]
	run pitr put orders <<<'7'
	[ "$status" -eq 1 ]
	run pitr put orders </dev/null
	[ "$status" -eq 1 ]
	run --separate-stderr pitr put orders nowhere
	expect 1 "" "pitr: nowhere: No such file or directory"
	[ "$(pitr describe-table --table-name orders | jq .Table.ItemCount)" = 5 ]
}

@test "put under a name completes the key, and does not contradict it" {
	make_orders
	make_songs
	pitr put orders/a%2Fb <<<'{"n":1}'
	[ "$(pitr get orders/a%2Fb | jq -c .)" = '{"id":"a/b","n":1}' ]
	pitr put songs/me/1990.json <<<'{"artist":"me"}'
	[ "$(pitr get songs/me/1990 | jq -c .)" = '{"artist":"me","year":1990}' ]
	run --separate-stderr pitr put orders/1 <<<'{"id":"2"}'
	expect 1 "" "pitr: the item has another key than the name 1.json says: change the one or the other"
	run pitr put orders/1 <<<'[{"n":1},{"n":2}]'
	[ "$status" -eq 1 ]
	run pitr put orders/1@-1h <<<'{"n":1}'
	[ "$status" -eq 1 ]
	run --separate-stderr pitr get orders/1
	[ "$status" -eq 1 ]
}

@test "get: every way to name an instant" {
	echo 1740832300000000 >clock
	export PITR_CLOCK_FILE=$WORK/clock
	make_orders
	pitr put orders <<<'{"id":"ann@example.com","n":1}'
	echo 1740832400000000 >clock
	pitr put orders <<<'{"id":"ann@example.com","n":2}'
	echo 1740832500000000 >clock
	item=orders/ann@example.com
	[ "$(pitr get $item | jq .n)" = 2 ]
	for at in 2025-03-01T12:33:00 20250301T123300Z 2025-03-01T13:33:00+01:00 1740832380 -2m; do
		[ "$(pitr get "$item@$at" | jq .n)" = 1 ]
		[ "$(pitr get "$item.json@$at" | jq .n)" = 1 ]
		[ "$(pitr get "orders/@$at/ann@example.com.json" | jq .n)" = 1 ]
		[ "$(pitr get "$item" --at "$at" | jq .n)" = 1 ]
		[ "$(pitr get "$item" --at "@$at" | jq .n)" = 1 ]
	done
	[ "$(pitr get "$item@seq-1" | jq .n)" = 1 ]
	[ "$(pitr get "$item@latest" | jq .n)" = 2 ]
	[ "$(pitr get "$item" --at now | jq .n)" = 2 ]
	[ "$(pitr get "$item" --at 2025-03-01T13:33 --tz Europe/Berlin | jq .n)" = 1 ]
	[ "$(PITR_TZ=+01:00 pitr get "$item" --at 2025-03-01T13:33 | jq .n)" = 1 ]
	run pitr get "$item.json@sometime"
	[ "$status" -eq 1 ]
	run pitr get "$item" --tz Nowhere/Land
	[ "$status" -eq 2 ]
}

@test "get from a table that is gone, or came again" {
	echo 1740832300000000 >clock
	export PITR_CLOCK_FILE=$WORK/clock
	make_orders
	pitr put orders <<<'{"id":"1","n":1}'
	echo 1740832400000000 >clock
	pitr delete-table --table-name orders >/dev/null
	echo 1740832500000000 >clock
	run pitr get orders/1
	[ "$status" -eq 1 ]
	[ "$(pitr get orders/1@-150s | jq .n)" = 1 ]
	make_orders
	pitr put orders <<<'{"id":"1","n":2}'
	echo 1740832600000000 >clock
	[ "$(pitr get orders/1 | jq .n)" = 2 ]
	[ "$(pitr get orders/1@-250s | jq .n)" = 1 ]
	run --separate-stderr pitr get orders/1@-150s
	[ "$status" -eq 1 ]
	[[ "$stderr" == "pitr: orders at 2025-03-01T12:34:10Z: that is before its window; "* ]]
}

@test "rm removes all that are named, or none" {
	make_orders
	pitr put orders <<<'[{"id":"1"},{"id":"2"},{"id":"3"}]'
	run --separate-stderr pitr rm orders/1 orders/nothere
	expect 1 "" "pitr: orders has no item nothere"
	pitr get orders/1 >/dev/null
	run --separate-stderr pitr rm orders/1 orders/2.json
	expect 0 "" ""
	run pitr get orders/1
	[ "$status" -eq 1 ]
	pitr rm -f orders/1 orders/3
	[ "$(pitr describe-table --table-name orders | jq .Table.ItemCount)" = 0 ]
	run pitr rm orders/1@-1h
	[ "$status" -eq 1 ]
	run pitr rm
	[ "$status" -eq 2 ]
}

@test "names that cannot be say what is right" {
	make_orders
	make_songs
	run --separate-stderr pitr get 'orders/%41'
	[ "$status" -eq 1 ]
	[[ "$stderr" == "pitr: "*"A.json"* ]]
	run pitr get songs/me/1990.0
	[ "$status" -eq 1 ]
	[[ "$output" == *"1990.json"* ]]
}

@test "changes know who made them, by which command, and why" {
	make_orders
	echo '{"id":"1"}' | PITR_REASON='INC-17 "again"' pitr put orders
	grep -aqF "\"by\":\"pitr\",\"user\":\"$(id -un)\",\"uid\":$(id -u),\"gid\":$(id -g),\"group\":\"$(id -gn)\",\"pid\":" "$STORE/data.mdb"
	grep -aqF "\"command\":\"pitr --store $STORE put orders\",\"reason\":\"INC-17 \\\"again\\\"\"}" "$STORE/data.mdb"
	echo '{"id":"2"}' >items.jsonl
	pitr import --table orders items.jsonl
	grep -aqF "{\"by\":\"import\",\"user\":\"$(id -un)\",\"source\":\"items.jsonl\"}" "$STORE/data.mdb"
}

# --- mount and umount, as far as nothing is mounted --------------------------------------------------------------

@test "umount of what is no mount" {
	run --separate-stderr pitr umount "$MNT"
	expect 1 "" "pitr: $MNT is no mount of pitrfs; \`pitr status\` lists those of a store"
	run pitr umount
	[ "$status" -eq 2 ]
	run pitr mount
	[ "$status" -eq 2 ]
}
