package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/bench/target"
)

// A lab is where things are measured: the servers that last for the whole bench,
// and where its programs are.
type lab struct {
	settings
	ports  *ports
	dir    string // of logs and of the stand-in's data; removed at the end
	self   string // this program
	url    string // of the target
	target target.Client
	played *process
}

// settings are the flags that all commands share.
type settings struct {
	Bin       string        `json:"-" default:"bin" type:"path" help:"Folder of the programs hub, hubctl and verify (${default})."`
	Redis     string        `json:"-" env:"REDIS_ADDR" required:"" placeholder:"HOST:PORT" help:"A real Redis, of ours alone."`
	RedisPID  int           `json:"-" env:"REDIS_PID" help:"Its process, whose CPU is read."`
	RealKafka string        `json:"-" env:"KAFKA_BROKERS" placeholder:"HOST:PORT" help:"A real Apache Kafka, of ours alone."`
	KafkaPID  int           `json:"-" env:"KAFKA_PID" help:"Its process, whose CPU is read."`
	Workers   int           `json:"workers" default:"256" help:"Calls at once, of the hub (HUB_WORKERS) and of the limit program (${default})."`
	LogLevel  string        `json:"log_level" default:"INFO" help:"HUB_LOG_LEVEL (${default}, as the hub's default is)."`
	Outcomes  bool          `json:"outcomes" default:"true" negatable:"" help:"The hub writes outcomes (HUB_OUTCOMES), as its default is."`
	Reply     bool          `json:"limit_writes_replies" default:"true" negatable:"" help:"The limit program writes replies, as the hub does."`
	Out       string        `json:"-" type:"path" help:"Folder of a report, in JSON and Markdown; none, if empty."`
	Commit    string        `json:"-" help:"What is measured; the commit of this program's build, if empty."`
	Patience  time.Duration `json:"-" default:"5m" help:"How long one run may take (${default})."`
}

// open starts what lasts for the whole bench.
func (s settings) open() (*lab, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return s.openAs(self)
}

// openAs is open where this program lies elsewhere: a test is another one.
func (s settings) openAs(self string) (*lab, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	l := &lab{settings: s, ports: newPorts(), dir: dir, self: self}
	var at target.Addresses
	if l.played, err = start(dir, "target", self, []string{"target"}, nil, &at); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	l.url, l.target = "http://"+at.Calls, target.Client{Admin: at.Admin}
	return l, nil
}

func (l *lab) close() {
	_ = l.played.stop()
	os.RemoveAll(l.dir)
}

// program is the path of one of our programs.
func (l *lab) program(name string) string { return filepath.Join(l.Bin, name) }

// Kinds of Kafka.
const (
	kafkaStandIn = "standin" // kfake, in a process of its own
	kafkaReal    = "real"
)

// kafkaServer is a Kafka on which a run takes place.
type kafkaServer struct {
	brokers string
	pid     int
	client  *kgo.Client
	admin   *kadm.Client
	process *process // of the stand-in
	dir     string
}

// kafka returns a Kafka with all topics. A stand-in is new each time; of the
// real one, what lies in the route's source is dropped, and where groups stood.
func (l *lab) kafka(ctx context.Context, kind string, partitions int, groups []string, sources ...string) (*kafkaServer, error) {
	k := &kafkaServer{brokers: l.RealKafka, pid: l.KafkaPID}
	if kind == kafkaStandIn {
		if err := l.standIn(k); err != nil {
			return nil, err
		}
	} else if k.brokers == "" {
		return nil, errors.New("no real Kafka is known: set KAFKA_BROKERS, or start the bench by deploy/servers/with-servers")
	}
	var err error
	if k.client, err = kgo.NewClient(kgo.SeedBrokers(k.brokers), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(1_000_000), kgo.MaxBufferedRecords(50_000)); err != nil {
		return nil, k.closeAfter(err)
	}
	k.admin = kadm.NewClient(k.client)
	if err := await(ctx, "Kafka answers", func() error { return k.client.Ping(ctx) }); err != nil {
		return nil, k.closeAfter(err)
	}
	if err := l.hubctl(ctx, k, "topics", "create", "--replication", "1", "--partitions", strconv.Itoa(partitions)); err != nil {
		return nil, k.closeAfter(err)
	}
	if kind == kafkaReal {
		if err := k.clear(ctx, groups, sources...); err != nil {
			return nil, k.closeAfter(err)
		}
	}
	return k, nil
}

// standIn starts a stand-in.
func (l *lab) standIn(k *kafkaServer) (err error) {
	if k.brokers, err = l.ports.address(); err != nil {
		return err
	}
	if k.dir, err = os.MkdirTemp(l.dir, "kafka"); err != nil {
		return err
	}
	if k.process, err = start(l.dir, "kafka", l.program("verify"), []string{"broker", "--listen", k.brokers, "--admin", "127.0.0.1:0", "--dir", k.dir}, nil, nil); err != nil {
		return err
	}
	k.pid = k.process.pid()
	return nil
}

// clear drops what lies in topics and where groups stood in them, which must
// have no members: the next ones begin at what is written from now on.
func (k *kafkaServer) clear(ctx context.Context, groups []string, sources ...string) error {
	ends, err := k.admin.ListEndOffsets(ctx, sources...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	deleted, err := k.admin.DeleteRecords(ctx, ends.Offsets())
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		return fmt.Errorf("kafka: dropping old records: %w", err)
	}
	for _, g := range groups { // a broker that has just started has no coordinator yet
		if err := await(ctx, "Kafka has forgotten where "+g+" stood", func() error {
			_, err := k.admin.DeleteGroup(ctx, g)
			if errors.Is(err, kerr.GroupIDNotFound) {
				return nil
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (k *kafkaServer) close() error {
	if k.client != nil {
		k.client.Close()
	}
	err := k.process.stop()
	if k.dir != "" {
		os.RemoveAll(k.dir)
	}
	return err
}

func (k *kafkaServer) closeAfter(err error) error {
	_ = k.close()
	return err
}

// hubctl runs the operator's program.
func (l *lab) hubctl(ctx context.Context, k *kafkaServer, args ...string) error {
	cmd := exec.CommandContext(ctx, l.program("hubctl"), args...)
	cmd.Env = append(os.Environ(), "HUB_KAFKA="+k.brokers)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("hubctl %s: %w: %s", strings.Join(args[:2], " "), err, out)
	}
	return nil
}
