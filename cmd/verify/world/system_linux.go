package world

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// attributes make a process one of a group of its own, so that Ctrl-C in the
// terminal reaches us alone, and have it killed when we are. (It is killed when
// the thread that started it ends; Go ends only threads that a goroutine has
// locked, and nothing here locks any.)
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// frozen reports whether all threads of a process have stopped: a signal is sent
// before they have.
func frozen(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, stat := range threads {
		data, err := os.ReadFile(stat)
		if err != nil {
			continue // the thread has ended
		}
		_, state, _ := bytes.Cut(data[bytes.LastIndexByte(data, ')')+1:], []byte(" "))
		if len(state) > 0 && state[0] != 'T' && state[0] != 't' {
			return false
		}
	}
	return true
}

// reserve binds a port without listening there. Who binds it as servers do (with
// SO_REUSEADDR) may have it; who asks as we do is told that it is taken, whether
// somebody listens or not.
func reserve(port int) (release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return func() { syscall.Close(fd) }, nil
}
