package observability

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// partitions is the collector of what is known per partition: lag, parked
// messages, unresolved dead letters, deadlines. Sums and ages are made at scrape time, so
// that an age grows while nothing happens, which is when it matters.
type partitions struct {
	mu        sync.Mutex
	routes    map[string]map[int]*partition
	refreshed time.Time
	now       func() time.Time
}

type partition struct {
	lag                                     map[string]lag // by topic
	parked, keys, unresolved, stuck, atRisk int
	oldestParked, oldestDead                time.Time
}

type lag struct {
	messages int64
	oldest   time.Time
}

func newPartitions() *partitions {
	return &partitions{routes: make(map[string]map[int]*partition), now: time.Now}
}

var (
	lagMessagesDesc = prometheus.NewDesc("hub_consumer_lag_messages",
		"Unfinished messages of a partition that this process owns.", []string{"route", "topic", "partition"}, nil)
	lagSecondsDesc = prometheus.NewDesc("hub_consumer_lag_seconds",
		"Age of the oldest unfinished message; 0 if there is none.", []string{"route", "topic", "partition"}, nil)
	lagRefreshedDesc = prometheus.NewDesc("hub_consumer_lag_refreshed_timestamp_seconds",
		"Unix time at which a lag was last told; 0 if never.", nil, nil)
	parkedDesc = prometheus.NewDesc("hub_parked_messages",
		"Messages that are parked and unfinished, in partitions that this process owns.", []string{"route"}, nil)
	parkedKeysDesc = prometheus.NewDesc("hub_parked_keys",
		"Applications with parked messages, in partitions that this process owns.", []string{"route"}, nil)
	oldestParkedDesc = prometheus.NewDesc("hub_parked_oldest_timestamp_seconds",
		"Unix time at which the oldest message that waits was parked; 0 if there is none.", []string{"route"}, nil)
	atRiskDesc = prometheus.NewDesc("hub_deadline_at_risk_messages",
		"Undelivered messages with less than a fifth of the time to their deadline left, in partitions that this process owns.", []string{"route"}, nil)
	stuckDesc = prometheus.NewDesc("hub_stuck_attempts",
		"Attempts at messages that run on past their lease, in partitions that this process owns.", []string{"route"}, nil)
	unresolvedDesc = prometheus.NewDesc("hub_dlq_unresolved_messages",
		"Dead letters that nobody has decided, in partitions that this process owns.", []string{"route"}, nil)
	oldestUnresolvedDesc = prometheus.NewDesc("hub_dlq_oldest_unresolved_timestamp_seconds",
		"Unix time of the oldest unresolved dead letter; 0 if there is none.", []string{"route"}, nil)
)

// Describe implements prometheus.Collector.
func (p *partitions) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagMessagesDesc, lagSecondsDesc, lagRefreshedDesc,
		parkedDesc, parkedKeysDesc, oldestParkedDesc, atRiskDesc, stuckDesc, unresolvedDesc, oldestUnresolvedDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (p *partitions) Collect(ch chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := p.now()
	send(lagRefreshedDesc, unix(p.refreshed))
	for route, parts := range p.routes {
		var sum partition
		for number, part := range parts {
			sum.parked, sum.keys, sum.unresolved = sum.parked+part.parked, sum.keys+part.keys, sum.unresolved+part.unresolved
			sum.stuck, sum.atRisk = sum.stuck+part.stuck, sum.atRisk+part.atRisk
			sum.oldestDead, sum.oldestParked = older(sum.oldestDead, part.oldestDead), older(sum.oldestParked, part.oldestParked)
			for topic, l := range part.lag {
				age := time.Duration(0)
				if !l.oldest.IsZero() {
					age = now.Sub(l.oldest)
				}
				n := strconv.Itoa(number)
				send(lagMessagesDesc, float64(l.messages), route, topic, n)
				send(lagSecondsDesc, seconds(age), route, topic, n)
			}
		}
		send(parkedDesc, float64(sum.parked), route)
		send(parkedKeysDesc, float64(sum.keys), route)
		send(oldestParkedDesc, unix(sum.oldestParked), route)
		send(atRiskDesc, float64(sum.atRisk), route)
		send(stuckDesc, float64(sum.stuck), route)
		send(unresolvedDesc, float64(sum.unresolved), route)
		send(oldestUnresolvedDesc, unix(sum.oldestDead), route)
	}
}

// older returns the earlier of two times; zero is none.
func older(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// addRoute makes a route's sums appear with 0.
func (p *partitions) addRoute(route string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.routes[route] == nil {
		p.routes[route] = make(map[int]*partition)
	}
}

// update changes what is known of one partition.
func (p *partitions) update(route string, number int, change func(*partition)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.routes[route] == nil {
		p.routes[route] = make(map[int]*partition)
	}
	part := p.routes[route][number]
	if part == nil {
		part = &partition{lag: make(map[string]lag)}
		p.routes[route][number] = part
	}
	change(part)
}

func (p *partitions) lag(route, topic string, number int, messages int64, oldest time.Time) {
	p.update(route, number, func(part *partition) {
		part.lag[topic] = lag{messages: messages, oldest: oldest}
		p.refreshed = p.now()
	})
}

func (p *partitions) forget(route string, number int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.routes[route], number)
}

// unix is t in seconds, and 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// Lag says how many messages of a partition are unfinished, and when the oldest
// of them was written; zero if there is none.
func (r *RouteMetrics) Lag(topic string, partition int, messages int64, oldest time.Time) {
	if r != nil {
		r.all.parts.lag(r.name, r.all.labels.value("topic", topic), partition, messages, oldest)
	}
}

// ForgetPartition drops lag, parked messages and dead letters of a partition
// that this process owns no longer.
func (r *RouteMetrics) ForgetPartition(partition int) {
	if r != nil {
		r.all.parts.forget(r.name, partition)
	}
}

// Parked says how many messages of how many keys are parked and unfinished in a
// partition, and when the oldest was parked; zero if there is none.
func (r *RouteMetrics) Parked(number, messages, keys int, oldest time.Time) {
	if r != nil {
		r.all.parts.update(r.name, number, func(p *partition) { p.parked, p.keys, p.oldestParked = messages, keys, oldest })
	}
}

// AtRisk tells how many messages of a partition are near their deadline, or past
// it, and not delivered.
func (r *RouteMetrics) AtRisk(number, messages int) {
	if r != nil {
		r.all.parts.update(r.name, number, func(p *partition) { p.atRisk = messages })
	}
}

// Stuck tells how many attempts of a partition run on past their lease.
func (r *RouteMetrics) Stuck(number, attempts int) {
	if r != nil {
		r.all.parts.update(r.name, number, func(p *partition) { p.stuck = attempts })
	}
}

// Dead says how many dead letters of a partition are unresolved, and when the
// oldest was written; zero if there is none.
func (r *RouteMetrics) Dead(number, unresolved int, oldest time.Time) {
	if r != nil {
		r.all.parts.update(r.name, number, func(p *partition) { p.unresolved, p.oldestDead = unresolved, oldest })
	}
}
