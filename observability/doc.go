// Package observability is how the hub is seen: metrics, logs that hold no
// personal data, trace context, and the endpoints for probes. It imports
// nothing of the hub.
//
// # Metrics
//
// Every metric of the hub is a field of [Metrics], in a registry of its own,
// and is changed by one method. Label values are closed sets, taken from the
// routing table or from constants, never from a message; a value that does not
// look like one, or comes too late, is counted as "other". Times are in
// seconds, sizes in bytes. Series of everything in the routing table exist from
// the start with 0 ([Metrics.Init]), so that the first failure is an increase.
//
//	hub_build_info{version,revision,goversion}         1
//	hub_messages_consumed_total{route,topic}           read from Kafka
//	hub_messages_processed_total{route,outcome}        attempts: delivered duplicate retried dead_lettered parked
//	hub_messages_final_total{route,outcome}            messages, once each: delivered duplicate dead_lettered
//	hub_messages_rejected_total{route,reason}          bad input, by letter code
//	hub_messages_inflight{route}                       held in memory now
//	hub_route_concurrency_limit{route}                 under way at once at most, as the system bears it
//	hub_message_attempts{route}                        histogram: attempts that a message needed
//	hub_end_to_end_latency_seconds{route}              histogram: from the root message's time to the effect
//	hub_last_success_timestamp_seconds{route}          when a message last was delivered
//	hub_messages_produced_total{topic,result}          ok error
//	hub_kafka_operation_duration_seconds{operation}    histogram: send poll commit
//	hub_consumer_lag_messages{route,topic,partition}   end offset minus committed offset, own partitions only
//	hub_consumer_lag_seconds{route,topic,partition}    age of the oldest unfinished message, made at scrape time
//	hub_consumer_lag_refreshed_timestamp_seconds       tells a stuck collector from a calm topic
//	hub_consumer_assigned_partitions{route}            partitions that this process owns
//	hub_consumer_rebalances_total{route}               generations joined
//	hub_consumer_commits_total{route,result}           ok error stale
//	hub_consumer_fetch_errors_total{route,reason}      timeout auth eof other
//	hub_parked_messages{route}                         parked and unfinished, own partitions only
//	hub_parked_keys{route}                             applications that wait parked
//	hub_stuck_attempts{route}                          attempts that run on past their lease, own partitions only
//	hub_dlq_messages_total{route,reason}               dead letters written, by letter code
//	hub_dlq_unresolved_messages{route}                 dead letters that no one has decided, own partitions only
//	hub_dlq_oldest_unresolved_timestamp_seconds{route} 0: none
//	hub_dlq_publish_failures_total{route}              letters that could not be written: the partition stands still
//	hub_dedup_checks_total{route,result}               claims: new busy done answered uncertain dead conflict error
//	hub_route_paused{route,reason}                     1: paused for this reason; a route runs when all are 0
//	hub_external_requests_total{system,operation,result}
//	                                                   2xx 3xx 4xx 5xx soap_fault timeout connect_error tls_error lease_over canceled
//	hub_external_request_duration_seconds{system,operation}
//	                                                   histogram
//	hub_breaker_state{system,operation,state}          closed half_open open: exactly one is 1
//	hub_breaker_transitions_total{system,operation,to}
//	hub_redis_commands_total{command,result}           ok error timeout
//	hub_redis_command_duration_seconds{command}        histogram
//	hub_outcomes_total{result}                         outcomes reported to hub.outcomes: written lost
//	hub_outcomes_indexed                               outcomes that can be found in this process
//	hub_outcomes_index_lag_messages                    records of hub.outcomes that its index has not read yet
//	hub_panics_total{component}                        recovered panics
//	hub_log_messages_total{level}                      debug info warn error
//	hub_pii_redactions_total{kind}                     iin phone email field: what the log filter took out
//	hub_http_requests_total{handler,method,code}       intake and SHEP endpoints
//	hub_http_request_duration_seconds{handler}         histogram
//
// Beside these there are go_* and process_* of the Prometheus client.
//
// # Logs
//
// Lines are JSON ([NewLogger]). Two nets keep personal data out: only
// attributes named in an allow list keep their text, and a pattern filter takes
// IINs, phones and e-mail addresses out of what is left. [IIN], [Name] and
// [DocumentNo] never show their content, whoever formats them. Application ids
// and trace ids are allowed: they join the lines of one application.
//
// # Probes
//
// [Server] serves /metrics, /livez and /readyz.
package observability
