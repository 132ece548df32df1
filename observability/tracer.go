package observability

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// What waits to be exported, and for how long. More than that is dropped: spans
// are a help, and never hold up messages.
const (
	spanQueue   = 4096
	exportEvery = 2 * time.Second
	exportFor   = 5 * time.Second
)

// A Tracer makes OpenTelemetry spans of pieces of work (see [Work]) and exports
// them. A nil *Tracer does nothing: tracing is off, and nothing of OpenTelemetry
// has been made.
type Tracer struct {
	oneIn    uint64
	provider *sdktrace.TracerProvider
	spans    trace.Tracer
	works    sync.Pool
}

// TracerConfig says where spans go, and which.
type TracerConfig struct {
	URL      string // of an OTLP/HTTP receiver; without a path, /v1/traces is meant
	OneIn    int    // one trace in so many is kept; what has failed always is
	Instance string // names the process
	Log      *slog.Logger
}

// NewTracer returns a Tracer; nil where the URL is empty. It makes no connection
// yet. [Tracer.Close] ends it.
func NewTracer(cfg TracerConfig) (*Tracer, error) {
	if cfg.URL == "" {
		return nil, nil
	}
	client, err := newOTLPClient(cfg.URL)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(context.Background(), client)
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		cfg.Log.Warn("traces cannot be exported, and are dropped", "error", err.Error())
	}))
	t := &Tracer{oneIn: uint64(max(cfg.OneIn, 1))}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(spanQueue), sdktrace.WithBatchTimeout(exportEvery), sdktrace.WithExportTimeout(exportFor)),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // a span is made only once it is to be kept
		sdktrace.WithIDGenerator(givenIDs{}),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "kandashub"), attribute.String("service.version", ThisBuild().Version),
			attribute.String("service.instance.id", cfg.Instance))),
	)
	t.spans = t.provider.Tracer("kandashub")
	t.works.New = func() any { return new(Work) }
	return t, nil
}

// Close exports what waits, within ctx.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// keeps says whether a trace is one of those that are kept. It follows from the
// trace's id alone: all hubs that an application's messages pass through agree.
func (t *Tracer) keeps(tr Trace) bool {
	return binary.BigEndian.Uint64(tr.id[8:])%t.oneIn == 0
}

// Mark returns tr with a flag that says whether it is kept; unchanged where
// tracing is off.
func (t *Tracer) Mark(tr Trace) Trace {
	if t != nil {
		tr.sampled = t.keeps(tr)
	}
	return tr
}

// givenIDs gives a span the ids that its context holds: they are in messages that
// left before the span was made.
type givenIDs struct{}

type idsKey struct{}

// NewIDs implements sdktrace.IDGenerator, for spans without a parent.
func (givenIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	t, ok := ctx.Value(idsKey{}).(Trace)
	if !ok {
		t = NewTrace()
	}
	return t.id, t.span
}

// NewSpanID implements sdktrace.IDGenerator, for spans with a parent.
func (g givenIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	_, span := g.NewIDs(ctx)
	return span
}
