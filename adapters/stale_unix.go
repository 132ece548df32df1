//go:build unix

package adapters

import "syscall"

// stale says whether an idle connection can not be used any more: the system
// has closed it, or has said something that nobody asked for. It looks without
// waiting. A request on such a connection would be an unclear one, although
// nobody may have read it.
func (g *guarded) stale() bool {
	sc, ok := g.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	stale := true
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		stale = err != syscall.EAGAIN && err != syscall.EWOULDBLOCK
		return true
	})
	return stale || err != nil
}
