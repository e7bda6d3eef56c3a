#!/usr/bin/env bats
# The verbs of AWS for point-in-time recovery and backups: shapes, defaults, and the text of every exception. Nothing is
# mounted here, and the clock stands still unless it is moved.

bats_require_minimum_version 1.5.0
load ../support/mount

NOON=1740830400 # 2025-03-01T12:00:00Z

setup() {
	pitr_setup_store
	unset PITR_REASON PITR_TZ
	cd "$WORK" || return
	export PITR_CLOCK_FILE=$WORK/clock
	at 0
}

teardown() {
	pitr_teardown
}

# at SECONDS: what the time is, from noon on.
at() {
	echo $(((NOON + $1) * 1000000)) >"$WORK/clock"
}

make_orders() {
	pitr create-table --table-name "${1:-orders}" --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
}

put() {
	pitr put-item --table-name "$1" --item "{\"id\":{\"S\":\"$2\"},\"n\":{\"N\":\"$3\"}}"
}

# Every item of a table on one line: "id=n id=n".
items() {
	pitr scan --table-name "$1" | jq -r '[.Items[] | "\(.id.S)=\(.n.N)"] | sort | join(" ")'
}

# orders with 1=1 and 2=2 as of 10 s, 1=10 and 3=3 as of 20 s; the clock is at 30 s.
make_history() {
	make_orders
	at 10
	put orders 1 1
	put orders 2 2
	at 20
	put orders 1 10
	pitr delete-item --table-name orders --key '{"id":{"S":"2"}}'
	put orders 3 3
	at 30
}

restore() {
	pitr restore-table-to-point-in-time --source-table-name orders --target-table-name "$@"
}

set_recovery() {
	pitr update-continuous-backups --table-name orders --point-in-time-recovery-specification "$@"
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

fails_restore() {
	fails "$1" RestoreTableToPointInTime "${@:2}"
}

# --- continuous backups ------------------------------------------------------------------------------------------

@test "PITR is on from the beginning, and tells its window" {
	make_orders
	at 30
	pitr describe-continuous-backups --table-name orders >described
	jq --indent 4 . described | cmp - described
	shows .ContinuousBackupsDescription.ContinuousBackupsStatus '"ENABLED"' cat described
	shows '.ContinuousBackupsDescription.PointInTimeRecoveryDescription | [.PointInTimeRecoveryStatus, .RecoveryPeriodInDays,
		.LatestRestorableDateTime]' '["ENABLED",35,"2025-03-01T12:00:30+00:00"]' cat described
	jq -r .ContinuousBackupsDescription.PointInTimeRecoveryDescription.EarliestRestorableDateTime described |
		grep -Eqx '2025-03-01T12:00:00(\.[0-9]{6})?\+00:00'
	pitr describe-continuous-backups --table-name arn:aws:dynamodb:us-east-1:123456789012:table/orders | cmp - described
}

@test "off and on again, other periods" {
	make_orders
	window='.ContinuousBackupsDescription.PointInTimeRecoveryDescription'
	at 60
	shows . '{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}' \
		set_recovery PointInTimeRecoveryEnabled=false
	shows $window '{"PointInTimeRecoveryStatus":"DISABLED"}' set_recovery PointInTimeRecoveryEnabled=False
	at 90
	shows "$window | [.PointInTimeRecoveryStatus, .RecoveryPeriodInDays, .EarliestRestorableDateTime[:19]]" \
		'["ENABLED",35,"2025-03-01T12:01:30"]' set_recovery PointInTimeRecoveryEnabled=True
	at 120
	shows "$window | [.RecoveryPeriodInDays, .EarliestRestorableDateTime[:19]]" '[7,"2025-03-01T12:01:30"]' \
		set_recovery PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=7
	# Enabling what is enabled changes nothing; another day's period is forgotten when it is off.
	shows "$window | [.RecoveryPeriodInDays, .EarliestRestorableDateTime[:19]]" '[7,"2025-03-01T12:01:30"]' \
		set_recovery '{"PointInTimeRecoveryEnabled":true}'
	shows $window.RecoveryPeriodInDays '"forever"' \
		set_recovery PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=forever
	set_recovery PointInTimeRecoveryEnabled=false
	shows $window.RecoveryPeriodInDays 35 set_recovery PointInTimeRecoveryEnabled=true
	# After ten days a period of one leaves one, and a longer one brings nothing back.
	at $((10 * 86400))
	shows "$window.EarliestRestorableDateTime[:19]" '"2025-03-10T12:00:00"' \
		set_recovery PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=1
	shows "$window.EarliestRestorableDateTime[:19]" '"2025-03-10T12:00:00"' \
		set_recovery PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=35
}

@test "what continuous backups refuse" {
	make_orders
	fails TableNotFoundException DescribeContinuousBackups "Table not found: nothere" \
		pitr describe-continuous-backups --table-name nothere
	fails TableNotFoundException UpdateContinuousBackups "Table not found: nothere" \
		pitr update-continuous-backups --table-name nothere --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true
	fails ValidationException UpdateContinuousBackups \
		"Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery." \
		set_recovery PointInTimeRecoveryEnabled=false,RecoveryPeriodInDays=7
	fails ValidationException UpdateContinuousBackups \
		"1 validation error detected: Value '36' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed to satisfy constraint: Member must have value less than or equal to 35" \
		set_recovery PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=36
	fails ValidationException UpdateContinuousBackups \
		"1 validation error detected: Value '0' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 1" \
		set_recovery PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=0
	fails ValidationException UpdateContinuousBackups \
		"1 validation error detected: Value null at 'pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled' failed to satisfy constraint: Member must not be null" \
		set_recovery RecoveryPeriodInDays=7
	run pitr update-continuous-backups --table-name orders
	[ "$status" -eq 2 ]
}

# --- restore-table-to-point-in-time ------------------------------------------------------------------------------

@test "a table is restored as of every form of a time" {
	make_history
	[ "$(items orders)" = "1=10 3=3" ]
	for time in $((NOON + 15)) $((NOON + 15)).5 2025-03-01T12:00:15Z 2025-03-01T13:00:15+01:00 20250301T120015Z \
		'2025-03-01 12:00:15' -20s seq-2; do
		restore "copy.${time//[^0-9a-z]/_}" --restore-date-time "$time" >/dev/null
		[ "$(items "copy.${time//[^0-9a-z]/_}")" = "1=1 2=2" ]
	done
	restore number --cli-input-json "{\"RestoreDateTime\":$((NOON + 15)).0}" >/dev/null
	[ "$(items number)" = "1=1 2=2" ]
	restore guide --no-use-latest-restorable-time --restore-date-time $((NOON + 15)).0 >/dev/null
	[ "$(items guide)" = "1=1 2=2" ]
	restore latest --use-latest-restorable-time >/dev/null
	[ "$(items latest)" = "1=10 3=3" ]
	arn=$(pitr describe-table --table-name orders | jq -r .Table.TableArn)
	pitr restore-table-to-point-in-time --source-table-arn "$arn" --target-table-name by-arn --use-latest-restorable-time >/dev/null
	[ "$(items by-arn)" = "1=10 3=3" ]
	run --separate-stderr restore wrong --restore-date-time yesterday
	[ "$status" -eq 2 ]
	[[ "$stderr" == "pitr restore-table-to-point-in-time: --restore-date-time: cannot read 'yesterday' as a time"* ]]
}

@test "a restore answers as AWS does, and the new table lives on its own" {
	make_history
	restore fixed --restore-date-time 2025-03-01T12:00:15Z >answer
	jq --indent 4 . answer | cmp - answer
	shows '.TableDescription | [.TableName, .TableStatus, .RestoreSummary.RestoreInProgress, .RestoreSummary.RestoreDateTime]' \
		'["fixed","CREATING",true,"2025-03-01T12:00:15+00:00"]' cat answer
	[ "$(jq .TableDescription.RestoreSummary.SourceTableArn answer)" = "$(pitr describe-table --table-name orders | jq .Table.TableArn)" ]
	[ "$(jq .TableDescription.RestoreSummary.SourceBackupArn answer)" = null ]
	shows '.Table | [.TableStatus, .ItemCount, .BillingModeSummary.BillingMode]' '["ACTIVE",2,"PAY_PER_REQUEST"]' \
		pitr describe-table --table-name fixed
	[ "$(jq .TableDescription.TableId answer)" != "$(pitr describe-table --table-name orders | jq .Table.TableId)" ]
	pitr wait table-exists --table-name fixed
	put fixed 4 4
	put orders 5 5
	[ "$(items fixed)" = "1=1 2=2 4=4" ]
	[ "$(items orders)" = "1=10 3=3 5=5" ]
	# A restore of a restore, and the source's end.
	pitr delete-table --table-name orders >/dev/null
	at 40
	pitr restore-table-to-point-in-time --source-table-name fixed --target-table-name again --use-latest-restorable-time >/dev/null
	[ "$(items again)" = "1=1 2=2 4=4" ]
	[ "$(items fixed)" = "1=1 2=2 4=4" ]
}

@test "what a restore refuses, in AWS's order" {
	make_history
	arn=$(pitr describe-table --table-name orders | jq -r .Table.TableArn)
	verb=(pitr restore-table-to-point-in-time --target-table-name new)
	fails_restore ValidationException "Must provide exactly one of: sourceTableArn, sourceTableName" \
		"${verb[@]}" --source-table-name orders --source-table-arn "$arn"
	fails_restore ValidationException "The parameter 'TableName' is required" "${verb[@]}" --use-latest-restorable-time
	fails_restore ValidationException "One or more parameter values were invalid: sourceTableArn is not a valid ARN" \
		"${verb[@]}" --source-table-arn orders --use-latest-restorable-time
	fails_restore ValidationException \
		"Invalid Request: Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore request. Please specify either RestoreDateTime time or UseLatestRestorableTime" \
		"${verb[@]}" --source-table-name orders --use-latest-restorable-time --restore-date-time 2025-03-01
	neither="Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both"
	fails_restore ValidationException "$neither" "${verb[@]}" --source-table-name nothere
	fails_restore ValidationException "$neither" "${verb[@]}" --source-table-name orders --no-use-latest-restorable-time
	fails_restore ValidationException \
		"1 validation error detected: Value 'bad name!' at 'targetTableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+" \
		pitr restore-table-to-point-in-time --source-table-name nothere --target-table-name 'bad name!' --use-latest-restorable-time
	fails_restore TableNotFoundException "Table not found: nothere" \
		"${verb[@]}" --source-table-name nothere --restore-date-time 2025-03-02
	window="EarliestRestorableDateTime '2025-03-01T12:00:00Z' and LatestRestorableDateTime '2025-03-01T12:00:30Z'"
	for time in 2025-03-01T12:00:31 2025-03-01T11:59:59 1970-01-01T00:00:00; do
		fails_restore InvalidRestoreTimeException "RestoreDateTime '${time}Z' must be within $window" \
			restore orders --restore-date-time "$time"
	done
	fails_restore InvalidRestoreTimeException "RestoreDateTime '1970-01-01T00:00:00Z' must be within $window" \
		restore orders --restore-date-time 0
	fails_restore TableAlreadyExistsException "Table already exists: orders" restore orders --use-latest-restorable-time
	make_orders other
	set_recovery PointInTimeRecoveryEnabled=false >/dev/null
	fails_restore PointInTimeRecoveryUnavailableException "Point in time recovery is not enabled for table 'orders'" \
		restore other --restore-date-time 2020-01-01
	shows .TableNames '["orders","other"]' pitr list-tables
}

@test "a restore carries over what AWS's does, as it was, unless overridden" {
	pitr create-table --table-name orders --attribute-definitions AttributeName=id,AttributeType=S AttributeName=customer,AttributeType=S \
		--key-schema AttributeName=id,KeyType=HASH --provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=6 \
		--global-secondary-indexes 'IndexName=by-customer,KeySchema=[{AttributeName=customer,KeyType=HASH}],Projection={ProjectionType=ALL},ProvisionedThroughput={ReadCapacityUnits=1,WriteCapacityUnits=2}' \
		--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE --sse-specification Enabled=true \
		--tags Key=a,Value=b --table-class STANDARD_INFREQUENT_ACCESS --deletion-protection-enabled >/dev/null
	pitr update-time-to-live --table-name orders --time-to-live-specification Enabled=true,AttributeName=ttl >/dev/null
	at 10
	pitr update-table --table-name orders --provisioned-throughput ReadCapacityUnits=50,WriteCapacityUnits=60 >/dev/null
	at 20
	restore plain --restore-date-time $((NOON + 5)) >/dev/null
	pitr describe-table --table-name plain >table
	shows '.Table | [.ProvisionedThroughput.ReadCapacityUnits, .ProvisionedThroughput.WriteCapacityUnits, .SSEDescription.Status,
		.GlobalSecondaryIndexes[0].IndexName, .GlobalSecondaryIndexes[0].ProvisionedThroughput.WriteCapacityUnits]' \
		'[5,6,"ENABLED","by-customer",2]' cat table
	shows '.Table | [.DeletionProtectionEnabled, .StreamSpecification, .TableClassSummary]' '[false,null,null]' cat table
	shows .TimeToLiveDescription '{"TimeToLiveStatus":"DISABLED"}' pitr describe-time-to-live --table-name plain
	shows .Tags '[]' pitr list-tags-of-resource --resource-arn "$(jq -r .Table.TableArn table)"
	restore ondemand --use-latest-restorable-time --billing-mode-override PAY_PER_REQUEST \
		--on-demand-throughput-override MaxReadRequestUnits=7,MaxWriteRequestUnits=8 \
		--global-secondary-index-override '[]' --sse-specification-override Enabled=false >/dev/null
	shows '.Table | [.BillingModeSummary.BillingMode, .OnDemandThroughput.MaxWriteRequestUnits, .GlobalSecondaryIndexes, .SSEDescription,
		.ProvisionedThroughput.ReadCapacityUnits]' '["PAY_PER_REQUEST",8,null,null,0]' pitr describe-table --table-name ondemand
	restore renamed --use-latest-restorable-time --provisioned-throughput-override ReadCapacityUnits=3,WriteCapacityUnits=4 \
		--global-secondary-index-override 'IndexName=new-name,KeySchema=[{AttributeName=customer,KeyType=HASH}],Projection={ProjectionType=ALL},ProvisionedThroughput={ReadCapacityUnits=1,WriteCapacityUnits=2}' >/dev/null
	shows '.Table | [.ProvisionedThroughput.ReadCapacityUnits, .GlobalSecondaryIndexes[0].IndexName]' '[3,"new-name"]' \
		pitr describe-table --table-name renamed
	fails_restore ValidationException "Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED" \
		restore new --use-latest-restorable-time --billing-mode-override PAY_PER_REQUEST \
		--provisioned-throughput-override ReadCapacityUnits=3,WriteCapacityUnits=4
	fails_restore ValidationException "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED" \
		restore new --use-latest-restorable-time --billing-mode-override PROVISIONED
	run --separate-stderr restore new --use-latest-restorable-time --global-secondary-index-override \
		'IndexName=other,KeySchema=[{AttributeName=id,KeyType=HASH}],Projection={ProjectionType=ALL}'
	[ "$status" -eq 1 ]
	[[ "$stderr" == *"Index other does not match a secondary index that existed in the source table and cannot be created during the restore operation" ]]
}

# --- backups -----------------------------------------------------------------------------------------------------

arn_of() {
	pitr list-backups --backup-type ALL | jq -r --arg name "$1" '[.BackupSummaries[] | select(.BackupName == $name)][0].BackupArn'
}

@test "a backup from its making to its end" {
	make_history
	pitr create-backup --table-name orders --backup-name pre-release >created
	shows '.BackupDetails | [.BackupName, .BackupStatus, .BackupType, .BackupCreationDateTime, .BackupExpiryDateTime, .BackupSizeBytes]' \
		'["pre-release","CREATING","USER","2025-03-01T12:00:30+00:00",null,12]' cat created
	arn=$(jq -r .BackupDetails.BackupArn created)
	[[ "$arn" =~ ^arn:aws:dynamodb:local:000000000000:table/orders/backup/01740830430000-[0-9a-f]{8}$ ]]
	put orders 9 9
	pitr describe-backup --backup-arn "$arn" >described
	jq --indent 4 . described | cmp - described
	[ "$(jq -c '.BackupDescription.BackupDetails | del(.BackupStatus)' described)" = "$(jq -c '.BackupDetails | del(.BackupStatus)' created)" ]
	shows '.BackupDescription | [.BackupDetails.BackupStatus, .SourceTableDetails.TableName, .SourceTableDetails.ItemCount,
		.SourceTableDetails.BillingMode, .SourceTableDetails.KeySchema, .SourceTableFeatureDetails]' \
		'["AVAILABLE","orders",2,"PAY_PER_REQUEST",[{"AttributeName":"id","KeyType":"HASH"}],{}]' cat described
	[ "$(jq .BackupDescription.SourceTableDetails.TableId described)" = "$(pitr describe-table --table-name orders | jq .Table.TableId)" ]
	pitr restore-table-from-backup --target-table-name fixed --backup-arn "$arn" >answer
	shows '.TableDescription | [.TableStatus, .RestoreSummary.RestoreInProgress, .RestoreSummary.RestoreDateTime[:19]]' \
		'["CREATING",true,"2025-03-01T12:00:30"]' cat answer
	[ "$(jq -r .TableDescription.RestoreSummary.SourceBackupArn answer)" = "$arn" ]
	[ "$(items fixed)" = "1=10 3=3" ]
	shows .BackupDescription.BackupDetails.BackupStatus '"DELETED"' pitr delete-backup --backup-arn "$arn"
	shows . '{"BackupSummaries":[]}' pitr list-backups
	for verb in describe-backup:DescribeBackup delete-backup:DeleteBackup 'restore-table-from-backup --target-table-name new:RestoreTableFromBackup'; do
		# shellcheck disable=SC2086
		fails BackupNotFoundException "${verb#*:}" "Backup not found: $arn" pitr ${verb%:*} --backup-arn "$arn"
		# shellcheck disable=SC2086
		fails ValidationException "${verb#*:}" "Invalid Backup ARN" pitr ${verb%:*} --backup-arn "${arn%/backup/*}"
	done
	[ "$(items fixed)" = "1=10 3=3" ]
}

@test "what create-backup refuses" {
	make_orders
	fails TableNotFoundException CreateBackup "Table not found: nothere" \
		pitr create-backup --table-name nothere --backup-name name
	fails ValidationException CreateBackup \
		"1 validation error detected: Value 'a b c' at 'backupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+" \
		pitr create-backup --table-name nothere --backup-name 'a b c'
	fails ValidationException CreateBackup \
		"1 validation error detected: Value 'ab' at 'backupName' failed to satisfy constraint: Member must have length greater than or equal to 3" \
		pitr create-backup --table-name orders --backup-name ab
	arn=$(pitr create-backup --table-name orders --backup-name name | jq -r .BackupDetails.BackupArn)
	fails TableAlreadyExistsException RestoreTableFromBackup "Table already exists: orders" \
		pitr restore-table-from-backup --target-table-name orders --backup-arn "$arn"
}

@test "list-backups: by table, time and type, and in pages" {
	make_orders
	make_orders other
	for second in 1 2 3; do
		at $second
		pitr create-backup --table-name orders --backup-name same >/dev/null
	done
	at 4
	pitr create-backup --table-name other --backup-name fourth >/dev/null
	pitr list-backups >all
	jq --indent 4 . all | cmp - all
	shows '[.BackupSummaries[] | [.TableName, .BackupName, .BackupStatus, .BackupType, .BackupCreationDateTime[17:19]]]' \
		'[["orders","same","AVAILABLE","USER","01"],["orders","same","AVAILABLE","USER","02"],["orders","same","AVAILABLE","USER","03"],["other","fourth","AVAILABLE","USER","04"]]' cat all
	[ "$(jq '[.BackupSummaries[].BackupArn] | unique | length' all)" = 4 ]
	[ "$(jq '.BackupSummaries[3].TableArn' all)" = "$(pitr describe-table --table-name other | jq .Table.TableArn)" ]
	second='[.BackupSummaries[].BackupCreationDateTime[17:19]] | join(" ")'
	shows "$second" '"01 02 03"' pitr list-backups --table-name orders
	shows "$second" '""' pitr list-backups --table-name nothere
	shows "$second" '"02 03"' pitr list-backups --time-range-lower-bound $((NOON + 2)) --time-range-upper-bound 2025-03-01T12:00:04Z
	fails ValidationException ListBackups \
		"One or more parameter values were invalid: Time range lower bound must be less than or equal to upper bound" \
		pitr list-backups --time-range-lower-bound $((NOON + 2)) --time-range-upper-bound $NOON
	shows "$second" '"01 02"' pitr list-backups --max-items 2 --page-size 1
	token=$(pitr list-backups --max-items 2 | jq -r .NextToken)
	[ "$token" = "$(jq -r '.BackupSummaries[1].BackupArn' all)" ]
	shows "[($second), .NextToken]" '["03 04",null]' pitr list-backups --max-items 2 --starting-token "$token"
	shows "[($second), .LastEvaluatedBackupArn]" "$(jq -c '["03", .BackupSummaries[2].BackupArn]' all)" \
		pitr list-backups --limit 1 --exclusive-start-backup-arn "$token"
	# Also when that one is gone by now.
	pitr delete-backup --backup-arn "$token" >/dev/null
	shows "$second" '"03 04"' pitr list-backups --starting-token "$token"
	fails ValidationException ListBackups "Invalid Backup ARN" pitr list-backups --starting-token "${token%-*}"
	fails ValidationException ListBackups \
		"1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100" \
		pitr list-backups --limit 101
	shows "$second" '""' pitr list-backups --backup-type SYSTEM
	shows "$second" '""' pitr list-backups --backup-type AWS_BACKUP
	fails ValidationException ListBackups \
		"1 validation error detected: Value 'MINE' at 'backupType' failed to satisfy constraint: Member must satisfy enum value set: [USER, SYSTEM, AWS_BACKUP, ALL]" \
		pitr list-backups --backup-type MINE
}

@test "a deleted table leaves a backup of the system's, and its own backups" {
	make_history
	pitr create-backup --table-name orders --backup-name mine >/dev/null
	pitr delete-table --table-name orders >/dev/null
	pitr wait table-not-exists --table-name orders
	at 40
	# Another table of the same name has nothing to do with it.
	make_orders
	pitr list-backups --backup-type SYSTEM >system
	shows '.BackupSummaries[] | [.BackupName, .BackupType, .BackupCreationDateTime[:19], .BackupExpiryDateTime[:19], .TableName]' \
		'["orders$DeletedTableBackup","SYSTEM","2025-03-01T12:00:30","2025-04-05T12:00:30","orders"]' cat system
	arn=$(jq -r '.BackupSummaries[0].BackupArn' system)
	[[ "$arn" == */backup/*-00000000 ]]
	shows '[.BackupSummaries[].BackupName]' '["mine"]' pitr list-backups --table-name orders
	shows '[.BackupSummaries[].BackupName]' '["mine","orders$DeletedTableBackup"]' pitr list-backups --backup-type ALL
	pitr restore-table-from-backup --target-table-name back --backup-arn "$arn" >/dev/null
	[ "$(items back)" = "1=10 3=3" ]
	pitr restore-table-from-backup --target-table-name mine --backup-arn "$(arn_of mine)" >/dev/null
	[ "$(items mine)" = "1=10 3=3" ]
	run --separate-stderr pitr delete-backup --backup-arn "$arn"
	[ "$status" -eq 1 ]
	[[ "$stderr" == "An error occurred (ValidationException) when calling the DeleteBackup operation: Invalid Request: User is not allowed to delete the system backup with arn $arn. It will automatically expire on "* ]]
	# Without PITR nothing is kept.
	set_recovery PointInTimeRecoveryEnabled=false >/dev/null
	pitr delete-table --table-name orders >/dev/null
	shows '.BackupSummaries | length' 1 pitr list-backups --backup-type SYSTEM
}

# --- guides ------------------------------------------------------------------------------------------------------

@test "the developer guide's tutorials run with pitr in the place of aws dynamodb" {
	pitr create-table \
		--table-name Music \
		--attribute-definitions \
		AttributeName=Artist,AttributeType=S \
		AttributeName=SongTitle,AttributeType=S \
		AttributeName=SingerName,AttributeType=S \
		--global-secondary-indexes \
		'IndexName=singers-index,KeySchema=[{AttributeName=SingerName,KeyType=HASH}],Projection={ProjectionType=KEYS_ONLY},ProvisionedThroughput={ReadCapacityUnits=5,WriteCapacityUnits=5}' \
		--key-schema \
		AttributeName=Artist,KeyType=HASH \
		AttributeName=SongTitle,KeyType=RANGE \
		--provisioned-throughput \
		ReadCapacityUnits=5,WriteCapacityUnits=5 \
		--table-class STANDARD >/dev/null
	pitr put-item \
		--table-name Music \
		--item \
		'{"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Call Me Today"}, "AlbumTitle": {"S": "Somewhat Famous"}, "Awards": {"N": "1"}}'
	at 5
	pitr update-continuous-backups \
		--table-name Music \
		--point-in-time-recovery-specification \
		PointInTimeRecoveryEnabled=True >/dev/null
	pitr describe-continuous-backups --table-name Music >window
	earliest=$(jq -r .ContinuousBackupsDescription.PointInTimeRecoveryDescription.EarliestRestorableDateTime window)
	pitr restore-table-to-point-in-time \
		--source-table-name Music \
		--target-table-name MusicMinutesAgo \
		--use-latest-restorable-time >/dev/null
	pitr restore-table-to-point-in-time \
		--source-table-name Music \
		--target-table-name MusicEarliestRestorableDateTime \
		--no-use-latest-restorable-time \
		--restore-date-time "$earliest" >/dev/null
	pitr restore-table-to-point-in-time \
		--source-table-arn arn:aws:dynamodb:us-east-1:123456789012:table/Music \
		--target-table-name MusicElsewhere \
		--use-latest-restorable-time \
		--sse-specification-override Enabled=true,SSEType=KMS,KMSMasterKeyId=abcd1234-abcd-1234-a123-ab1234a1b234 >/dev/null
	# The quotes are the guide's.
	# shellcheck disable=SC2140
	pitr restore-table-to-point-in-time \
		--source-table-name Music \
		--target-table-name MusicOtherwise \
		--billing-mode-override PROVISIONED \
		--provisioned-throughput-override ReadCapacityUnits=100,WriteCapacityUnits=100 \
		--global-secondary-index-override IndexName=singers-index,KeySchema=["{AttributeName=SingerName,KeyType=HASH}"],Projection="{ProjectionType=KEYS_ONLY}",ProvisionedThroughput="{ReadCapacityUnits=50,WriteCapacityUnits=50}" \
		--sse-specification-override Enabled=true,SSEType=KMS \
		--use-latest-restorable-time >/dev/null
	shows '.Table | [.ProvisionedThroughput.ReadCapacityUnits, .GlobalSecondaryIndexes[0].ProvisionedThroughput.WriteCapacityUnits, .SSEDescription.SSEType]' \
		'[100,50,"KMS"]' pitr describe-table --table-name MusicOtherwise
	pitr describe-table --table-name MusicMinutesAgo >/dev/null
	shows .Count 1 pitr scan --table-name MusicMinutesAgo --select COUNT
	pitr create-backup --table-name Music \
		--backup-name MusicBackup >/dev/null
	pitr list-backups >/dev/null
	arn=$(pitr list-backups --table-name Music --time-range-lower-bound $NOON --time-range-upper-bound $((NOON + 1000)) |
		jq -r '.BackupSummaries[0].BackupArn')
	pitr describe-backup --backup-arn "$arn" >/dev/null
	pitr restore-table-from-backup \
		--target-table-name MusicRestored \
		--backup-arn "$arn" >/dev/null
	pitr delete-backup \
		--backup-arn "$arn" >/dev/null
	pitr get-item --table-name MusicRestored --key '{"Artist":{"S":"No One You Know"},"SongTitle":{"S":"Call Me Today"}}' |
		jq -e '.Item.Awards.N == "1"'
}
