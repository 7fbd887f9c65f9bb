/* oxlint-disable max-lines -- one table, of data alone */

/** One row of the error table: what happened, what it means for events, how to fix it. */
export interface ErrorRow {
  /** What happened. `{name}` is filled from the error's `context`. */
  readonly message: string
  /** What it means for events. */
  readonly effect: string
  /** How to fix it. */
  readonly fix: string
  /** Trying again may help without anybody changing anything. */
  readonly retryable: boolean
}

/**
 * Every error that Millrace raises or logs. `docs/errors.md` is generated from it.
 * Codes are `E_<AREA>_<WHAT>` and are never reused for something else.
 */
export const errorTable = {
  E_ADMIN_LISTEN: {
    message: 'The admin server cannot listen on {host}:{port}: {reason}',
    effect: 'The connector does not start; nothing was taken from the source.',
    fix: 'Set admin_host to an address of this machine and admin_port to a port that this user may open (above 1023), or to 0 for any free port.',
    retryable: false,
  },
  E_ADMIN_PORT_IN_USE: {
    message: 'Port {port} on {host} is in use by another process.',
    effect: 'The connector does not start; nothing was taken from the source.',
    fix: 'Stop the other process (find it with: ss -ltnp sport = :{port}), or set admin_port to another port, or to 0 for any free one.',
    retryable: false,
  },
  E_CLI_ANSWER: {
    message: '{url} answered {status}: {detail}',
    effect: 'The command did not do what was asked.',
    fix: '{advice}',
    retryable: true,
  },
  E_CLI_INPUT: {
    message: 'Cannot read {file}: {reason}',
    effect: 'Nothing was sent.',
    fix: 'Check the path and that this user may read it.',
    retryable: false,
  },
  E_CLI_STACK_ABSENT: {
    message: 'There is no stack file: {tried}',
    effect: 'Nothing was started or checked.',
    fix: 'Name one with --stack FILE, or run the command in the folder of your stack.yaml. examples/stack.yaml of the repository is one to begin with.',
    retryable: false,
  },
  E_CLI_UNREACHABLE: {
    message: '{url} cannot be reached: {reason}',
    effect: 'The command did not do what was asked.',
    fix: '{advice}',
    retryable: true,
  },
  E_CLI_USAGE: {
    message: 'The command line is wrong: {reason}',
    effect: 'Nothing was done.',
    fix: 'See millrace {command} --help.',
    retryable: false,
  },
  E_CONFIG_INVALID: {
    message: 'The configuration has {count} mistake(s): {names}',
    effect: 'The connector does not start; nothing was taken from the source.',
    fix: 'Correct the settings that are listed. `--help` lists all of them, `--print-config` shows the values in force and where they come from.',
    retryable: false,
  },
  E_CONNECTOR_DEAD_LETTERS: {
    message: 'events that no function wants are to go to the dead letters (`unmatched`), and there is no place for these',
    effect: 'They would be held until a restart, so nothing is taken in.',
    fix: 'Set `dead_letter_dir` or the dead letters of the source, or another `unmatched`.',
    retryable: false,
  },
  E_CONNECTOR_SPOOL: {
    message: 'the source {source} needs a spool, and there is none',
    effect: 'Nobody would give its events again, so nothing is taken in.',
    fix: 'Give the connector a spool (`openSpool`), or set `state_dir`.',
    retryable: false,
  },
  E_CONNECTOR_STATE: {
    message: '{call} is not possible while the connector is {state}',
    effect: 'Nothing changes.',
    fix: 'Call `start()` once and wait for it before anything else; make a new connector after a stop.',
    retryable: false,
  },
  E_CRON_RECORD: {
    message: 'The stored record {key} of a schedule cannot be read: {reason}',
    effect: 'The schedule begins again from now; what was missed before is not caught up.',
    fix: 'Look who else writes to the state store. Nothing needs to be done for the schedule.',
    retryable: false,
  },
  E_CRON_SCHEDULE: {
    message: 'The schedule "{schedule}" cannot be used: {reason}',
    effect: 'It does not run. Other schedules do.',
    fix: 'Correct the expression; the README of the cron connector lists what is understood.',
    retryable: false,
  },
  E_DELIVERY_HELD: {
    message: 'an event may not be settled and is held: there is no place for dead letters, or the policy says hold',
    effect: 'The event and those behind it in its lane wait; it is tried again every five minutes.',
    fix: 'Set `dead_letter_dir`, or mend the function; `com.openfaas.connector.dead-letter` of the function says what it wants.',
    retryable: true,
  },
  E_DEVGATEWAY_LISTEN: {
    message: 'The gateway cannot listen on {host}:{port}: {reason}',
    effect: 'The gateway does not start; no function is called.',
    fix: 'Use --host with an address of this machine and --port with a port that this user may open (above 1023), or 0 for any free port.',
    retryable: false,
  },
  E_DEVGATEWAY_PORT_IN_USE: {
    message: 'Port {port} on {host} is in use by another process.',
    effect: 'The gateway does not start; no function is called.',
    fix: 'Stop the other process (find it with: ss -ltnp sport = :{port}), or use --port with another port, or 0 for any free one.',
    retryable: false,
  },
  E_DEVGATEWAY_USAGE: {
    message: 'The command line is wrong: {reason}',
    effect: 'The gateway does not start.',
    fix: 'See millrace-dev-gateway --help.',
    retryable: false,
  },
  E_FAULTPLAN_INVALID: {
    message: '{file} is not a usable fault plan:\n{problems}',
    effect: 'The plan is not used. A running gateway keeps the last good one.',
    fix: 'Correct the lines that are named.',
    retryable: false,
  },
  E_GATEWAY_AUTH: {
    message: 'the gateway refused the credentials: {url} answered {status} ({answer})',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check basic_auth and the files basic-auth-user and basic-auth-password under secret_mount_path. 401: not known there; 403: known, but not permitted.',
    retryable: true,
  },
  E_GATEWAY_CLOSED: {
    message: 'the request to {url} was stopped because the connector stops',
    effect: 'None: nothing depended on the answer any more.',
    fix: 'Nothing to do.',
    retryable: false,
  },
  E_GATEWAY_MALFORMED: {
    message: 'the gateway sent something that is not an answer: {url}: {what}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check that gateway_url names an OpenFaaS gateway and not a login page or another service.',
    retryable: true,
  },
  E_GATEWAY_STATUS: {
    message: 'the gateway answered {status} to {url} ({answer})',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Look at the logs of the gateway and its provider. For a 3xx set gateway_url to the final address: redirects are not followed. For a 400 or 404 of one namespace leave that namespace out.',
    retryable: true,
  },
  E_GATEWAY_TIMEOUT: {
    message: 'the gateway did not answer within {ms} ms: {url}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check that the gateway is up and can reach its provider.',
    retryable: true,
  },
  E_GATEWAY_TLS: {
    message: 'no trusted TLS connection to the gateway: {url}: {what}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Give the authority that signed the certificate of the gateway, and check its name and its dates.',
    retryable: true,
  },
  E_GATEWAY_TOO_LARGE: {
    message: 'the answer of the gateway is larger than {max} bytes: {url}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check that gateway_url names an OpenFaaS gateway.',
    retryable: true,
  },
  E_GATEWAY_UNREACHABLE: {
    message: 'the gateway cannot be reached: {url}: {what}',
    effect: 'The last good list of functions stays in force; without one nothing is taken in yet.',
    fix: 'Check gateway_url, DNS and network policies.',
    retryable: true,
  },
  E_GATEWAY_URL: {
    message: '{url} cannot be the address of a gateway: {why}',
    effect: 'The connector does not start.',
    fix: 'Give an address such as http://gateway.openfaas:8080, without credentials.',
    retryable: false,
  },
  E_HTTP_LISTEN: {
    message: 'Events cannot be taken on {host}:{port}: {reason}',
    effect: 'The HTTP source does not listen; no event is taken, and none is lost.',
    fix: 'Set events_host to an address of this machine and events_port to a port that this user may open (above 1023), or to 0 for any free port.',
    retryable: true,
  },
  E_HTTP_PORT_IN_USE: {
    message: 'Events cannot be taken on {host}:{port}: another process uses the port.',
    effect: 'The HTTP source does not listen; no event is taken, and none is lost.',
    fix: 'Stop the other process (find it with: ss -ltnp sport = :{port}), or set events_port to another port, or to 0 for any free one.',
    retryable: true,
  },
  E_INTERNAL_STATE: {
    message: '{what}',
    effect: 'Depends on the place; nothing that was not settled is acknowledged.',
    fix: 'This is a fault in Millrace or in a custom source. Report it with the whole message.',
    retryable: false,
  },
  E_INVOKE_FULL: {
    message: 'an event for {topic} was not taken: too many are under way',
    effect: 'No function was called; the caller has the event. Memory does not grow with callers that are faster than the functions.',
    fix: 'Wait for results before more is invoked, or raise `limits` (`window`, `maxEvents`, `maxBytes`).',
    retryable: true,
  },
  E_INVOKE_RELEASED: {
    message: 'the event {id} for {topic} was given back ({reason}) before its functions had settled it',
    effect: 'Functions may have run; the caller has the event and decides.',
    fix: 'Invoke again when the connector runs; the same `id` lets functions recognise the event.',
    retryable: true,
  },
  E_INVOKE_TIMEOUT: {
    message: 'the functions of {topic} had not settled the event {id} after {timeoutMs} ms',
    effect: 'The delivery goes on without a listener.',
    fix: 'Give `timeoutMs` more room than the retries need, or look at why the function does not answer.',
    retryable: true,
  },
  E_JOURNAL_BUSY: {
    message: 'More than {limit} bytes wait to be written to {directory}.',
    effect: 'The record was not taken; whoever brought it keeps it and tries again.',
    fix: 'The disk is slower than the events. Use a faster disk, or lower the number of events in flight.',
    retryable: true,
  },
  E_JOURNAL_CLOSED: {
    message: 'The journal in {directory} is closed.',
    effect: 'Nothing was written.',
    fix: 'Report it: something wrote after the connector had stopped.',
    retryable: false,
  },
  E_JOURNAL_CORRUPT: {
    message: '{file} is damaged at byte {offset}; it was set aside as {aside}.',
    effect: 'The records that cannot be read are not delivered; the file is kept as it is.',
    fix: 'Check the disk, then look at the file: one JSON record a line, docs/file-formats.md describes it. Delete it when it is no longer needed.',
    retryable: false,
  },
  E_JOURNAL_FORMAT: {
    message: '{file} is not a {kind} journal of version {version}.',
    effect: 'Nothing is read or written.',
    fix: 'Give each purpose a directory of its own. After a downgrade, use the release that wrote the file.',
    retryable: false,
  },
  E_JOURNAL_IO: {
    message: 'Cannot {operation} {path}: {reason}',
    effect: 'Nothing of this write counts. What was durable before still is, and writing goes on as soon as the disk allows it.',
    fix: 'Free space or repair the disk, and check that the directory may be written.',
    retryable: true,
  },
  E_JOURNAL_LOCKED: {
    message: '{directory} is in use by process {pid} on {host}.',
    effect: 'Nothing is read or written.',
    fix: 'Stop the other process, or give this one a directory of its own.',
    retryable: true,
  },
  E_JOURNAL_LOCK_LOST: {
    message: 'Another process has taken over {directory}.',
    effect: 'Nothing more is written here; events that wait are given back to the broker.',
    fix: 'Give each process its own directory. If there was only one, it stood still for longer than {staleMs} ms.',
    retryable: false,
  },
  E_JOURNAL_RECORD: {
    message: 'A record of {size} bytes cannot be written to {directory}: {reason}',
    effect: 'The record was not taken.',
    fix: 'Lower the largest event size below {limit} bytes.',
    retryable: false,
  },
  E_KAFKA_AUTHENTICATION: {
    message: 'The brokers {brokers} refuse the SASL user {user}: {reason}',
    effect:
      'No topic is consumed; what was in flight is given back and comes again. The connector tries again with the credentials of that moment.',
    fix: 'Check the mechanism, the user and the password (files are read again at each try); the broker log names the listener that refused.',
    retryable: true,
  },
  E_KAFKA_COMMIT: {
    message: 'The positions of group {group} could not be committed: {reason}',
    effect:
      'Nothing is lost and nothing moves; the commit is tried again. A crash now would repeat what was finished since the last commit.',
    fix: 'Nothing, if it passes. Else look at the coordinator of the group: kafka-consumer-groups --bootstrap-server {brokers} --describe --group {group} --state',
    retryable: true,
  },
  E_KAFKA_COMMIT_FENCED: {
    message: 'The group {group} is being joined anew; the commit of this member no longer counts: {reason}',
    effect: 'Nothing is lost; the next assignment decides who goes on from the last committed positions.',
    fix: 'Nothing, if it is rare. If it repeats, raise kafka_session_timeout, and kafka_rebalance_timeout above the time of the slowest function.',
    retryable: true,
  },
  E_KAFKA_COMPRESSION: {
    message: 'A batch compressed with {codec} cannot be read: {reason}',
    effect: 'The topics of that consumer stand still at this batch; other groups go on. It is tried again with a growing wait.',
    fix: 'If the batch is larger than kafka_max_batch_bytes allows, raise that. If it is broken, move the group behind it with kafka-consumer-groups --reset-offsets.',
    retryable: false,
  },
  E_KAFKA_CONSUMER: {
    message: 'The consumer of group {group} ended: {reason}',
    effect: 'Its partitions are given back and go to other members; it is built anew with a growing wait.',
    fix: 'Look at the reason. kafka-consumer-groups --bootstrap-server {brokers} --describe --group {group} shows who holds what.',
    retryable: true,
  },
  E_KAFKA_GROUP_DENIED: {
    message: 'The SASL user {user} may not READ group "{group}", or the group has no coordinator just now: {reason}',
    effect: 'The topics of this group are not consumed; it is tried again with a growing wait.',
    fix: 'kafka-acls --bootstrap-server {brokers} --add --allow-principal User:{user} --operation Read --group {group}',
    retryable: true,
  },
  E_KAFKA_LETTER_COMPACTED: {
    message: 'The dead-letter topic "{topic}" is compacted (cleanup.policy)',
    effect: 'Nothing that would need it is taken in: of several letters with one key all but the last would be deleted.',
    fix: 'kafka-configs --bootstrap-server {brokers} --alter --topic {topic} --add-config cleanup.policy=delete, or set dead_letter_topic to another one.',
    retryable: true,
  },
  E_KAFKA_LETTER_DENIED: {
    message: 'The SASL user {user} may not WRITE the dead-letter topic "{topic}": {reason}',
    effect: 'The event stays unacknowledged and its lane waits; the write is tried again for ever.',
    fix: 'kafka-acls --bootstrap-server {brokers} --add --allow-principal User:{user} --operation Write --operation Describe --topic {topic}',
    retryable: true,
  },
  E_KAFKA_LETTER_LOOP: {
    message: 'Topic "{topic}" is one of dead letters: the template {template} gives it',
    effect: 'It is not consumed: what fails there would come back to it for ever. Other topics continue.',
    fix: 'Take it out of topics and annotations, or set dead_letter_topic to a template that does not give this name. To have letters tried again, use millrace replay.',
    retryable: false,
  },
  E_KAFKA_LETTER_TOO_LARGE: {
    message: 'A dead letter of {bytes} bytes is too large for topic "{topic}", also without its error text: {reason}',
    effect: 'The event stays unacknowledged and its lane waits; the write is tried again for ever.',
    fix: 'Raise max.message.bytes of the topic above that of the origin by 16 KiB: kafka-configs --bootstrap-server {brokers} --alter --topic {topic} --add-config max.message.bytes=...',
    retryable: true,
  },
  E_KAFKA_LETTER_TOPIC_MISSING: {
    message: 'There is no dead-letter topic "{topic}", and dead_letter_create is {create}{reason}',
    effect: 'Nothing that would need it is taken in, or the event stays unacknowledged and its lane waits.',
    fix: 'kafka-topics --bootstrap-server {brokers} --create --topic {topic}, or set dead_letter_create to true and permit this user to create topics.',
    retryable: true,
  },
  E_KAFKA_LETTER_UNCONFIRMED: {
    message: 'The broker did not confirm a new record in {topic}/{partition}: {reason}',
    effect:
      'The letter counts as not written and is written again by a new producer; it may be there twice. The event stays unacknowledged until then.',
    fix: 'Nothing, if it is rare: it happens when leaders move. Letters of one event have the same millrace-event-id and millrace-function.',
    retryable: true,
  },
  E_KAFKA_LETTER_WRITE: {
    message: 'A dead letter could not be written to topic "{topic}": {reason}',
    effect: 'The event stays unacknowledged and its lane waits; the write is tried again for ever, by a new producer.',
    fix: 'Look at the reason and at the broker log. NOT_ENOUGH_REPLICAS: bring back the brokers, or lower min.insync.replicas.',
    retryable: true,
  },
  E_KAFKA_POSITION: {
    message:
      'The position {committed} of {topic}/{partition} is outside its log ({low} to {high}), and the policy offset_out_of_range is {policy}',
    effect: 'Retention may have deleted records before they were delivered. {consequence}.',
    fix: 'Raise retention.ms of the topic above the longest outage, or add replicas. To choose a position: stop the connector and run kafka-consumer-groups --bootstrap-server {brokers} --group {group} --topic {topic}:{partition} --reset-offsets --to-offset {low} --execute',
    retryable: false,
  },
  E_KAFKA_RECORD: {
    message: 'A batch of group {group} cannot be read: {reason}',
    effect: 'The topics of this group stand still at that batch; other groups go on. It is tried again with a growing wait.',
    fix: 'If a codec is missing, configure it; if the batch is broken, move the group behind it with kafka-consumer-groups --reset-offsets.',
    retryable: false,
  },
  E_KAFKA_REGISTRY: {
    message: 'The schema registry {url} did not give {what}: {reason}',
    effect: 'The partitions that need it wait, in order, and nothing is dead-lettered for it; it is asked again with a growing wait.',
    fix: 'Check schema_registry_url, its certificate and its credentials, and that the registry is up: curl {url}/subjects',
    retryable: true,
  },
  E_KAFKA_REQUEST: {
    message: 'A request to the brokers {brokers} failed: {reason}',
    effect: 'Nothing is lost; it is tried again with a growing wait.',
    fix: 'Look at the reason and at the broker log.',
    retryable: true,
  },
  E_KAFKA_TLS: {
    message: 'TLS with the brokers {brokers} failed: {reason}',
    effect:
      'No topic is consumed; what was in flight is given back and comes again. It is tried again with the certificates of that moment.',
    fix: 'Set kafka_ca to the authority that signed the broker certificate, kafka_cert and kafka_key if the listener asks for them, and check names and dates with: openssl s_client -connect HOST:PORT -showcerts',
    retryable: true,
  },
  E_KAFKA_TOPIC_DENIED: {
    message: 'The SASL user {user} may not read topic "{topic}" (TOPIC_AUTHORIZATION_FAILED)',
    effect: 'Functions on this topic get no events; other topics continue. It is looked at again every {interval} seconds.',
    fix: 'kafka-acls --bootstrap-server {brokers} --add --allow-principal User:{user} --operation Read --operation Describe --topic {topic}',
    retryable: true,
  },
  E_KAFKA_TOPIC_MISSING: {
    message: 'There is no topic "{topic}"',
    effect: 'Functions on this topic get no events; other topics continue. It is looked at again every {interval} seconds.',
    fix: 'Correct the name, or create it: kafka-topics --bootstrap-server {brokers} --create --topic {topic}. Topics are never created by the connector.',
    retryable: true,
  },
  E_KAFKA_UNREACHABLE: {
    message: 'The brokers {brokers} cannot be reached: {reason}',
    effect: 'No topic is consumed; what was in flight is given back and comes again. It is tried again with a growing wait, for ever.',
    fix: 'Check kafka_brokers, the listener (a TLS or SASL listener drops plain clients), and that advertised.listeners can be reached from here.',
    retryable: true,
  },
  E_LETTER_MALFORMED: {
    message: '{where} is not a dead letter or event as Millrace writes it: {reason}',
    effect: 'The record is left where it is and not delivered.',
    fix: 'Look at the line: docs/file-formats.md describes it. A copy of the file without the line can be read.',
    retryable: false,
  },
  E_LETTER_VERSION: {
    message: '{where} has format version {version}; this release reads version {supported}.',
    effect: 'The record is left where it is and not delivered.',
    fix: 'Use the Millrace release that wrote it, or a newer one.',
    retryable: false,
  },
  E_LETTER_WRITE: {
    message: 'a dead letter could not be written to {sink}',
    effect: 'The event stays unacknowledged and its lane waits; the write is tried again for ever.',
    fix: 'Make room or give the right to write: see the cause in the log line.',
    retryable: true,
  },
  E_RABBITMQ_ACK_TIMEOUT: {
    message: 'RabbitMQ gave up waiting for an acknowledgement at {brokers}: {reason}',
    effect: 'The messages that the channel held are given again, possibly while a function still works on one: it may run twice.',
    fix: 'Keep upstream_timeout and the waits in process below consumer_timeout of the broker (30 min by default), raise it (x-consumer-timeout on the queue, or consumer_timeout in rabbitmq.conf), or invoke long functions asynchronously.',
    retryable: true,
  },
  E_RABBITMQ_AUTHENTICATION: {
    message: 'RabbitMQ at {brokers} refuses the user {user}: {reason}',
    effect: 'Nothing is consumed; what was in flight is given back and comes again. It is tried again with the credentials of that moment.',
    fix: 'Check user and password (files are read again at each try): rabbitmqctl authenticate_user {user}. The user guest may only log in from the same host. For a client certificate the plugin rabbitmq_auth_mechanism_ssl must be on.',
    retryable: true,
  },
  E_RABBITMQ_BINDINGS: {
    message: 'What the queue {queue} was bound to before is not known: {reason}',
    effect:
      'It is bound to what its function wants now; bindings of before that nobody wants any more stay, and their messages go on to it.',
    fix: 'Look at the state store (state_dir or state_url). To see and remove bindings: rabbitmqctl list_bindings -p {vhost} source_name routing_key destination_name, rabbitmqadmin delete binding',
    retryable: true,
  },
  E_RABBITMQ_BINDING_REFUSED: {
    message: 'The queue {queue} cannot be bound to the exchange {exchange} by `{key}`: {reason}',
    effect:
      'What is published there does not reach the queue. Its other bindings and what is in it go on; bindings that are not wanted any more stay until this one is made. It is tried again with a growing wait.',
    fix: 'To bind, the user needs the rights write on the queue and read on the exchange. {how}',
    retryable: true,
  },
  E_RABBITMQ_BLOCKED: {
    message: 'RabbitMQ at {brokers} takes no messages: {reason}',
    effect:
      'Retries, dead letters and replies wait, and what they belong to stays unacknowledged; nothing is lost. It goes on when the alarm ends.',
    fix: 'rabbitmq-diagnostics alarms names the resource: free disk space or memory, or raise disk_free_limit or vm_memory_high_watermark.',
    retryable: true,
  },
  E_RABBITMQ_CHANNEL: {
    message: 'A channel to RabbitMQ at {brokers} is closed: {reason}',
    effect: 'What it held unacknowledged is given again by the broker; other queues go on. A new channel is opened.',
    fix: 'Nothing, if it is rare. Else look at the reason and at the broker log.',
    retryable: true,
  },
  E_RABBITMQ_CHECKPOINT: {
    message: 'The position in the stream {queue} could not be stored: {reason}',
    effect: 'Deliveries go on; after a restart what was finished since the last stored position comes again.',
    fix: 'Look at the state store (state_dir or state_url): the reason says what is wrong with it. It is tried again every second.',
    retryable: true,
  },
  E_RABBITMQ_CONNECTION: {
    message: 'The connection to RabbitMQ at {brokers} is lost: {reason}',
    effect: 'What was in flight on it is given back and comes again. It is made again with a growing wait, for ever.',
    fix: 'Nothing, if the broker was restarted or an operator closed it. Else look at the reason and at the broker log.',
    retryable: true,
  },
  E_RABBITMQ_CONSUMER_CANCELLED: {
    message: 'RabbitMQ has ended the consumer of the queue {queue}: it was deleted, moved, or a message was held for too long.',
    effect:
      'What was in flight of this queue is given back and comes again if the queue still has it; other queues go on. The queue is declared and consumed again with a growing wait.',
    fix: 'Nothing, if the queue was moved or made anew. Else see who deletes it, and keep upstream_timeout below consumer_timeout of the broker.',
    retryable: true,
  },
  E_RABBITMQ_DENIED: {
    message: 'The RabbitMQ user {user} has no right for this: {reason}',
    effect: 'What needs the right waits, and is tried again with a growing wait; other queues go on.',
    fix: 'Give it the right on the resource that the reason names, e.g. rabbitmqctl set_permissions -p {vhost} {user} CONFIGURE WRITE READ (regular expressions), or switch declaring off.',
    retryable: true,
  },
  E_RABBITMQ_DRIFT: {
    message: 'The {kind} {name} is there with other arguments: {reason}',
    effect:
      'It is used as it is. Nothing is lost by that, but what the argument stands for (delivery limit, time to live, dead letters) is as the existing one has it.',
    fix: 'Set what is missing by a policy: rabbitmqctl set_policy -p {vhost}. Or, when it is empty and nobody publishes, delete it, and it is declared anew.',
    retryable: false,
  },
  E_RABBITMQ_EXCHANGE_MISSING: {
    message: 'RabbitMQ has no such exchange: {reason}',
    effect: 'What needs the exchange waits, and is tried again with a growing wait; other queues go on.',
    fix: 'Correct the name, or declare the exchange: rabbitmqadmin declare exchange name=NAME type=topic durable=true',
    retryable: true,
  },
  E_RABBITMQ_HEADERS_TOO_LARGE: {
    message: 'A message for {exchange}/{key} cannot be encoded: {reason}',
    effect: 'It was not sent. Its headers are larger than 64 KiB, or hold what AMQP 0-9-1 cannot express.',
    fix: 'Send smaller headers, and what is large in the body.',
    retryable: false,
  },
  E_RABBITMQ_IS_STREAM: {
    message: 'The queue {queue} is a stream, and no annotation of the function that names it says so.',
    effect: 'No place in it is kept: what is published while it is not consumed, or while the connector is down, reaches no function.',
    fix: 'Give the function the annotation com.openfaas.connector.queue-type: stream, and stream-offset if it should not begin with the first message.',
    retryable: true,
  },
  E_RABBITMQ_LETTER_QUEUE_MISSING: {
    message: 'There is no dead-letter queue {queue} for {intake}: {reason}',
    effect: 'The event stays unacknowledged and waits; the letter is written again for ever.',
    fix: 'Let the connector declare it, or: rabbitmqadmin declare queue name={queue} queue_type=quorum durable=true',
    retryable: true,
  },
  E_RABBITMQ_LOCKED: {
    message: 'The queue is in exclusive use by another connection: {reason}',
    effect: 'It is not consumed, and is tried again with a growing wait; other queues go on.',
    fix: 'End the other consumer, or use a queue that is not exclusive: rabbitmqctl list_consumers -p {vhost}',
    retryable: true,
  },
  E_RABBITMQ_MANAGEMENT: {
    message: 'the management API at {url} does not tell how long queues are: {detail}',
    effect: 'The gauges of ready and unacknowledged messages stay as they are; nothing else needs it.',
    fix: 'Check rabbitmq_management_url, that the plugin rabbitmq_management is enabled, and that the user has the tag "monitoring".',
    retryable: true,
  },
  E_RABBITMQ_NATIVE_RETRY: {
    message: 'The queue {queue} gave a failed message back after {held} ms; with its delayed retry it should have held it for {wanted} ms.',
    effect: 'Retries of the queue wait in its delay queues from now on. Nothing is lost; the message was tried too soon.',
    fix: 'Set rabbitmq_native_retry=false, and tell the maintainers the version of the broker: this way of retrying was never run on one.',
    retryable: false,
  },
  E_RABBITMQ_NOT_DECLARED: {
    message: 'RabbitMQ has no {kind} {name}, and it cannot be declared: {reason}',
    effect: '{consequence}.',
    fix: 'Let somebody with the right run: {command}',
    retryable: true,
  },
  E_RABBITMQ_NO_ANSWER: {
    message: 'RabbitMQ did not answer {request} for the queue {queue} within {seconds} s.',
    effect: 'The queue is not consumed, and is tried again with a growing wait; other queues go on.',
    fix: 'A quorum queue without a majority of its nodes does this: rabbitmqctl list_queues name state members online, and the broker log.',
    retryable: true,
  },
  E_RABBITMQ_PRECONDITION: {
    message: 'RabbitMQ refuses what was asked of a channel: {reason}',
    effect: 'The channel is closed and what it held is given again; other queues go on.',
    fix: 'If an argument is inequivalent, the queue or exchange is there with other arguments: set the same ones, switch declaring off, or delete it when it is empty and declare it anew.',
    retryable: true,
  },
  E_RABBITMQ_QUEUE_MISSING: {
    message: 'RabbitMQ has no such queue: {reason}',
    effect: 'It is not consumed, and is looked for again with a growing wait; other queues go on.',
    fix: 'Correct the name, or let the connector declare it, or: rabbitmqadmin declare queue name=NAME queue_type=quorum durable=true',
    retryable: true,
  },
  E_RABBITMQ_QUEUE_RETIRED: {
    message: 'The function {function} is gone: its queue {queue} is unbound and keeps {messages} messages',
    effect:
      'Nothing is deleted. The messages stay until the function comes back under its name, or a person deletes the queue; dead letters and waiting retries likewise.',
    fix: 'If they are not wanted: rabbitmqctl delete_queue -p {vhost} {queue}',
    retryable: false,
  },
  E_RABBITMQ_STREAM_ANEW: {
    message: 'The stream {queue} ends at offset {end}, before the stored position {checkpoint}: it was deleted and made anew.',
    effect: 'It is read from its first message; nothing of it is left out.',
    fix: 'Nothing, if it was meant. What the old stream had and was not delivered is gone with it.',
    retryable: true,
  },
  E_RABBITMQ_STREAM_TAKEN: {
    message: 'The stream {queue} is read by another replica now, or the right to read it ran out.',
    effect: 'What was in flight of it is given back, and comes again to whoever reads it from its stored position. This replica stands by.',
    fix: 'Nothing, if the state store was away for longer than the right to read lasts (30 s). Else see that the replicas share one state store.',
    retryable: true,
  },
  E_RABBITMQ_TLS: {
    message: 'TLS with RabbitMQ at {brokers} failed: {reason}',
    effect:
      'Nothing is consumed; what was in flight is given back and comes again. It is tried again with the certificates of that moment.',
    fix: 'Set the CA to the authority that signed the broker certificate, and certificate and key if the listener asks for them. Look at names and dates with: openssl s_client -connect HOST:PORT -showcerts. The TLS port is usually 5671.',
    retryable: true,
  },
  E_RABBITMQ_TOPOLOGY: {
    message: '{file} is not a usable topology file:\n{problems}',
    effect: 'The connector does not start; nothing was taken from a queue.',
    fix: 'Correct the lines that are named. The file is a list of exchanges: - name: NAME, topics: [TOPIC, ...], declare: true or false, type: direct or topic, durable: true or false, auto-deleted: true or false',
    retryable: false,
  },
  E_RABBITMQ_UNCONFIRMED: {
    message: 'RabbitMQ did not confirm a message for {exchange}/{key}: {reason}',
    effect: 'It counts as not sent and is sent again later: it may be there twice. What it belongs to stays unacknowledged until then.',
    fix: 'Nothing, if it is rare: it happens when a connection is lost. A nack, or silence for long, comes from a queue at its limit (x-max-length with reject-publish) or a quorum queue without majority: rabbitmqctl list_queues -p VHOST name state members online',
    retryable: true,
  },
  E_RABBITMQ_UNREACHABLE: {
    message: 'RabbitMQ at {brokers} cannot be reached: {reason}',
    effect:
      'Nothing is consumed; what was in flight is given back and comes again. It is tried again with a growing wait, for ever, host by host.',
    fix: 'Check host and port (5672 plain, 5671 TLS: a TLS listener drops plain clients), and that the broker runs: rabbitmq-diagnostics listeners',
    retryable: true,
  },
  E_RABBITMQ_UNROUTABLE: {
    message: 'No queue takes a message for {exchange}/{key}: {reason}',
    effect: 'It was not kept by the broker. What it belongs to stays unacknowledged, and it is sent again with a growing wait.',
    fix: 'Declare the queue, or bind one to the exchange with this key: rabbitmqctl list_bindings -p {vhost}',
    retryable: true,
  },
  E_RABBITMQ_VHOST: {
    message: 'RabbitMQ at {brokers} does not open the vhost "{vhost}" for the user {user}: {reason}',
    effect: 'Nothing is consumed. It is tried again with a growing wait, for ever.',
    fix: 'Check the name (rabbitmqctl list_vhosts name state), the right on it (rabbitmqctl list_user_permissions {user}), and its limit of connections. The broker log says which it is.',
    retryable: true,
  },
  E_STACK_HANDLER: {
    message: '{file}:{line}: the handler of function {function} cannot be used: {reason}',
    effect: 'The stack is not used. A running gateway keeps the last good one.',
    fix: 'handler names a folder, relative to the stack file, with handler.js, handler.mjs, handler.cjs or a package.json with main.',
    retryable: false,
  },
  E_STACK_INVALID: {
    message: '{file} is not a usable stack file:\n{problems}',
    effect: 'The stack is not used. A running gateway keeps the last good one.',
    fix: 'Correct the lines that are named; the format is that of faas-cli, docs: https://docs.openfaas.com/reference/yaml/',
    retryable: false,
  },
  E_STACK_READ: {
    message: 'Cannot read {file}: {reason}',
    effect: 'It is not used. A running gateway keeps the last good one.',
    fix: 'Check the path and that this user may read it.',
    retryable: false,
  },
  E_STATE_CLOSED: {
    message: 'The state store is closed.',
    effect: 'Nothing was read or written.',
    fix: 'Report it: a source used its state after the connector had stopped.',
    retryable: false,
  },
  E_STATE_CORRUPT: {
    message: 'The state in {directory} is damaged: {reason}',
    effect: 'The connector does not start, so that no cursor or checkpoint is lost without anybody knowing.',
    fix: 'Restore the directory from a backup. Or move the whole directory away: the connector then starts with empty state, which repeats or skips events as for a first start.',
    retryable: false,
  },
  E_STATE_IO: {
    message: 'Cannot {operation} the state: {reason}',
    effect: 'Nothing may be assumed about this write; the source tries again and acknowledges nothing on the strength of it.',
    fix: 'On disk: free space or repair the disk, and check that the state directory may be written. In Redis: see that the server runs, can be reached, lets the user in and has memory left.',
    retryable: true,
  },
  E_STATE_LIMIT: {
    message: '{what} has {size} bytes; at most {limit} are allowed.',
    effect: 'The value was not stored.',
    fix: 'Use shorter keys or smaller values; the store is for cursors and marks, not for events.',
    retryable: false,
  },
} as const
