package main

import "context"

type growthCmd struct {
	settings
	Applications []int `default:"10,100,1000,10000,100000" help:"Numbers of applications (${default})."`
	Partitions   []int `default:"1,8,64" help:"Numbers of partitions (${default})."`
	Backlog      []int `default:"20000,100000,1000000" help:"Messages that lie there, of which the first 20,000 are measured (${default})."`
}

// Run is `bench growth`.
func (c *growthCmd) Run(ctx context.Context) error { return c.settings.bench(ctx, c) }

func (c *growthCmd) measure(ctx context.Context, l *lab, out *report) error {
	var cells []cell
	for _, n := range c.Applications {
		cell := standard()
		cell.Applications, cell.Messages = n, max(cell.Messages, n) // so that most of them have a message
		cells = append(cells, cell)
	}
	for _, n := range c.Partitions {
		cell := standard()
		cell.Partitions = n
		cells = append(cells, cell)
	}
	for _, n := range c.Backlog {
		cell := standard()
		cell.Backlog = n
		cells = append(cells, cell)
	}
	return l.all(ctx, cells, func(cell) int { return 1 }, func(r result) { out.Growth = append(out.Growth, r) })
}
