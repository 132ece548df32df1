package shep

import (
	"context"
	"sync"
)

// An outbox runs jobs: those of one key one after another, in the order in
// which they were put; those of different keys side by side. What is put before
// run waits for it.
type outbox struct {
	mu      sync.Mutex
	waiting map[string][]func(context.Context)
	ctx     context.Context // of run; nil before it
	ended   bool            // no worker starts any more
	workers sync.WaitGroup
}

// put appends a job to its key's queue.
func (o *outbox) put(key string, job func(context.Context)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting == nil {
		o.waiting = map[string][]func(context.Context){}
	}
	_, busy := o.waiting[key]
	o.waiting[key] = append(o.waiting[key], job)
	if !busy && o.ctx != nil && !o.ended {
		o.start(key)
	}
}

// run works until ctx ends; jobs that have not ended then have been told so by
// their context. It is called once.
func (o *outbox) run(ctx context.Context) {
	o.mu.Lock()
	o.ctx = ctx
	for key := range o.waiting {
		o.start(key)
	}
	o.mu.Unlock()
	<-ctx.Done()
	o.mu.Lock()
	o.ended = true
	o.mu.Unlock()
	o.workers.Wait()
}

// start works off one key's queue. The caller holds mu.
func (o *outbox) start(key string) {
	o.workers.Go(func() {
		for {
			o.mu.Lock()
			if len(o.waiting[key]) == 0 || o.ctx.Err() != nil {
				delete(o.waiting, key)
				o.mu.Unlock()
				return
			}
			job := o.waiting[key][0]
			o.waiting[key] = o.waiting[key][1:]
			o.mu.Unlock()
			job(o.ctx)
		}
	})
}
