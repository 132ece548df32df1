package main

import "syscall"

// attributes make a process one of a group of its own, so that Ctrl-C in the
// terminal reaches us alone, and have it killed when we are.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
