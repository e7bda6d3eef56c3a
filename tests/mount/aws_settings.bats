#!/usr/bin/env bats
# The verbs of AWS for settings and tags, those that wait, and those that scan and change items. Nothing is mounted here.

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
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH "$@" >/dev/null
}

put() {
	pitr put-item --table-name orders --item "{\"id\":{\"S\":\"$1\"},\"n\":{\"N\":\"$2\"}}"
}

update() {
	pitr update-table --table-name orders "$@"
}

# shows JQ EXPECTED COMMAND...: what jq makes of the command's output.
shows() {
	local filter=$1 expected=$2 found
	shift 2
	found=$("$@" | jq -c "$filter") || return
	[ "$found" = "$expected" ] || {
		printf 'found     %s\nexpected  %s\n' "$found" "$expected"
		return 1
	}
}

# fails EXCEPTION OPERATION TEXT COMMAND...
fails() {
	local exception=$1 operation=$2 text=$3
	shift 3
	run --separate-stderr "$@"
	# shellcheck disable=SC2154
	printf 'status %s\nstdout: %s\nstderr: %s\n' "$status" "$output" "$stderr"
	[ "$status" -eq 1 ] && [ -z "$output" ] &&
		[ "$stderr" = "An error occurred ($exception) when calling the $operation operation: $text" ]
}

invalid_update() {
	fails ValidationException UpdateTable "$1" update "${@:2}"
}

described() {
	pitr describe-table --table-name orders
}

WRONG="One or more parameter values were invalid:"

# --- update-table ------------------------------------------------------------------------------------------------

@test "update-table: protection, class, stream, encryption" {
	make_orders
	shows .TableDescription.DeletionProtectionEnabled true update --deletion-protection-enabled
	shows .Table.DeletionProtectionEnabled true described
	run pitr delete-table --table-name orders
	[ "$status" -eq 1 ]
	shows .TableDescription.DeletionProtectionEnabled false update --no-deletion-protection-enabled
	shows .TableDescription.TableClassSummary '{"TableClass":"STANDARD_INFREQUENT_ACCESS"}' \
		update --table-class STANDARD_INFREQUENT_ACCESS
	invalid_update "Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS]." \
		--table-class CHEAP
	invalid_update "Table has no stream to disable: TableName: orders" --stream-specification StreamEnabled=false
	shows .TableDescription.StreamSpecification '{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}' \
		update --stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE
	invalid_update "Table already has an enabled stream: TableName: orders" \
		--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE
	shows .TableDescription.StreamSpecification null update --stream-specification StreamEnabled=false
	invalid_update "$WRONG If stream is being enabled then UpdateViewType is required" --stream-specification StreamEnabled=true
	invalid_update "$WRONG Table is already encrypted by default" --sse-specification Enabled=false
	shows .TableDescription.SSEDescription.SSEType '"KMS"' update --sse-specification Enabled=true
	shows .TableDescription.SSEDescription null update --sse-specification Enabled=false
	invalid_update "$WRONG DeletionProtection modification must be the only operation in the request" \
		--deletion-protection-enabled --billing-mode PAY_PER_REQUEST
	invalid_update "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
	fails ResourceNotFoundException UpdateTable "Requested resource not found: Table: nothere not found" \
		pitr update-table --table-name nothere --deletion-protection-enabled
	invalid_update "ReplicaUpdates is not supported by pitr" --replica-updates 'Create={RegionName=eu-west-1}'
}

@test "update-table: billing mode and throughput, and back" {
	make_orders
	invalid_update "$WRONG ProvisionedThroughput must be specified when BillingMode is PROVISIONED" --billing-mode PROVISIONED
	invalid_update "$WRONG Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST" \
		--provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=6
	invalid_update "1 validation error detected: Value 'FREE' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]" \
		--billing-mode FREE
	shows .TableDescription.OnDemandThroughput '{"MaxReadRequestUnits":10,"MaxWriteRequestUnits":20}' \
		update --on-demand-throughput MaxReadRequestUnits=10,MaxWriteRequestUnits=20
	shows .TableDescription.OnDemandThroughput '{"MaxWriteRequestUnits":20}' update --on-demand-throughput MaxReadRequestUnits=-1
	shows '.TableDescription | [.BillingModeSummary, .ProvisionedThroughput.WriteCapacityUnits, .OnDemandThroughput]' '[null,6,null]' \
		update --billing-mode PROVISIONED --provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=6
	invalid_update "The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for the table: 6. Requested WriteCapacityUnits: 6." \
		--provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=6
	invalid_update "$WRONG MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED" \
		--on-demand-throughput MaxReadRequestUnits=10
	shows .TableDescription.ProvisionedThroughput.ReadCapacityUnits 7 update --provisioned-throughput ReadCapacityUnits=7,WriteCapacityUnits=6
	shows '.TableDescription | [.BillingModeSummary.BillingMode, .ProvisionedThroughput.WriteCapacityUnits]' '["PAY_PER_REQUEST",0]' \
		update --billing-mode PAY_PER_REQUEST
}

@test "update-table: indexes come, change and go, with the definitions they need" {
	make_orders
	index='IndexName=by-day,KeySchema=[{AttributeName=day,KeyType=HASH}],Projection={ProjectionType=ALL}'
	invalid_update "$WRONG AttributeDefinitions is not specified for index: by-day" --global-secondary-index-updates "Create={$index}"
	update --attribute-definitions AttributeName=id,AttributeType=S AttributeName=day,AttributeType=N \
		--global-secondary-index-updates "Create={$index}" >created
	shows '.TableDescription | [.GlobalSecondaryIndexes[0].IndexName, .GlobalSecondaryIndexes[0].IndexStatus, (.AttributeDefinitions | length)]' \
		'["by-day","ACTIVE",2]' cat created
	invalid_update "Attempting to create an index which already exists" --global-secondary-index-updates "Create={$index}"
	invalid_update "$WRONG ProvisionedThroughput must be specified for index: by-day" \
		--billing-mode PROVISIONED --provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=6
	shows '.TableDescription.GlobalSecondaryIndexes[0].ProvisionedThroughput.ReadCapacityUnits' 1 \
		update --billing-mode PROVISIONED --provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=6 \
		--global-secondary-index-updates 'Update={IndexName=by-day,ProvisionedThroughput={ReadCapacityUnits=1,WriteCapacityUnits=2}}'
	shows '.TableDescription.GlobalSecondaryIndexes[0].ProvisionedThroughput.WriteCapacityUnits' 4 \
		update --global-secondary-index-updates '[{"Update":{"IndexName":"by-day","ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":4}}}]'
	shows '.TableDescription.GlobalSecondaryIndexes[0].ProvisionedThroughput.WriteCapacityUnits' 0 update --billing-mode PAY_PER_REQUEST
	fails ResourceNotFoundException UpdateTable "Requested resource not found: Index: nothere not found" \
		update --global-secondary-index-updates 'Delete={IndexName=nothere}'
	shows '.TableDescription | [.GlobalSecondaryIndexes, .AttributeDefinitions]' '[null,[{"AttributeName":"id","AttributeType":"S"}]]' \
		update --global-secondary-index-updates 'Delete={IndexName=by-day}'
	# Settings are history: a restore has the index that was there.
	pitr put-item --table-name orders --item '{"id":{"S":"1"}}'
	shows .Table.KeySchema '[{"AttributeName":"id","KeyType":"HASH"}]' described
}

# --- tags and time to live ---------------------------------------------------------------------------------------

@test "tags are added, replaced, listed and taken away" {
	make_orders --tags Key=a,Value=1
	arn=arn:aws:dynamodb:us-east-1:123456789012:table/orders
	shows . '{"Tags":[{"Key":"a","Value":"1"}]}' pitr list-tags-of-resource --resource-arn $arn
	[ -z "$(pitr tag-resource --resource-arn $arn --tags Key=b,Value=2 Key=a,Value=3)" ]
	shows '.Tags | sort_by(.Key) | map("\(.Key)=\(.Value)")' '["a=3","b=2"]' pitr list-tags-of-resource --resource-arn $arn
	[ -z "$(pitr untag-resource --resource-arn $arn --tag-keys a zzz)" ]
	shows .Tags '[{"Key":"b","Value":"2"}]' pitr list-tags-of-resource --resource-arn $arn
	pitr untag-resource --resource-arn $arn --tag-keys '["b"]'
	shows . '{"Tags":[]}' pitr list-tags-of-resource --resource-arn $arn
	# Nothing of it is in the table's description.
	shows .Table.Tags null described
}

@test "what tags refuse" {
	make_orders
	arn=$(described | jq -r .Table.TableArn)
	fails ValidationException TagResource "$WRONG ARNs must start with 'arn:': orders" \
		pitr tag-resource --resource-arn orders --tags Key=a,Value=1
	fails ResourceNotFoundException TagResource "Requested resource not found: Table: nothere not found" \
		pitr tag-resource --resource-arn "${arn%orders}nothere" --tags Key=a,Value=1
	fails ValidationException TagResource "The Tag Key provided is invalid, Key: a?" \
		pitr tag-resource --resource-arn "$arn" --tags 'Key=a?,Value=1'
	fails ValidationException TagResource "Tag Key cannot be prefixed with aws:, Key: aws:a" \
		pitr tag-resource --resource-arn "$arn" --tags Key=aws:a,Value=1
	fails ValidationException TagResource "The Tag Value provided is invalid, Value: null" \
		pitr tag-resource --resource-arn "$arn" --tags Key=a
	fails ValidationException TagResource "Duplicate Tag Keys provided as input: Duplicate Tag Key found a" \
		pitr tag-resource --resource-arn "$arn" --tags Key=a,Value=1 Key=a,Value=2
	fails ValidationException TagResource "Number of Tags exceed the current limit for the provided ResourceArn" \
		pitr tag-resource --resource-arn "$arn" --tags "$(jq -nc '[range(51) | {Key: "k\(.)", Value: "v"}]')"
	pitr tag-resource --resource-arn "$arn" --tags "$(jq -nc '[range(50) | {Key: "k\(.)", Value: "v"}]')"
	fails ValidationException TagResource "Number of Tags exceed the current limit for the provided ResourceArn" \
		pitr tag-resource --resource-arn "$arn" --tags Key=one-more,Value=1
}

@test "time to live is set and told" {
	make_orders
	ttl=(pitr update-time-to-live --table-name orders --time-to-live-specification)
	shows . '{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}' pitr describe-time-to-live --table-name orders
	fails ValidationException UpdateTimeToLive "TimeToLive is already disabled" "${ttl[@]}" Enabled=false,AttributeName=ttl
	shows . '{"TimeToLiveSpecification":{"Enabled":true,"AttributeName":"ttl"}}' "${ttl[@]}" 'Enabled=true, AttributeName=ttl'
	shows '.TimeToLiveDescription | [.TimeToLiveStatus, .AttributeName]' '["ENABLED","ttl"]' pitr describe-time-to-live --table-name orders
	fails ValidationException UpdateTimeToLive "TimeToLive is already enabled" "${ttl[@]}" Enabled=true,AttributeName=ttl
	fails ValidationException UpdateTimeToLive "TimeToLive is active on a different AttributeName: current AttributeName is ttl" \
		"${ttl[@]}" Enabled=true,AttributeName=other
	"${ttl[@]}" Enabled=false,AttributeName=ttl
	shows . '{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}' pitr describe-time-to-live --table-name orders
	fails ResourceNotFoundException DescribeTimeToLive "Requested resource not found: Table: nothere not found" \
		pitr describe-time-to-live --table-name nothere
	pitr update-table --table-name orders --deletion-protection-enabled >/dev/null
	"${ttl[@]}" Enabled=true,AttributeName=ttl
	shows .Table.DeletionProtectionEnabled true described
}

# --- wait --------------------------------------------------------------------------------------------------------

@test "wait returns when the table is there, and when it is gone" {
	make_later() {
		sleep 0.3
		make_orders
	}
	make_later 3>&- &
	pitr wait table-exists --table-name orders
	shows .TableNames '["orders"]' pitr list-tables
	wait $!
	delete_later() {
		sleep 0.3
		pitr delete-table --table-name orders >/dev/null
	}
	delete_later 3>&- &
	pitr wait table-not-exists --table-name orders --region us-east-1
	shows .TableNames '[]' pitr list-tables
	wait $!
	for wrong in "" "table-exists" "backup-exists --table-name orders"; do
		# shellcheck disable=SC2086
		run pitr wait $wrong
		[ "$status" -eq 2 ]
	done
}

# --- tables in progress ------------------------------------------------------------------------------------------

@test "a table that is being copied is CREATING, and nobody's yet" {
	require_fuse
	make_orders
	put 1 10
	put 2 20
	pitr_mount
	mkdir "$MNT/restore/half"
	cp "$MNT/orders/@latest/.table.json" "$MNT/restore/half/"
	cp "$MNT/orders/@latest/1.json" "$MNT/restore/half/"
	sync "$MNT/restore/half"
	shows '.Table | [.TableStatus, .ItemCount, .RestoreSummary.RestoreInProgress]' '["CREATING",1,true]' pitr describe-table --table-name half
	shows .TableNames '["half","orders"]' pitr list-tables
	fails ResourceNotFoundException Scan "Requested resource not found" pitr scan --table-name half
	fails ResourceNotFoundException PutItem "Requested resource not found" pitr put-item --table-name half --item '{"id":{"S":"2"}}'
	missing="Requested resource not found: Table: half not found"
	fails ResourceNotFoundException UpdateTable "$missing" pitr update-table --table-name half --deletion-protection-enabled
	fails ResourceNotFoundException DescribeTimeToLive "$missing" pitr describe-time-to-live --table-name half
	fails ResourceNotFoundException ListTagsOfResource "$missing" pitr list-tags-of-resource --resource-arn arn:aws:dynamodb:x:1:table/half
	fails TableNotFoundException DescribeContinuousBackups "Table not found: half" pitr describe-continuous-backups --table-name half
	fails TableNotFoundException CreateBackup "Table not found: half" pitr create-backup --table-name half --backup-name abc
	fails ResourceInUseException DeleteTable "Attempt to change a resource which is still in use: Table is being created: half" \
		pitr delete-table --table-name half
	fails ResourceInUseException CreateTable "Table is being used: half" pitr create-table --table-name half --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH
	run --separate-stderr pitr restore-table-to-point-in-time --source-table-name orders --target-table-name half --use-latest-restorable-time
	[ "$status" -eq 1 ]
	[[ "$stderr" == "An error occurred (TableInUseException) when calling the RestoreTableToPointInTime operation: Table: half is already being restored"* ]]
	cp "$MNT/orders/@latest/2.json" "$MNT/restore/half/"
	pitr wait table-exists --table-name half
	shows '.Table | [.TableStatus, .ItemCount, .RestoreSummary]' '["ACTIVE",2,null]' pitr describe-table --table-name half
}

# --- items -------------------------------------------------------------------------------------------------------

ids='[.Items[].id.S] | join(" ")'

@test "scan: all, counted, filtered, projected, in pages, and at a time" {
	make_orders
	shows . '{"Items":[],"Count":0,"ScannedCount":0,"ConsumedCapacity":null}' pitr scan --table-name orders
	for i in 1 2 3 4 5; do
		put $i $((i * 10))
	done
	pitr scan --table-name orders >all
	jq --indent 4 . all | cmp - all
	shows "[($ids), .Count, .ScannedCount, .Items[0]]" '["1 2 3 4 5",5,5,{"id":{"S":"1"},"n":{"N":"10"}}]' cat all
	shows . '{"Count":5,"ScannedCount":5,"ConsumedCapacity":null}' pitr scan --table-name orders --select COUNT
	shows "[($ids), .Count, .ScannedCount]" '["4 5",2,5]' pitr scan --table-name orders --filter-expression '#n > :n' \
		--expression-attribute-names '{"#n":"n"}' --expression-attribute-values '{":n":{"N":"30"}}'
	shows '.Items[0]' '{"n":{"N":"10"}}' pitr scan --table-name orders --projection-expression 'n, nothing'
	shows "[($ids), .NextToken != null]" '["1 2",true]' pitr scan --table-name orders --max-items 2 --page-size 1
	token=$(pitr scan --table-name orders --max-items 2 | jq -r .NextToken)
	pitr delete-item --table-name orders --key '{"id":{"S":"2"}}'
	shows "[($ids), .NextToken]" '["3 4 5",null]' pitr scan --table-name orders --max-items 3 --starting-token "$token"
	shows "[($ids), .LastEvaluatedKey]" '["1 3",{"id":{"S":"3"}}]' pitr scan --table-name orders --limit 2
	pitr delete-item --table-name orders --key '{"id":{"S":"3"}}'
	shows "[($ids), .LastEvaluatedKey]" '["4 5",null]' pitr scan --table-name orders --limit 9 --exclusive-start-key '{"id":{"S":"3"}}'
	shows .Count 5 pitr scan --table-name orders --select COUNT --at seq-5
	fails ResourceNotFoundException Scan "Requested resource not found" pitr scan --table-name nothere
	run --separate-stderr pitr scan --table-name orders --filter-expression 'n >'
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"(ValidationException) when calling the Scan operation: Invalid FilterExpression: "* ]]
}

@test "scan goes through partitions, also from page to page" {
	pitr create-table --table-name songs --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=a,AttributeType=S AttributeName=y,AttributeType=N \
		--key-schema AttributeName=a,KeyType=HASH AttributeName=y,KeyType=RANGE >/dev/null
	for key in x:1 y:1 x:2 z:1 y:2; do
		pitr put-item --table-name songs --item "{\"a\":{\"S\":\"${key%:*}\"},\"y\":{\"N\":\"${key#*:}\"}}"
	done
	keys='[.Items[] | .a.S + .y.N] | join(" ")'
	shows "$keys" '"x1 x2 y1 y2 z1"' pitr scan --table-name songs
	token=
	all=
	for _ in 1 2 3 4 5 6; do
		page=$(pitr scan --table-name songs --max-items 1 ${token:+--starting-token "$token"})
		all+=" $(jq -r "$keys" <<<"$page")"
		token=$(jq -r '.NextToken // empty' <<<"$page")
		[ -n "$token" ] || break
	done
	[ "$all" = " x1 x2 y1 y2 z1" ]
	shows "$keys" '"y2 z1"' pitr scan --table-name songs --limit 9 --exclusive-start-key '{"a":{"S":"y"},"y":{"N":"1"}}'
}

@test "conditions decide whether an item is put or removed" {
	make_orders
	unless=(--condition-expression 'attribute_not_exists(id)')
	put 1 10
	fails ConditionalCheckFailedException PutItem "The conditional request failed" \
		pitr put-item --table-name orders --item '{"id":{"S":"1"}}' "${unless[@]}"
	pitr put-item --table-name orders --item '{"id":{"S":"2"}}' "${unless[@]}"
	fails ConditionalCheckFailedException DeleteItem "The conditional request failed" \
		pitr delete-item --table-name orders --key '{"id":{"S":"1"}}' --condition-expression 'n = :n' \
		--expression-attribute-values '{":n":{"N":"11"}}'
	pitr delete-item --table-name orders --key '{"id":{"S":"1"}}' --condition-expression 'n = :n' \
		--expression-attribute-values '{":n":{"N":"10"}}'
	shows "$ids" '"2"' pitr scan --table-name orders
	run pitr put-item --table-name orders --item '{"id":{"S":"1"}}' --condition-expression 'n ='
	[ "$status" -eq 1 ]
}

@test "update-item sets and removes attributes" {
	make_orders
	put 1 10
	change=(pitr update-item --table-name orders --key '{"id":{"S":"1"}}' --update-expression)
	[ -z "$("${change[@]}" 'SET changedAfterPoint = :t' --expression-attribute-values '{":t":{"BOOL":true}}')" ]
	shows .Attributes '{"id":{"S":"1"},"m":{"N":"10"},"n":{"S":"x"},"o":{"N":"10"}}' \
		"${change[@]}" 'SET #n = :n, m = n, o = if_not_exists(o, n) REMOVE changedAfterPoint' \
		--expression-attribute-names '{"#n":"n"}' --expression-attribute-values '{":n":{"S":"x"}}' --return-values ALL_NEW
	shows .Attributes '{"m":{"N":"10"}}' "${change[@]}" 'remove m' --return-values UPDATED_OLD
	shows .Attributes '{"o":{"N":"1"}}' "${change[@]}" 'set o = :o' --expression-attribute-values '{":o":{"N":"1"}}' --return-values UPDATED_NEW
	# An item that is not there is made.
	pitr update-item --table-name orders --key '{"id":{"S":"2"}}' --update-expression 'SET n = :n' --expression-attribute-values '{":n":{"N":"2"}}'
	shows .Item '{"id":{"S":"2"},"n":{"N":"2"}}' pitr get-item --table-name orders --key '{"id":{"S":"2"}}'
	shows .Item '{"n":{"N":"2"}}' pitr get-item --table-name orders --key '{"id":{"S":"2"}}' --projection-expression n
	fails ValidationException UpdateItem "$WRONG Cannot update attribute id. This attribute is part of the key" \
		"${change[@]}" 'SET id = :t' --expression-attribute-values '{":t":{"S":"3"}}'
	fails ValidationException UpdateItem "The provided expression refers to an attribute that does not exist in the item" \
		"${change[@]}" 'SET a = nothing'
	fails ConditionalCheckFailedException UpdateItem "The conditional request failed" \
		"${change[@]}" 'SET a = o' --condition-expression 'attribute_not_exists(id)'
	for wrong in 'SET n = n + :n' 'ADD n :n' 'SET a.b = :n' 'SET n' 'SET n = ' 'n = :n' 'SET n = :x' 'SET n = :n, n = :n' ''; do
		run pitr update-item --table-name orders --key '{"id":{"S":"1"}}' --update-expression "$wrong" --expression-attribute-values '{":n":{"N":"1"}}'
		[ "$status" -eq 1 ]
	done
	shows .Item '{"id":{"S":"1"},"n":{"S":"x"},"o":{"N":"1"}}' pitr get-item --table-name orders --key '{"id":{"S":"1"}}'
}

@test "batch-write-item does all or nothing" {
	make_orders
	put 1 10
	echo '{"orders":[{"PutRequest":{"Item":{"id":{"S":"2"}}}},{"DeleteRequest":{"Key":{"id":{"S":"1"}}}},{"PutRequest":{"Item":{"id":{"S":"3"}}}}]}' >batch.json
	shows . '{"UnprocessedItems":{}}' pitr batch-write-item --request-items file://batch.json
	shows "$ids" '"2 3"' pitr scan --table-name orders
	fails ValidationException BatchWriteItem "Provided list of item keys contains duplicates" pitr batch-write-item \
		--request-items '{"orders":[{"PutRequest":{"Item":{"id":{"S":"4"}}}},{"DeleteRequest":{"Key":{"id":{"S":"4"}}}}]}'
	fails ResourceNotFoundException BatchWriteItem "Requested resource not found" pitr batch-write-item \
		--request-items '{"orders":[{"PutRequest":{"Item":{"id":{"S":"4"}}}}],"nothere":[{"PutRequest":{"Item":{"id":{"S":"4"}}}}]}'
	for wrong in '{"orders":1}' '{"orders":[1]}' '{"orders":[{}]}' '{"orders":[{"PutRequest":1}]}' '{"orders":[{"DeleteRequest":{}}]}' '{}'; do
		run --separate-stderr pitr batch-write-item --request-items "$wrong"
		[ "$status" -eq 1 ]
		[[ "$stderr" == "An error occurred (ValidationException)"* ]]
	done
	fails ValidationException BatchWriteItem "Too many items requested for the BatchWriteItem call" pitr batch-write-item \
		--request-items "$(jq -nc '{orders: [range(26) | {PutRequest: {Item: {id: {S: "\(.)"}}}}]}')"
	shows "$ids" '"2 3"' pitr scan --table-name orders
}

# prints EXPECTED COMMAND...
prints() {
	local expected=$1
	shift
	run --separate-stderr "$@"
	printf 'status %s\nfound     %s\nexpected  %s\nstderr: %s\n' "$status" "$output" "$expected" "$stderr"
	[ "$status" -eq 0 ] && [ "$output" = "$expected" ]
}

@test "--query and --output text do what guides use them for" {
	make_orders
	put 1 10
	put 2 20
	prints ACTIVE pitr describe-table --table-name orders --query Table.TableStatus --output text
	prints '"ACTIVE"' pitr describe-table --table-name orders --query Table.TableStatus
	prints 2 pitr scan --table-name orders --query 'length(Items)'
	prints $'1\t10\n2\t20' pitr scan --table-name orders --query 'Items[].[id.S,n.N]' --output text
	prints 2 pitr scan --table-name orders --query "Items[?n.N=='20'].id.S | [0]" --output text
	prints $'None\t1\t1\nID\t1\nN\t10\nNEXTTOKEN\t0-0' pitr scan --table-name orders --max-items 1 --output text
	prints 'TABLENAMES	orders' pitr list-tables --output text
	prints null pitr put-item --table-name orders --item '{"id":{"S":"3"}}' --query Attributes
	prints '' pitr wait table-exists --table-name orders --query Table --output text
	shows '[.Earliest, .Latest] | map(type + .[10:11])' '["stringT","stringT"]' pitr describe-continuous-backups \
		--table-name orders --query 'ContinuousBackupsDescription.PointInTimeRecoveryDescription.{Earliest:EarliestRestorableDateTime,Latest:LatestRestorableDateTime}'
	pitr create-backup --table-name orders --backup-name nightly >backup
	arn=$(jq -r .BackupDetails.BackupArn backup)
	prints "$arn" pitr list-backups --query "BackupSummaries[?BackupName=='nightly'].BackupArn | [0]" --output text
	prints "nightly	$arn" pitr list-backups --query 'BackupSummaries[*].[BackupName,BackupArn]' --output text
}

@test "a --query that is none is refused before anything is done" {
	make_orders
	run --separate-stderr pitr put-item --table-name orders --item '{"id":{"S":"1"}}' --query 'a[b]'
	[ "$status" -eq 2 ]
	[[ "$stderr" == "pitr put-item: Bad value for --query a[b]: column 3: expected a number, * or :, found b"* ]]
	prints 0 pitr scan --table-name orders --query Count
	run --separate-stderr pitr put-item --table-name orders --item '{"id":{"S":"1"}}' --query 'length(a)'
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"length() takes string or array or object"*"(PutItem itself was done)" ]]
	prints 1 pitr scan --table-name orders --query Count
	run --separate-stderr pitr list-tables --output table
	[ "$status" -eq 2 ]
	[[ "$stderr" == "pitr list-tables: --output table: there are json and text here"* ]]
}
