package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// What the system knows of a process (proc(5)). Elsewhere than on Linux, and of
// processes that are not known, all of it is 0.

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every
// architecture that Go runs on.
const tick = 10 * time.Millisecond

// cpuOf is the processor time that processes have used, of all their threads.
func cpuOf(pids ...int) (total time.Duration) {
	for _, pid := range pids {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
			total += parseStat(stat)
		}
	}
	return total
}

// parseStat returns utime + stime. The name before them, in parentheses, may
// hold anything.
func parseStat(stat []byte) time.Duration {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 { // the state is field 3 of proc(5), utime 14, stime 15
		return 0
	}
	utime, err1 := strconv.ParseInt(fields[11], 10, 64)
	stime, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(utime+stime) * tick
}

// memoryOf is how many bytes processes hold, and the sum of the most that each
// has held.
func memoryOf(pids ...int) (resident, peak int64) {
	for _, pid := range pids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		resident += parseStatus(status, "VmRSS:")
		peak += parseStatus(status, "VmHWM:")
	}
	return resident, peak
}

// parseStatus returns a value that is given in kB, in bytes.
func parseStatus(status []byte, name string) int64 {
	_, rest, ok := strings.Cut(string(status), name)
	if !ok {
		return 0
	}
	line, _, _ := strings.Cut(rest, "\n")
	kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
