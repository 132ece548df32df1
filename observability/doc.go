// Package observability is how the hub is seen: metrics, logs that hold no
// personal data, traces, and the endpoints for probes. It imports
// nothing of the hub.
//
// # Metrics
//
// Every metric of the hub is registered by [NewMetrics], in a registry of its own,
// and is changed by one method of [Metrics], [RouteMetrics] or [SystemMetrics].
// What changes with each message is bound once, costs less than 100 ns and
// allocates nothing. Label values are closed sets, taken from the
// routing table or from constants, never from a message; a value that does not
// look like one, or comes too late, is counted as "other". Times are in
// seconds, sizes in bytes. Series of everything in the routing table exist from
// the start with 0 ([Metrics.Init]), so that the first failure is an increase.
//
//	hub_build_info{version,revision,goversion}         1
//	hub_config_info{hash}                              1: hubs with the same hash run the same settings
//	hub_memory_limit_bytes                             GOMEMLIMIT, or the container's limit; 0: none
//	hub_messages_consumed_total{route,topic}           read from Kafka
//	hub_messages_processed_total{route,outcome}        attempts: delivered duplicate retried dead_lettered parked
//	hub_messages_final_total{route,outcome}            messages, once each: delivered duplicate rejected (the sender's
//	                                                   fault) dead_lettered (not the sender's); one that a person
//	                                                   has replayed ends again
//	hub_messages_rejected_total{route,reason}          bad input, by letter code
//	hub_messages_inflight{route}                       held in memory now
//	hub_route_concurrency_limit{route}                 under way at once at most, as the system bears it
//	hub_message_attempts{route}                        histogram: attempts that a message needed
//	hub_message_process_duration_seconds{route,result}
//	                                                   histogram: the hub's own time for an attempt, without the call;
//	                                                   ok (the message has come to its end) error
//	hub_message_size_bytes{direction}                  histogram: payloads read (in) and written (out)
//	hub_end_to_end_latency_seconds{route}              histogram: from the root message's time to the effect
//	hub_last_success_timestamp_seconds{route}          when a message last was delivered
//	hub_deadline_slack_seconds{route}                  histogram: left of HUB_DEADLINE at delivery; negative: late, so
//	                                                   its _sum means nothing
//	hub_deadline_missed_total{route}                   delivered late
//	hub_deadline_at_risk_messages{route}               undelivered, with less than a fifth of HUB_DEADLINE left since
//	                                                   they were written; own partitions, and what has been read
//	hub_messages_produced_total{topic,result}          ok error
//	hub_kafka_operation_duration_seconds{operation}    histogram: send poll commit
//	hub_consumer_lag_messages{route,topic,partition}   end offset minus committed offset, own partitions only
//	hub_consumer_lag_seconds{route,topic,partition}    age of the oldest unfinished message, made at scrape time
//	hub_consumer_lag_refreshed_timestamp_seconds       tells a stuck collector from a calm topic
//	hub_consumer_assigned_partitions{route}            partitions that this process owns
//	hub_route_partitions{route}                        partitions that the route has: all hubs together own as many
//	hub_consumer_rebalances_total{route}               generations joined
//	hub_consumer_commits_total{route,result}           ok error
//	hub_consumer_last_commit_timestamp_seconds{route}  0: none since this process began
//	hub_consumer_fetch_errors_total{route,reason}      leader timeout other
//	hub_parked_messages{route}                         parked and unfinished, own partitions only
//	hub_parked_keys{route}                             applications that wait parked
//	hub_parked_oldest_timestamp_seconds{route}         when the oldest of them was parked; 0: none
//	hub_stuck_attempts{route}                          attempts that run on past their lease, own partitions only
//	hub_dlq_messages_total{route,reason}               dead letters written, by letter code
//	hub_dlq_unresolved_messages{route}                 dead letters that no one has decided, own partitions only
//	hub_dlq_oldest_unresolved_timestamp_seconds{route} 0: none
//	hub_dlq_resolved_total{route,action}               decisions carried out: replayed answered discarded
//	hub_dlq_publish_failures_total{route}              letters that could not be written: the partition stands still
//	hub_dedup_checks_total{route,result}               claims: new busy done answered uncertain dead conflict error
//	hub_dedup_keys                                     keys in Redis
//	hub_claims_lost                                    1: a loss of claims stands that nobody has accepted
//	hub_route_state{route,state}                       running paused failed (for good): exactly one is 1
//	hub_route_paused{route,reason}                     1: paused for this reason; a route runs when all are 0
//	hub_route_info{route,system,operation}             1: what the route calls
//	hub_external_requests_total{system,operation,result}
//	                                                   2xx 3xx 4xx 5xx soap_fault timeout connect_error tls_error lease_over
//	                                                   canceled bad_answer (reset, cut off, too long or unreadable)
//	hub_external_request_duration_seconds{system,operation}
//	                                                   histogram
//	hub_external_inflight_requests{system}             calls under way
//	hub_external_timeout_seconds{system}               deadline of one call
//	hub_breaker_state{system,operation,state}          closed half_open open forced_open forced_closed: exactly one is 1
//	hub_breaker_open_since_timestamp_seconds{system,operation}
//	                                                   since when it has not been closed, probes or not; 0: it is
//	hub_breaker_transitions_total{system,operation,to}
//	hub_breaker_rejections_total{system,operation}     times that it let no call through
//	hub_tls_certificate_not_after_timestamp_seconds{purpose,name}
//	                                                   client (shown to a system) server peer (a system's)
//	hub_redis_up                                       1: it answered when asked last
//	hub_redis_commands_total{command,result}           ok error canceled
//	hub_redis_command_duration_seconds{command}        histogram
//	hub_redis_pool_connections{state}                  idle in_use waiting (for one) stale (closed so far)
//	hub_redis_memory_bytes                             used, all masters
//	hub_redis_memory_limit_bytes                       0: none
//	hub_redis_eviction_policy_unsafe                   1: it may evict claims
//	hub_redis_evicted_keys_total                       each may be a lost claim
//	hub_operator_actions_total{action,result}          commands on record in hub.audit since this process began, whoever
//	                                                   carried them out: done refused failed. Every hub counts all, so
//	                                                   take the highest of the hubs, not their sum
//	hub_audit_write_failures_total                     steps of commands that could not be put on record
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
// # Traces
//
// A [Trace] is the W3C context that travels in each message's traceparent header:
// every message of a chain has the trace id of the first. With HUB_OTLP set, a
// [Tracer] makes OpenTelemetry spans of it:
//
//	receive <topic>            the intake takes a message over
//	  send <topic>             and writes it; the message's traceparent names this span
//	process <topic>            one attempt at a message; follows from the span that sent it
//	  claim                    in Redis
//	  <system> <operation>     the call, or the question what became of one
//	  send <topic>             a reply, or a dead letter
//
// A [Work] notes what happens; spans are made of it at its end, if its trace is one
// that is kept (one in HUB_TRACE_SAMPLE, chosen by the trace id alone, so that all
// hubs keep the same ones) or if it has failed. Spans name topics, routes, systems,
// codes and the application's id, and nothing else of a message. Kept traces are
// the exemplars of the histograms of latency, of the hub's own time and of calls.
// A receiver that is away costs spans, never messages.
//
// # Probes
//
// [Server] serves /metrics, as text or OpenMetrics (which has the exemplars), /livez
// and /readyz. There is no probe of the start: /livez answers from the moment at which
// the process listens, so that there is nothing for one to wait for.
//
// # What is left out, and why
//
//	a canary       a message of ours in a topic of the state systems would be read by
//	               all who read it, and would need an exception in each contract. What
//	               it would find at night, when nothing else flows, has alerts that
//	               need no traffic: of partitions, fetching, committing, Redis
//	a mock mode    the hub has none: mocks are other programs, by the systems' URLs
//	retry tiers    a message that waits is parked behind its application, not by time
package observability
