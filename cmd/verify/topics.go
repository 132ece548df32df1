package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"kandashub/cmd/verify/broker"
	"kandashub/cmd/verify/check"
)

// stopped expects a route to have stopped for a reason that the hubs' logs say,
// and everything else to have gone on.
func stopped(route, reason string) func(*run, *check.History, *check.Verdict) []string {
	return func(r *run, _ *check.History, _ *check.Verdict) []string {
		for _, h := range r.world.Hubs {
			if r.logHas(h.Log, `"route":"`+route+`"`, reason) {
				return nil
			}
		}
		return []string{fmt.Sprintf("no hub's log says that route %s has stopped because %q", route, reason)}
	}
}

// deleteRecords freezes the hubs behind the log's end, and deletes records that
// they have not read. The reading groups cannot go on; once somebody has decided
// about the gap they are set to where the log begins.
func deleteRecords(ctx context.Context, r *run) error {
	if err := r.progress.await(ctx, 0.2); err != nil {
		return err
	}
	end := r.band("records deleted")
	defer end()
	for _, h := range r.world.Hubs {
		h.Kill()
	}
	if err := r.written(ctx); err != nil {
		return err
	}
	ends, err := r.admin.ListEndOffsets(ctx, "kandas.events")
	if err != nil {
		return err
	}
	at := kadm.Offsets{}
	ends.Each(func(o kadm.ListedOffset) { at.AddOffset(o.Topic, o.Partition, o.Offset, -1) })
	if err := r.keep(ctx, "kandas.events"); err != nil {
		return err
	}
	r.sampler.sample(ctx)
	taken := map[int]int64{} // by partition: from here on nobody has read it
	for _, c := range r.sampler.ends()[group("verify")] {
		taken[c.Partition] = c.Offset
	}
	r.forgiven = func(s *check.Send) bool { return s.Topic == "kandas.events" && s.Offset >= taken[s.Partition] }
	if _, err := r.admin.DeleteRecords(ctx, at); err != nil {
		return err
	}
	r.bit("deleted", min(1, r.inFlight()))
	for _, h := range r.world.Hubs {
		if err := errors.Join(h.Start(), h.Ready(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// addPartitions does what nobody may do to a topic in use, and takes it back as
// far as that goes: everything stays where it is.
func addPartitions(ctx context.Context, r *run) error {
	if err := r.progress.await(ctx, 0.3); err != nil {
		return err
	}
	end := r.band("partitions added")
	defer end()
	answers, err := r.admin.CreatePartitions(ctx, 1, "migration.notifications")
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		return err
	}
	r.bit("partitions", min(1, r.inFlight()))
	r.forgiven = func(s *check.Send) bool {
		return strings.HasPrefix(s.Application, "migration-") && s.Topic == "kandas.events"
	}
	return nil
}

// remakeTopic deletes a topic whose records are all finished, and makes it
// again, while the hubs read it.
func remakeTopic(ctx context.Context, r *run) error {
	if err := r.written(ctx); err != nil {
		return err
	}
	if err := r.quiet(ctx); err != nil {
		return err
	}
	const topic = "kandas.events"
	if err := r.keep(ctx, topic); err != nil {
		return err
	}
	end := r.band("topic remade")
	defer end()
	if _, err := r.admin.DeleteTopics(ctx, topic); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	if _, err := r.hubctl(ctx, "topics", "create", "--replication=1"); err != nil {
		return err
	}
	r.bit("remade", 1)
	if err := pause(ctx, 8*time.Second); err != nil { // for whoever reads it to notice
		return err
	}
	offsets, err := r.admin.FetchOffsets(ctx, group("verify"))
	if err != nil {
		return err
	}
	offsets.Each(func(o kadm.OffsetResponse) { r.remembered = r.remembered || o.Topic == topic && o.At > 0 })
	if !r.remembered {
		r.note("Kafka has forgotten the group's offsets with the topic: the hubs read the new one from its start")
	}
	return nil
}

// remadeNoticed expects the route to have stopped, unless Kafka has forgotten
// the group's offsets with the topic.
func remadeNoticed(r *run, h *check.History, v *check.Verdict) []string {
	if !r.remembered {
		return nil
	}
	return stopped("verify", "made again")(r, h, v)
}

func refuseLetters(ctx context.Context, r *run) error {
	return r.brokerFault(ctx, "letters", r.down(9*time.Second), // longer than one attempt at a write
		broker.Fault{Keys: []string{"Produce"}, Topic: "verify.dead", Error: "TOPIC_AUTHORIZATION_FAILED"})
}

func refuseReplies(ctx context.Context, r *run) error {
	return r.brokerFault(ctx, "replies", r.down(2*time.Second),
		broker.Fault{Keys: []string{"Produce"}, Topic: "migration.accepted", Error: "MESSAGE_TOO_LARGE", Times: 20})
}

// backlog keeps the hubs from the messages until all have been written, and
// watches what the hubs weigh while they work them off.
func backlog(ctx context.Context, r *run) error {
	for _, h := range r.world.Hubs {
		if err := h.Term(ctx); err != nil {
			return err
		}
	}
	if err := r.written(ctx); err != nil {
		return err
	}
	r.bit("backlog", r.driver.Total())
	end := r.band("working off the backlog")
	defer end()
	began := time.Now()
	for _, h := range r.world.Hubs {
		if err := h.Start(); err != nil {
			return err
		}
	}
	most := int64(0)
	err := until(ctx, time.Second, func() bool {
		for _, h := range r.world.Hubs {
			most = max(most, h.Resident())
		}
		seen, _ := r.progress.look()
		return seen >= r.driver.Wants()
	})
	if err == nil {
		r.note("%d messages in %.0f s; the largest hub had %d MB resident", r.driver.Total(), time.Since(began).Seconds(), most>>20)
	}
	return err
}
