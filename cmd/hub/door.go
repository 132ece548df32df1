package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/intake"
)

// serveDoor serves the intake and the SHEP endpoints until ctx ends.
func (h *hub) serveDoor(ctx context.Context, l net.Listener) error {
	door := &http.Server{
		Handler: h.door(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- door.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.cfg.Drain)
	defer cancel()
	if door.Shutdown(stopping) != nil { // it also waits for connections on which nothing was ever asked
		return door.Close() // whoever has no answer repeats with the same id
	}
	return nil
}

// door is what systems without Kafka call.
func (h *hub) door() http.Handler {
	tokens := map[string]string{}
	senders := map[string]shep.Account{}
	for name, c := range h.cfg.Callers {
		if c.Token == "" {
			continue
		}
		tokens[name] = string(c.Token)
		senders[c.Sender] = shep.Account{System: name, Password: string(c.Token)}
	}
	in := intake.New(intake.Config{Tokens: tokens, Contract: h.contract, Publisher: h.producer, Metrics: h.metrics, Tracer: h.tracer})
	mux := http.NewServeMux()
	mux.Handle("/", in)
	mux.Handle("/shep/", shep.NewServer(shep.Config{Senders: senders, Metrics: h.metrics, Accept: func(ctx context.Context, m shep.Incoming) error {
		return h.acceptSHEP(ctx, in, m)
	}}))
	return mux
}

// acceptSHEP writes what a system has handed over through SHEP to its topic.
func (h *hub) acceptSHEP(ctx context.Context, in *intake.Intake, m shep.Incoming) error {
	for _, s := range systems {
		if s.name != m.System || s.incoming == nil {
			continue
		}
		topic, msg, ok, err := s.incoming(h.adapters, m)
		if err != nil || !ok {
			return err
		}
		return in.Accept(ctx, m.System, topic, msg)
	}
	return topics.Fail(topics.Rejected, "service", "system %s hands nothing over through SHEP", m.System)
}
