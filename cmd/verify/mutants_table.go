package main

// mutants is the table of broken hubs. The first are the usual mistakes of such
// programs, those after the line are mistakes that only this one could make.
func mutants() []mutant {
	return []mutant{
		{
			name: "no-dedup", about: "a finished message is carried out again when it comes again", scenario: "calm",
			caught: []string{"I2 duplicate effect"},
			patches: []patch{{"topics/claims/scripts.go", `if r.state == 'd' then return 'done|' .. n end`,
				`if r.state == 'd' then r = fresh(fp, '') end`}},
		},
		{
			name: "commit-before-effect", about: "an offset counts as finished when its message is begun", scenario: "hub-killed",
			caught: []string{"I1 lost", "I6 commit ahead"},
			patches: []patch{{"topics/lane.go", "	l.busy, l.began, l.stuck = true, time.Now(), false\n",
				"	l.busy, l.began, l.stuck = true, time.Now(), false\n	p.settle(e.stream, e.offset)\n"}},
		},
		{
			name: "commit-on-fetch", about: "an offset counts as finished when its message has been read", scenario: "hub-killed",
			caught: []string{"I1 lost", "I6 commit ahead"},
			patches: []patch{{"topics/partition.go", "		s.tracker.see(r.Offset, r.Time)\n		r.disown()\n",
				"		s.tracker.see(r.Offset, r.Time)\n		p.settle(s, r.Offset)\n		r.disown()\n"}},
		},
		{
			name: "dedup-for-a-second", about: "done markers live for one second", scenario: "calm",
			caught:  []string{"I2 duplicate effect"},
			patches: []patch{{"topics/claims/steps.go", "return []any{c.owner, c.fingerprint, s.cfg.Keep.Milliseconds()}", "return []any{c.owner, c.fingerprint, 1000}"}},
		},
		{
			name: "claim-for-ever", about: "the claim of a hub that died is never given up", scenario: "hub-killed",
			caught:  []string{"I1 undecided", "I1 lost"},
			patches: []patch{{"topics/claims/scripts.go", "local till = ms(now + lease)", "local till = ms(now + 86400000)"}},
		},
		{
			name: "round-robin", about: "replies go to partitions in turn, not by application", scenario: "parking",
			caught: []string{"I4 order", "I4 overtaken"},
			patches: []patch{{"topics/producer.go", "	return kafka.Murmur2Balancer{Consistent: true}.Balance(",
				"	key = append([]byte(nil), []byte(time.Now().String())...)\n	return kafka.Murmur2Balancer{Consistent: true}.Balance("}},
		},
		{
			name: "no-lanes", about: "messages of one application run side by side", scenario: "parking",
			caught: []string{"I4 order", "I4 overtaken"},
			patches: []patch{{"topics/partition.go", "		l := p.lane(string(r.Key))\n		e := &entry{stream: s, offset: r.Offset, record: r}\n",
				"		l := p.lane(string(r.Key) + time.Now().String())\n		e := &entry{stream: s, offset: r.Offset, record: r}\n"}},
		},
		{
			name: "no-order-guard", about: "later messages do not wait for parked ones of their application", scenario: "parking",
			caught: []string{"I4 order", "I4 overtaken"},
			patches: []patch{
				{"topics/lane.go", "	return k != nil && (len(k.parked) > 0 || k.appending > 0 || p.holds(k))", "	return k != nil && p.holds(k)"},
				{"topics/lane.go", "		if len(k.parked) > 0 {\n			return &entry{stream: p.parked, offset: k.parked[0].offset}", "		if len(k.parked) > 0 && len(l.queue) == 0 {\n			return &entry{stream: p.parked, offset: k.parked[0].offset}"},
			},
		},
		{
			name: "letter-error-ignored", about: "a dead letter that cannot be written is dropped", scenario: "dead-topic-refused",
			caught:  []string{"I1 lost"},
			patches: []patch{{"topics/letter.go", "		d.Metrics.DeadPublishFailed()\n", "		d.Metrics.DeadPublishFailed()\n		return 0, nil\n"}},
		},
		{
			name: "letter-without-headers", about: "a dead letter does not say where its message came from", scenario: "calm",
			caught:  []string{"I5 dead letter incomplete"},
			patches: []patch{{"topics/letter.go", "		{\"hub_topic\", topic},\n		{\"hub_partition\", strconv.Itoa(partition)},\n", "		{\"hub_partition\", strconv.Itoa(partition)},\n"}, {"topics/letter.go", "	topic, partition, offset := l.record.origin()\n", "	_, partition, offset := l.record.origin()\n"}},
		},
		{
			name: "breaker-counts-refusals", about: "a refusal by the system opens the breaker", scenario: "refusals",
			caught:  []string{"I9 not as expected"},
			patches: []patch{{"adapters/breaker.go", "		return up // the system read the message and refused it", "		return down"}},
		},
		{
			name: "replay-under-a-new-id", about: "a replay does not know what its message came to before", scenario: "reply-refused",
			caught: []string{"I7 replay duplicate", "I2 duplicate effect"},
			patches: []patch{{"topics/decision.go", "		return d.Deliver(t, letter, places, tries), \"\"\n",
				"		for i := range letter.Headers {\n			if letter.Headers[i].Key == \"ce_id\" {\n				letter.Headers[i].Value = []byte(DeriveID(what.id))\n			}\n		}\n		return d.Deliver(t, letter, places, tries), \"\"\n"}},
		},
		{
			name: "commits-of-old-generations", about: "a member commits where an earlier one stood", scenario: "rebalance-storm",
			caught: []string{"I6 commit regress"},
			patches: []patch{{"topics/generation.go", "	s.position.Store(offset)\n	s.start, s.committed = offset, offset\n",
				"	s.position.Store(max(0, offset-3))\n	s.start, s.committed = offset, -1\n"}},
		},
		{
			name: "logs-the-message", about: "what a message holds is logged when its system does not answer", scenario: "systems",
			caught: []string{"I11 personal data"},
			patches: []patch{{"topics/outcome.go", `	l.Log.Warn("the system did not answer", append(l.attrs(), "code", f.Code, "error", f.Error())...)`,
				`	l.Log.Warn("the system did not answer", append(l.attrs(), "code", f.Code, "error", f.Error()+string(l.msg.Data))...)`}},
		},

		// Of our own.
		{
			name: "not-said-sent", about: "the claim does not say sent before a call that nobody may repeat", scenario: "failpoints-generations",
			caught: []string{"I2 duplicate effect", "I2 violation at system"},
			patches: []patch{{"topics/call.go", "	if !op.Effect.sentAtOnce() { // else the claim has said sent\n", "	if !op.Effect.sentAtOnce() && op.Effect != C3 {\n"},
				{"topics/call.go", "	if l.marked, held, err = l.Claims.Mark(ctx, l.marks, l.msg.ID); err != nil {\n", "	if l.marked, held, err = time.Now(), nil, error(nil); err != nil {\n"}},
		},
		{
			name: "no-settle", about: "a system is asked before it has settled, and its \"unknown\" believed", scenario: "late-answers",
			caught: []string{"I2 duplicate effect"},
			patches: []patch{{"topics/call.go", "rest := l.Timing.Call + op.Settle - l.claim.SentAge; rest > 0 && l.claim.Verdict == claims.Uncertain {", "rest := time.Duration(0); rest > 0 {"},
				{"topics/outcome.go", "after: max(l.Timing.Lease, l.Timing.Call+l.Route.Operation.Settle), try", "after: l.Timing.BackoffLeast, try"},
				{"topics/claims/scripts.go", "if r.owner ~= owner and alive(r) then return", "if r.owner ~= owner and alive(r) and r.state ~= 's' then return"}},
		},
		{
			name: "lease-not-checked", about: "a zombie calls although its lease is over", scenario: "zombie",
			caught: []string{"I2 duplicate effect", "I2 violation at system"},
			patches: []patch{{"adapters/lease.go", "	if l.ended || over {", "	if l.ended && over {"},
				{"adapters/lease.go", "ok && (l.until.IsZero() || until.Before(l.until)) {", "ok && until.IsZero() {"}},
		},
		{
			name: "counts-twice", about: "the metrics count a delivered message twice", scenario: "calm",
			caught:  []string{"I10 metrics lie"},
			patches: []patch{{"topics/delivery.go", "	l.Metrics.Final(\"delivered\")\n", "	l.Metrics.Final(\"delivered\")\n	l.Metrics.Final(\"delivered\")\n"}},
		},
		{
			name: "index-not-read", about: "a new owner does not read what its predecessor has parked", scenario: "parking",
			caught: []string{"I4 order", "I4 overtaken", "I1 lost", "I1 undecided"},
			patches: []patch{{"topics/generation.go", "func (p *partition) add(topic string, offset, end int64, route Route) {\n",
				"func (p *partition) add(topic string, offset, end int64, route Route) {\n	if topic == route.ParkedTopic() {\n		offset = end\n	}\n"}},
		},
		{
			name: "decision-not-bound", about: "a decision acts although another was first", scenario: "operator-races",
			caught: []string{"I7 replay duplicate", "I2 duplicate effect", "I5 both"}, // both: discarded, and carried out
			patches: []patch{{"topics/claims/scripts.go", "if (r.state ~= 'x' and r.state ~= 'y') or r.letter ~= letter then return 0 end\n", "if r.state == 'd' then r.sent = '' end\n"},
				{"topics/decision.go", "	if known == nil || known.resolved || len(known.offsets) == 0 {\n", "	if known == nil || len(known.offsets) == 0 {\n"}},
		},
		{
			name: "loss-not-seen", about: "nobody looks whether Redis has lost its claims", scenario: "redis-lost-behind-letter",
			caught: []string{"I2 duplicate effect", "I2 violation at system"},
			patches: []patch{{"topics/delivery.go", "	if l.claim.Lost && l.Losses != nil {\n", "	if false {\n"},
				{"cmd/hub/loss.go", "	if worked {\n", "	if worked && false {\n"}},
		},
		{
			name: "done-before-published", about: "a message is finished before its reply is written", scenario: "failpoints",
			caught: []string{"I8 result lost", "I1 lost"},
			patches: []patch{{"topics/reply.go", "	if out := l.writeReplies(ctx, replies); out.kind != finished {\n		return out\n	}\n	failpoint.Hit(failpoint.Published, l.Route.Name)\n	return outcome{kind: published}\n",
				"	if err := l.step(ctx, func() error { return l.Claims.Done(ctx, l.claim) }); err != nil {\n		return l.failed(ctx, l.claimError(ctx, err))\n	}\n	failpoint.Hit(failpoint.Published, l.Route.Name)\n	if out := l.writeReplies(ctx, replies); out.kind != finished {\n		return out\n	}\n	return outcome{kind: published}\n"}},
		},
		{
			name: "uncertain-is-repeated", about: "a call that may have arrived is made again", scenario: "late-answers",
			caught:  []string{"I2 duplicate effect", "I2 violation at system"},
			patches: []patch{{"topics/outcome.go", "	case f.Class == Unavailable, f.Class == Uncertain && effect.sentAtOnce():", "	case f.Class == Unavailable, f.Class == Uncertain && (effect.sentAtOnce() || true):"}},
		},
	}
}
