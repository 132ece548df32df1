//go:build !linux

package main

import "syscall"

// attributes make a process one of a group of its own, so that Ctrl-C in the
// terminal reaches us alone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
