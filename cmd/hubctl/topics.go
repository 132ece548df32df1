package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"kandashub/topics"
	"kandashub/topics/contract"
)

type topicsCmd struct {
	Create createCmd `cmd:"" help:"Make the topics that are missing. Topics that exist are never changed."`
	List   listCmd   `cmd:"" help:"List the topics of the contract. Asks no broker."`
	Check  checkCmd  `cmd:"" help:"Compare a cluster with the contract."`
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
	cluster, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer cluster.Close()
	made, err := agreed.Create(ctx, cluster.Client, c.Partitions, c.Replication)
	for _, name := range made {
		fmt.Fprintf(out, "made %s\n", name)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d topics made, %d existed\n", len(made), len(agreed.Topics())-len(made))
	return compare(ctx, out, outputFlag{"table"}, agreed, cluster, c.Partitions)
}

type checkCmd struct {
	kafkaFlags
	partitionFlag
	outputFlag
}

// A topicProblem is a topic that is not as the contract says.
type topicProblem struct {
	Topic      string `json:"topic"`
	Partitions int    `json:"partitions"` // that it has; 0: it is missing
	Want       int    `json:"want"`
}

// Run fails if the cluster differs from the contract.
func (c *checkCmd) Run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	cluster, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer cluster.Close()
	if err := compare(ctx, out, c.outputFlag, agreed, cluster, c.Partitions); err != nil || c.Output != "table" {
		return err
	}
	fmt.Fprintf(out, "all %d topics are as the contract says\n", len(agreed.Topics()))
	return nil
}

func compare(ctx context.Context, out io.Writer, form outputFlag, agreed *contract.Contract, cluster *topics.Cluster, partitions int) error {
	problems, err := agreed.Missing(ctx, cluster.Client, partitions, nil)
	if err != nil {
		return err
	}
	shown := make([]topicProblem, len(problems))
	for i, p := range problems {
		shown[i] = topicProblem(p)
	}
	err = form.print(out, shown, func(t io.Writer) {
		for _, p := range problems {
			fmt.Fprintln(t, p)
		}
	})
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("%d topics are not as the contract says", len(problems))
	}
	return err
}

type listCmd struct {
	partitionFlag
	outputFlag
}

// A shownTopic is a topic of the contract as it is printed.
type shownTopic struct {
	Topic      string            `json:"topic"`
	Partitions int               `json:"partitions"`
	Kept       string            `json:"kept"`
	Writer     string            `json:"writer"`
	Sources    []string          `json:"sources"`
	Readers    []string          `json:"readers"`
	Types      []string          `json:"types"`
	Config     map[string]string `json:"config"`
}

// Run prints one line for each topic.
func (c *listCmd) Run(stdout io.Writer) error {
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	var all []shownTopic
	for _, t := range agreed.Topics() {
		all = append(all, shownTopic{t.Name, t.PartitionsOr(c.Partitions), kept(t), t.Writer, some(t.Sources), some(t.Readers), some(t.Types), t.Config})
	}
	return c.print(stdout, all, func(t io.Writer) {
		fmt.Fprintln(t, "TOPIC\tPARTITIONS\tKEPT\tWRITTEN BY\tSOURCES\tREAD BY")
		for _, one := range all {
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", one.Topic, one.Partitions, one.Kept, one.Writer, list(one.Sources), list(one.Readers))
		}
	})
}

// some is a list that is there even if it is empty.
func some(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
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
