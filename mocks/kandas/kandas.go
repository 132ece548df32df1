// Package kandas is a fake of АЦС «Кандас», the system in which the commission
// and the local executive bodies (МИО) work, from its own side. The commission
// and the МИО act within milliseconds instead of days.
//
// It serves
//
//	POST /api/v1/applications          register an application
//	POST /api/v1/iins                  the answer to its IIN request
//	POST /api/v1/deliveries            what became of one notice
//	POST /api/v1/certificate-requests  a certificate issued earlier
//
// with the caller's id in X-Message-ID, which it honours: a repeat gets the
// first answer, and the ledger says so (effect contract C1). What it has to say
// it writes to kandas.events and kandas.iin-requests, strictly in order for each
// application; events whose signature the hub rejects it reads from
// kandas.rejections, and issues them anew.
//
//	PUT /_scripts/{application}        how the commission and the МИО will act
//	GET /_scripts/{application}
//	PUT /_loose                        {"on": true}: deliveries and IINs of applications that it does
//	                                   not know are taken as well, for load from outside
//
// process.go is the life of an application, in order. The operations in the
// ledger: register, registered, package-refused, iin-requested, record-iins,
// officer-needed, closed, recommended, hearing-set, decided, certificate-issued,
// rejection-received, record-delivery, clock-closed, request-certificate, and
// violation: something that must never happen, such as two IINs for one person.
package kandas

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"kandashub/mocks"
)

const name = "kandas"

// pace is how long the commission or the МИО takes for one step.
const pace = 15 * time.Millisecond

// zone is the one time zone of the country.
var zone = time.FixedZone("+05", 5*60*60)

// system is the state of the fake. It lives in memory, as long as the world.
type system struct {
	ledger  *mocks.Ledger
	faults  *mocks.Faults
	contour *contour
	now     func() time.Time

	mu           sync.Mutex // guards what follows, and every application's state
	answered     map[string]reply
	applications map[string]*application
	scripts      map[string]Script
	issued       map[string]*issue // signed events by ce_id
	iinOf        map[string]string // by person: an IIN given to them
	signatures   int
	loose        bool
	start        func(job) // nil while Run is not running
	waiting      []job
}

// A job is something that the system does of its own accord.
type job func(ctx context.Context)

// New returns the fake of АЦС «Кандас». Its Run writes and reads topics; until
// it runs, applications wait.
func New(env mocks.Env) (*mocks.System, error) {
	ledger, err := mocks.OpenLedger(filepath.Join(env.Dir, name+".ledger"))
	if err != nil {
		return nil, fmt.Errorf("kandas: %w", err)
	}
	logf := env.Logf
	if logf == nil {
		logf = func(string, ...any) {}
	}
	s := &system{
		ledger:       ledger,
		faults:       mocks.NewFaults(env.Seed),
		contour:      newContour(env.Kafka, logf),
		now:          func() time.Time { return time.Now().In(zone) },
		answered:     map[string]reply{},
		applications: map[string]*application{},
		scripts:      map[string]Script{},
		issued:       map[string]*issue{},
		iinOf:        map[string]string{},
	}
	return &mocks.System{
		Name:    name,
		Ledger:  ledger,
		Faults:  s.faults,
		Handler: mocks.Admin(ledger, s.faults, s.api(env.Token)),
		Run:     s.run,
	}, nil
}

// run carries out what has been waiting and what is yet to come, and reads the
// hub's rejections, until ctx ends.
func (s *system) run(ctx context.Context) error {
	defer s.contour.close()
	var wg sync.WaitGroup
	s.mu.Lock()
	s.start = func(j job) { wg.Go(func() { j(ctx) }) }
	for _, j := range s.waiting {
		s.start(j)
	}
	s.waiting = nil
	s.mu.Unlock()

	s.contour.read(ctx, topicRejections, s.rejected) //nolint:errcheck // it ends with ctx alone

	s.mu.Lock()
	s.start = nil
	s.mu.Unlock()
	wg.Wait()
	return nil
}

// do has j carried out in the background: now, or when Run runs. The caller
// holds the lock.
func (s *system) do(j job) {
	if s.start == nil {
		s.waiting = append(s.waiting, j)
		return
	}
	s.start(j)
}

// record writes an effect to the ledger.
func (s *system) record(e mocks.Effect) error {
	e.System = name
	return s.ledger.Record(e)
}
