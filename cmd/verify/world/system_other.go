//go:build !linux

package world

import (
	"net"
	"syscall"
)

// attributes make a process one of a group of its own, so that Ctrl-C in the
// terminal reaches us alone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// frozen takes it that a process stops at once.
func frozen(int) bool { return true }

// reserve only finds out whether a port is free now.
func reserve(port int) (release func(), err error) {
	l, err := net.Listen("tcp", at(port))
	if err != nil {
		return nil, err
	}
	return func() {}, l.Close()
}
