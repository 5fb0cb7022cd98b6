#!/usr/bin/env bash
# Apache Kafka without Docker: brokers that are controllers too (KRaft), run by Java on this
# machine, from the jars that Apache Kafka publishes for Maven.
set -eo pipefail # not -u: the bash of macOS takes an empty array for an unset variable

version=4.3.1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/deskstream
jars=$cache/kafka-$version

usage() {
	cat <<TEXT
Usage: kafka.sh start [OPTION]...   start the brokers and print their addresses
       kafka.sh stop [--dir DIR] [--delete]
                                    stop them; --delete removes their data as well
       kafka.sh status [--dir DIR]  a line for each broker: its number, "running" with its
                                    pid or "stopped"
       kafka.sh tool NAME [ARG]...  run one of Kafka's tools, such as kafka-topics
       kafka.sh fetch               fetch the jars, which start does by itself

Options of start:
  --dir DIR         where data, logs and pids are kept ($cache/cluster)
  --brokers N       1 or 3 brokers (1)
  --port PORT       the first port; brokers use the 2 * N ports from it on, and N
                    more for each --listener (9092). A cluster that runs keeps its ports
  --listener NAME   a listener besides the plain one: SSL, SASL_SSL or SASL_PLAINTEXT
                    (repeatable); what it needs is set with -o
  -o KEY=VALUE      a broker property (repeatable); it wins over what is set here
  -f FILE           a file of broker properties; -o wins over it

Brokers listen on 127.0.0.1. start with the directory of a cluster that runs in part
starts the brokers that do not. Data outlives a stop. KAFKA_OPTS, KAFKA_HEAP_OPTS and
KAFKA_JVM_PERFORMANCE_OPTS go to Java.

The jars come from the repository whose URL is in MAVEN_REPOSITORY, fetched with curl, or
else through mvn and its settings. They are checked against jars.sha256.

Needs Java 17 or later, mvn or curl, and 45 MB for Kafka $version in $jars.

Example: kafka.sh start --brokers 3 -o auto.create.topics.enable=false
TEXT
}

fail() {
	printf 'kafka.sh: %s\n' "$*" >&2
	exit 1
}

need_java() {
	command -v java >/dev/null ||
		fail "java is missing: install Java 17 or later, for example Debian's openjdk-17-jre-headless"
	local major
	major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
	[[ $major -ge 17 ]] || fail "Java ${major:-?} is too old: install Java 17 or later"
}

checksums() { # checks them with the tool that the system has
	if command -v sha256sum >/dev/null; then sha256sum --check --status "$1"; else shasum -a 256 --check --status "$1"; fi
}

# by_curl fetches the jars into $1, in the layout of a repository.
by_curl() {
	command -v curl >/dev/null || fail "curl is missing: install it, it fetches from MAVEN_REPOSITORY"
	local path urls=()
	while read -r _ path; do urls+=(-o "$1/$path" "${MAVEN_REPOSITORY%/}/$path"); done <"$here/jars.sha256"
	curl -fsSL --no-progress-meter --fail-early --retry 3 --create-dirs --parallel --parallel-max 8 "${urls[@]}"
}

# by_maven fetches the same: the jars are the dependencies of a project that is made up,
# without dependencies of their own.
by_maven() {
	local path artifact version
	{
		printf '<project><modelVersion>4.0.0</modelVersion><groupId>kafka.sh</groupId><artifactId>jars</artifactId><version>1</version><dependencies>\n'
		while read -r _ path; do # group/with/slashes/artifact/version/file
			path=${path%/*} version=${path##*/}
			path=${path%/*} artifact=${path##*/}
			path=${path%/*}
			printf '<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version>' "${path//\//.}" "$artifact" "$version"
			printf '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>\n'
		done <"$here/jars.sha256"
		printf '</dependencies></project>\n'
	} >"$1/pom.xml"
	mvn -q -B -Dstyle.color=never -f "$1/pom.xml" dependency:copy-dependencies -Dmdep.useRepositoryLayout=true -DoutputDirectory="$1" >&2 && rm "$1/pom.xml"
}

# fetch fills the cache. The directory gets its name when all jars are there and checked: a
# broken download, or two at a time, leave nothing half done.
fetch() {
	[[ -d $jars ]] && return
	local part path way=by_maven from="Maven's repository"
	if [[ -n ${MAVEN_REPOSITORY:-} ]]; then
		way=by_curl from=$MAVEN_REPOSITORY
	elif ! command -v mvn >/dev/null; then
		fail "Kafka's jars are not here yet: install Maven, or set MAVEN_REPOSITORY to the URL of a Maven repository"
	fi
	mkdir -p "$cache"
	part=$(mktemp -d "$cache/fetch.XXXXXX")
	printf 'fetching Kafka %s from %s\n' "$version" "$from" >&2
	if ! "$way" "$part"; then
		rm -rf "$part"
		fail "fetching Kafka's jars from $from failed: see above; MAVEN_REPOSITORY names another one"
	fi
	if ! (cd "$part" && checksums "$here/jars.sha256"); then
		rm -rf "$part"
		fail "what $from sent is not what jars.sha256 lists"
	fi
	while read -r _ path; do mv "$part/$path" "$part/"; done <"$here/jars.sha256"
	find "$part" -mindepth 1 -type d -empty -delete
	mv "$part" "$jars" 2>/dev/null || rm -rf "$part" # another process was faster
}

# alive reports whether broker N runs. A pid alone is not enough: another process may have it by now.
alive() {
	local pid
	pid=$(cat "$dir/broker-$1/pid" 2>/dev/null) || return 1
	ps -ww -p "$pid" -o args= 2>/dev/null | grep -qF "$dir/broker-$1/server.properties"
}

# properties prints the configuration of broker N. The last of two lines of a key wins.
properties() {
	local i k voters='' listeners advertised
	for ((i = 1; i <= brokers; i++)); do voters+=${voters:+,}$i@127.0.0.1:$((port + brokers + i - 1)); done
	advertised=PLAINTEXT://127.0.0.1:$((port + $1 - 1))
	for k in "${!extra[@]}"; do advertised+=,${extra[k]}://127.0.0.1:$((port + (k + 2) * brokers + $1 - 1)); done
	listeners=$advertised,CONTROLLER://127.0.0.1:$((port + brokers + $1 - 1))
	cat <<TEXT
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=$listeners
advertised.listeners=$advertised
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
log.dirs=$dir/broker-$1/data
default.replication.factor=$brokers
min.insync.replicas=$(((brokers + 1) / 2))
offsets.topic.replication.factor=$brokers
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$(((brokers + 1) / 2))
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$(((brokers + 1) / 2))
group.initial.rebalance.delay.ms=0
TEXT
	[[ -z $file ]] || cat "$file"
	[[ ${#overrides[@]} -eq 0 ]] || printf '%s\n' "${overrides[@]}"
}

run_java() { # CLASS ARG...
	local opts
	read -ra opts <<<"${KAFKA_OPTS:-}"
	exec java "${opts[@]}" -cp "$jars/*" "$@"
}

format() { # N CLUSTER_ID
	(run_java kafka.tools.StorageTool format --ignore-formatted -t "$2" -c "$dir/broker-$1/server.properties") >"$dir/broker-$1/format.log" 2>&1 ||
		{ cat "$dir/broker-$1/format.log" >&2 && fail "formatting the storage of broker $1 failed: see above"; }
}

launch() { # N
	local home=$dir/broker-$1 heap performance
	: >"$home/log" # here and not in the background: await must not read the log of an earlier start
	read -ra heap <<<"${KAFKA_HEAP_OPTS:--Xmx512m}"
	# With the first compiler only and the serial collector Java starts in half the time on a
	# small machine. A fast broker, as for a benchmark, needs both compilers: -server.
	read -ra performance <<<"${KAFKA_JVM_PERFORMANCE_OPTS:--XX:TieredStopAtLevel=1 -XX:+UseSerialGC}"
	(run_java "${heap[@]}" "${performance[@]}" -Dlog4j2.configurationFile="$here/log4j2.yaml" \
		kafka.Kafka "$home/server.properties") >"$home/log" 2>&1 </dev/null &
	echo $! >"$home/pid"
}

await() { # N
	local log=$dir/broker-$1/log i
	for ((i = 0; i < 600; i++)); do
		grep -q 'Kafka Server started' "$log" && return
		kill -0 "$(<"$dir/broker-$1/pid")" 2>/dev/null || break # alive finds it only when it has become Java
		sleep 0.2
	done
	local taken
	taken=$(sed -n 's/.*failed to bind to \([^ ]*[0-9]\).*/\1/p' "$log" | head -1)
	[[ -z $taken ]] || fail "$taken is in use: stop the program that listens there, or choose other ports, with --port or make kafka PORT=19092"
	tail -20 "$log" >&2
	fail "broker $1 did not start: see above and $log"
}

# keep_port keeps the port of a cluster that runs already, whatever --port says: clients
# find its brokers there.
keep_port() {
	local i running=no
	for ((i = 1; i <= brokers; i++)); do ! alive "$i" || running=yes; done
	if [[ $running == yes && -f $dir/port && $(<"$dir/port") != "$port" ]]; then
		port=$(<"$dir/port")
		printf 'the cluster in %s runs already, from port %s on\n' "$dir" "$port" >&2
	fi
	echo "$port" >"$dir/port"
}

start() {
	[[ $brokers == 1 || $brokers == 3 ]] || fail "--brokers is $brokers, not 1 or 3"
	[[ ! -d $dir/broker-1 || $(find "$dir" -maxdepth 1 -name 'broker-*' | wc -l) -eq $brokers ]] ||
		fail "the cluster in $dir has another number of brokers: stop it with --delete first"
	need_java
	fetch
	local i id starting=() addresses=''
	mkdir -p "$dir"
	# A first character of "-" would look like an option.
	[[ -f $dir/cluster.id ]] || echo "A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c 2-22)" >"$dir/cluster.id"
	id=$(<"$dir/cluster.id")
	keep_port
	for ((i = 1; i <= brokers; i++)); do
		addresses+=${addresses:+,}127.0.0.1:$((port + i - 1))
		alive "$i" && continue
		mkdir -p "$dir/broker-$i"
		properties "$i" >"$dir/broker-$i/server.properties"
		starting+=("$i")
	done
	local formatting=()
	for i in "${starting[@]}"; do
		[[ -f $dir/broker-$i/data/meta.properties ]] && continue
		format "$i" "$id" &
		formatting+=($!)
	done
	for i in "${formatting[@]}"; do wait "$i"; done
	for i in "${starting[@]}"; do launch "$i"; done
	for i in "${starting[@]}"; do await "$i"; done
	echo "$addresses"
}

stop() {
	local home i tries
	[[ -d $dir ]] || return 0
	for home in "$dir"/broker-*; do
		i=${home##*-}
		! alive "$i" || kill -"$([[ $delete == yes ]] && echo KILL || echo TERM)" "$(<"$home/pid")"
	done
	for home in "$dir"/broker-*; do
		i=${home##*-}
		for ((tries = 0; tries < 200; tries++)); do
			alive "$i" || break
			sleep 0.1
		done
		# The last brokers have no quorum left to announce their end to, and would wait for it.
		! alive "$i" || kill -KILL "$(<"$home/pid")"
	done
	[[ $delete == no ]] || rm -rf "$dir"
}

status() {
	local home i
	for home in "$dir"/broker-*; do
		[[ -d $home ]] || continue
		i=${home##*-}
		if alive "$i"; then echo "$i running $(<"$home/pid")"; else echo "$i stopped"; fi
	done
}

tool() {
	local class
	case ${1:-} in
	kafka-acls) class=org.apache.kafka.tools.AclCommand ;;
	kafka-configs) class=org.apache.kafka.tools.ConfigCommand ;;
	kafka-console-consumer) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
	kafka-console-producer) class=org.apache.kafka.tools.ConsoleProducer ;;
	kafka-consumer-groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
	kafka-delete-records) class=org.apache.kafka.tools.DeleteRecordsCommand ;;
	kafka-get-offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
	kafka-topics) class=org.apache.kafka.tools.TopicCommand ;;
	*) fail "there is no tool ${1:-without a name}: kafka-acls, kafka-configs, kafka-console-consumer, kafka-console-producer, kafka-consumer-groups, kafka-delete-records, kafka-get-offsets, kafka-topics" ;;
	esac
	shift
	need_java
	fetch
	run_java -Dlog4j2.configurationFile="$here/log4j2.yaml" -Ddeskstream.level=ERROR "$class" "$@"
}

command=${1:-help}
[[ $# -eq 0 ]] || shift
dir=$cache/cluster brokers=1 port=9092 file='' delete=no overrides=() extra=()
if [[ $command == start || $command == stop || $command == status ]]; then
	while [[ $# -gt 0 ]]; do
		option=$1
		case $command$option in
		stop--delete) delete=yes ;;
		start--help | stop--help | status--help) usage && exit ;;
		start--dir | stop--dir | status--dir | start--brokers | start--port | start--listener | start-o | start-f)
			[[ $# -ge 2 ]] || fail "$option needs a value"
			shift
			case $option in
			--dir) dir=$1 ;;
			--brokers) brokers=$1 ;;
			--port) port=$1 ;;
			--listener) extra+=("$1") ;;
			-o) overrides+=("$1") ;;
			-f) file=$1 ;;
			esac
			;;
		*) fail "$command does not know $option: see kafka.sh --help" ;;
		esac
		shift
	done
	mkdir -p "$(dirname "$dir")"
	dir=$(cd "$(dirname "$dir")" && pwd)/$(basename "$dir")
fi
case $command in
start | stop | status | fetch) "$command" ;;
tool) tool "$@" ;;
help | --help | -h) usage ;;
*) fail "there is no command $command: see kafka.sh --help" ;;
esac
