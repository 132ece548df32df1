package world

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const loopback = "127.0.0.1"

// Ports are taken from below the range that systems give to outgoing
// connections, so that a process that is started again gets its port again.
const (
	firstPort = 20000
	lastPort  = 29999
	tries     = 1000
)

var errNoPort = errors.New("no port is free")

// ports are those of one world. They stay reserved until they are released,
// even while the process that listens there is down: other worlds on this
// machine take others.
type ports struct {
	release []func()
}

// take reserves n ports in a row and returns the first.
func (p *ports) take(n int) (int, error) {
	for range tries {
		first := firstPort + rand.IntN(lastPort-firstPort-n)
		var got []func()
		for i := range n {
			release, err := reserve(first + i)
			if err != nil {
				break
			}
			got = append(got, release)
		}
		if len(got) == n {
			p.release = append(p.release, got...)
			return first, nil
		}
		for _, f := range got {
			f()
		}
	}
	return 0, fmt.Errorf("%w between %d and %d", errNoPort, firstPort, lastPort)
}

// addresses reserves n addresses of this machine.
func (p *ports) addresses(n int) ([]string, error) {
	var addrs []string
	for range n {
		port, err := p.take(1)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, at(port))
	}
	return addrs, nil
}

func (p *ports) close() {
	for _, f := range p.release {
		f()
	}
	p.release = nil
}

func at(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
