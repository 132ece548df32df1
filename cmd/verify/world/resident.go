package world

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Resident is how many bytes of memory the process holds; 0 where it does not
// run, or the system does not say.
func (p *Process) Resident() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || !p.running() {
		return 0
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	var kib int64
	if _, err := fmt.Sscan(string(rest), &kib); err != nil {
		return 0
	}
	return kib << 10
}
