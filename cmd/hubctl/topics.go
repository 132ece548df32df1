package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kandashub/topics"
	"kandashub/topics/contract"
)

type topicsCmd struct {
	Create createCmd `cmd:"" help:"Make the topics that are missing. Topics that exist are never changed."`
	List   listCmd   `cmd:"" help:"List the topics of the contract. Asks no broker."`
	Check  checkCmd  `cmd:"" help:"Compare a cluster with the contract."`
}

// kafkaFlags say where Kafka is, and how long to try.
type kafkaFlags struct {
	Kafka   []string      `env:"HUB_KAFKA" default:"127.0.0.1:9092" placeholder:"HOST:PORT" help:"Brokers to begin with, separated by commas (${default})."`
	Timeout time.Duration `default:"1m" help:"How long to try."`
}

func (f kafkaFlags) cluster() *topics.Cluster {
	brokers := make([]string, len(f.Kafka))
	for i, b := range f.Kafka {
		brokers[i] = strings.TrimSpace(b)
	}
	return topics.NewCluster(brokers)
}

type partitionFlag struct {
	Partitions int `env:"HUB_PARTITIONS" default:"8" help:"Partitions of every topic of a route."`
}

type createCmd struct {
	kafkaFlags
	partitionFlag
	Replication int `default:"3" help:"Replicas of each topic; 1 for a single broker."`
}

// Run makes what is missing, and fails if what exists differs.
func (c *createCmd) Run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	cluster := c.cluster()
	defer cluster.Close()
	made, err := agreed.Create(ctx, cluster.Client, c.Partitions, c.Replication)
	for _, name := range made {
		fmt.Fprintf(out, "made %s\n", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d topics made, %d existed\n", len(made), len(agreed.Topics())-len(made))
	return compare(ctx, out, agreed, cluster, c.Partitions)
}

type checkCmd struct {
	kafkaFlags
	partitionFlag
}

// Run fails if the cluster differs from the contract.
func (c *checkCmd) Run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	cluster := c.cluster()
	defer cluster.Close()
	if err := compare(ctx, out, agreed, cluster, c.Partitions); err != nil {
		return err
	}
	fmt.Fprintf(out, "all %d topics are as the contract says\n", len(agreed.Topics()))
	return nil
}

func compare(ctx context.Context, out io.Writer, agreed *contract.Contract, cluster *topics.Cluster, partitions int) error {
	problems, err := agreed.Missing(ctx, cluster.Client, partitions, nil)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(out, p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d topics are not as the contract says", len(problems))
	}
	return nil
}

type listCmd struct {
	partitionFlag
}

// Run prints one line for each topic.
func (c *listCmd) Run(out io.Writer) error {
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tPARTITIONS\tKEPT\tWRITTEN BY\tSOURCES\tREAD BY")
	for _, t := range agreed.Topics() {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n",
			t.Name, t.PartitionsOr(c.Partitions), kept(t), t.Writer, list(t.Sources), list(t.Readers))
	}
	return w.Flush()
}

// kept says in words how long a topic keeps its records.
func kept(t contract.Topic) string {
	if t.Config["cleanup.policy"] == "compact" {
		return "last of each key"
	}
	ms, err := strconv.ParseInt(t.Config["retention.ms"], 10, 64)
	switch {
	case err != nil:
		return "as the broker says"
	case ms < 0:
		return "for ever"
	}
	return fmt.Sprintf("%d days", time.Duration(ms)*time.Millisecond/(24*time.Hour))
}

func list(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}

type contractCmd struct{}

// Run prints asyncapi.yaml as it is written.
func (c *contractCmd) Run(out io.Writer) error {
	_, err := out.Write(topics.AsyncAPI())
	return err
}
